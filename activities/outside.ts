/** Prompts and examples from outside the run: how an iteration draws the ones and learns from the others. */
import type { Db } from '../db/connect.ts';
import { storedPromptPages, takeInGiven } from '../db/outside.ts';
import { sampler } from '../tasks/random.ts';
import type { Prompt, PromptRequest } from '../tasks/task.ts';
import type { IterationContext } from './context.ts';

/**
 * The source of an iteration's pool: what was stored for the task before, or in place of, the task's own source.
 *
 * @param heldOut keys that the task's own source passes by. What people gave, stored or in a file, does not: who draws from it
 *   is to see what has leaked.
 */
export function poolSource(
  db: Db,
  { run, settings, task }: IterationContext,
  heldOut: ReadonlySet<string>,
): (request: PromptRequest) => AsyncIterable<Prompt> {
  const own = (request: PromptRequest) => {
    const exclude = (key: string) => heldOut.has(key) || request.exclude(key);
    return task.prompts(settings.promptsFile === undefined ? { ...request, exclude } : request);
  };
  const stored = settings.pool.stored ?? (settings.promptsFile === undefined ? 'first' : 'off');
  if (stored === 'off') return own;
  return async function* (request) {
    const chosen = sampler<Prompt>(`stored/${request.seed}`, request.count);
    for await (const page of storedPromptPages(db, run.task)) {
      for (const { key, text, level } of page) {
        if (request.levels && level !== null && !request.levels.includes(level)) continue;
        if (!request.exclude(key)) chosen.add(key, { key, text, level: level ?? undefined });
      }
    }
    const drawn = chosen.take();
    yield* drawn;
    if (stored === 'first' && drawn.length < request.count)
      yield* own({ ...request, count: request.count - drawn.length });
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
