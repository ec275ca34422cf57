/** Prompts and examples from outside the run: how an iteration draws the ones and learns from the others. */
import type { Db } from '../db/connect.ts';
import { storedPromptPages, takeInGiven } from '../db/queries/outside.ts';
import { sampler } from '../tasks/random.ts';
import type { ImproveSettings } from '../loop/input.ts';
import type { Prompt, PromptRequest, Task } from '../tasks/task.ts';
import type { IterationContext } from './context.ts';
import { logInfo } from './metrics.ts';

/** A prompt and where from outside the run it comes, or the variant of the run that it is. */
export type Drawn = Prompt & { storedPromptId?: number; feedbackId?: number; variantId?: number };

type Pool = Pick<ImproveSettings, 'pool' | 'promptsFile'>;

/** Where stored prompts stand: before the task's own source, alone, or out of it. */
export function storedUse({ pool, promptsFile }: Pool): 'first' | 'only' | 'off' {
  return pool.stored ?? (promptsFile === undefined ? 'first' : 'off');
}

/**
 * Stored prompts of the levels that are asked for, or without a known level, and of all levels where they are the only source:
 * then what is stored is what should be learnt. One that the task can't read any more (its definition may have changed) is
 * passed by and counted in the log.
 */
async function* fromStored(
  db: Db,
  task: Task,
  request: PromptRequest,
  levels: number[] | undefined,
): AsyncGenerator<Drawn> {
  const chosen = sampler<Drawn>(`stored/${request.seed}`, request.count);
  let unreadable = 0;
  for await (const page of storedPromptPages(db, task.name)) {
    for (const { id, text } of page) {
      const prompt = task.readPrompt(text);
      if (typeof prompt === 'string') unreadable += 1;
      else if (levels && prompt.level !== undefined && !levels.includes(prompt.level)) continue;
      else if (!request.exclude(prompt.key)) chosen.add(prompt.key, { ...prompt, storedPromptId: id });
    }
  }
  if (unreadable > 0)
    logInfo('stored prompts that the task cannot read', { task: task.name, prompts: unreadable });
  yield* chosen.take();
}

/**
 * The source of an iteration's pool: what was stored for the task before, or in place of, the task's own source.
 *
 * @param heldOut keys that the task's own source passes by. What people gave, stored or in a file, does not: who draws from it
 *   is to see what has leaked.
 */
export function poolSource(
  db: Db,
  { settings, task }: Pick<IterationContext, 'settings' | 'task'>,
  heldOut: ReadonlySet<string>,
): (request: PromptRequest) => AsyncIterable<Drawn> {
  const own = (request: PromptRequest) => {
    const exclude = (key: string) => heldOut.has(key) || request.exclude(key);
    return task.prompts(settings.promptsFile === undefined ? { ...request, exclude } : request);
  };
  const use = storedUse(settings);
  if (use === 'off') return own;
  return async function* (request) {
    let drawn = 0;
    for await (const prompt of fromStored(db, task, request, use === 'only' ? undefined : request.levels)) {
      drawn += 1;
      yield prompt;
    }
    if (use === 'first' && drawn < request.count) yield* own({ ...request, count: request.count - drawn });
  };
}

/** What people gave for the task becomes examples of the iteration. The contrast arms learn from nobody's word. */
export async function learnFromGiven(
  db: Db,
  { iteration, run, settings, checkpoint }: IterationContext,
): Promise<number> {
  if (!settings.training.given || settings.experiment !== 'none') return 0;
  return takeInGiven(db, {
    runId: run.id,
    iterationId: iteration.id,
    checkpointId: checkpoint.id,
    task: run.task,
  });
}
