/** Giving a task a memory entry by hand. It is shown to no model before a test has admitted it. */
import type { Db } from '../../db/connect.ts';
import { heldOutProblems } from '../../db/queries/leaks.ts';
import { addMemory, type NewMemorySource } from '../../db/queries/memory.ts';
import { baseOfNewestRun } from '../../db/queries/serving.ts';
import { storableText } from '../../db/storable.ts';
import { requestOf } from '../../engine/answering.ts';
import { readRun, taskOf } from '../../engine/context.ts';
import { memoryTokens } from '../../engine/memory/prompt.ts';
import { createLeakIndex } from '../../loop/leaks.ts';
import { plain } from '../../process/text.ts';
import { UsageError } from '../../process/errors.ts';

/** A heuristic, or a problem with its whole solution as the model should write it. */
export type GivenEntry = { task: string; by: string } & (
  | { heuristic: string }
  | { problem: string; answer: string }
);

/** Longer rules are no rules, and every prompt would pay for them. */
const MOST_CHARACTERS = 2000;

/**
 * Stores an entry as unverified.
 *
 * @returns its id
 * @throws UsageError where the task can't read it, or it tells the answer of a held-out problem
 */
export async function giveMemory(db: Db, given: GivenEntry): Promise<number> {
  const base = await baseOfNewestRun(db, given.task);
  if (!base)
    throw new UsageError(`The task ${plain(given.task)} has no run yet. Start one with: ratchet run`);
  const run = await readRun(db, base.runId);
  const task = taskOf(run);
  const sources: NewMemorySource[] = [];
  let request: string | null = null;
  let text: string;
  if ('heuristic' in given) {
    text = storableText(given.heuristic.trim());
    if (text === '' || text.length > MOST_CHARACTERS)
      throw new UsageError(`A heuristic has 1 to ${MOST_CHARACTERS} characters.`);
  } else {
    const prompt = task.readPrompt(storableText(given.problem));
    if (typeof prompt === 'string') throw new UsageError(`The problem ${prompt}.`);
    text = storableText(given.answer.trim());
    if (task.readAnswer(text) === undefined)
      throw new UsageError(
        'The answer states none that the task can read, so it would teach the wrong form.',
      );
    const held = createLeakIndex(await heldOutProblems(db, run.id), run.settings.leaks.similarity).find(
      prompt,
    );
    if (held)
      throw new UsageError(
        `The problem is held out in ${held.heldOut.benchmark}: it would be told with its answer.`,
      );
    request = requestOf(task, prompt);
    sources.push({ key: prompt.key, text: prompt.text, level: prompt.level });
  }
  const kind = request === null ? ('heuristic' as const) : ('pattern' as const);
  const { by } = given;
  const tokens = memoryTokens({ request, text });
  const id = await addMemory(
    db,
    { task: given.task, kind, request, text, tokens, by },
    sources,
    `given by ${by}`,
  );
  if (id === undefined) throw new UsageError(`The task ${plain(given.task)} has this entry already.`);
  return id;
}
