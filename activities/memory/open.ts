import { sql } from 'drizzle-orm';
import {
  addTest,
  countTrials,
  findTest,
  looksOf,
  type MemoryProblem,
} from '../../db/queries/memory-tests.ts';
import {
  addMemory,
  admittedMemory,
  markStale,
  proposalsFor,
  untestedMemory,
} from '../../db/queries/memory.ts';
import { memoryProblems as problemRows } from '../../db/schema.ts';
import { iterationContext, samplerOf, type Deps, type IterationContext } from '../../engine/context.ts';
import { memoryTokens } from '../../engine/memory/prompt.ts';
import { memoryProblems } from '../../engine/memory/problems.ts';
import { writeHeuristics } from '../../engine/memory/heuristics.ts';
import { recall } from '../../engine/memory/recall.ts';
import { memoryScope, testsMemory } from '../../engine/memory/scope.ts';
import { levelOfLook } from '../../loop/alpha-spending.ts';
import { LEAST_PROBLEMS } from '../../loop/memory.ts';

/** An entry's first state says where it is from. */
const from = (iteration: number) => `an accepted example, taken in iteration ${iteration}`;

/**
 * Memory: takes the surest accepted examples of before as entries to be tested, asks the model for rules, and marks what other
 * weights admitted.
 *
 * Reads: examples, entries, calls of before. Writes: entries with their sources and states, calls. Safe to repeat: a task has an
 * entry of the same words once, no pattern of a problem that one was made of, and a rule that was asked for is not asked again.
 *
 * @throws BudgetExceeded, ModelUnavailable
 */
export async function proposeMemory({ db }: Deps, { iterationId }: { iterationId: number }): Promise<void> {
  const context = await iterationContext(db, iterationId);
  const { run, settings, iteration } = context;
  const by = `run ${run.id}`;
  const { checkpoint } = samplerOf(context);
  const mine = sql`select count(*)::int as n from memory_entries where iteration_id = ${iterationId} and kind = 'pattern'`;
  const done = Number((await db.execute(mine)).rows[0]!.n);
  const most = Math.max(0, settings.memory.proposals - done);
  const proposals = most > 0 ? await proposalsFor(db, { task: run.task, most }) : [];
  for (const { exampleId, key, prompt, level, request, rationale } of proposals) {
    await addMemory(
      db,
      {
        task: run.task,
        kind: 'pattern',
        request,
        text: rationale,
        tokens: memoryTokens({ request, text: rationale }),
        by: checkpoint.model,
        iterationId,
      },
      [{ key, text: prompt, level, exampleId }],
      from(iteration.index),
    );
  }
  await writeHeuristics(db, context);
  await markStale(db, { ...memoryScope(context), by });
}

export type OpenedTest = { testId: number; trials: number };

/**
 * Memory: opens the next test of an iteration, or finds it open: what other weights admitted all together, else the next entries
 * that no test has looked at. Undefined: there is nothing left to test, or nothing to test it on.
 *
 * Reads: entries, examples, looks of before. Writes: problems, a test with its trials. Safe to repeat: an iteration has one test
 * of a number.
 */
export async function openMemoryTest(
  { db }: Deps,
  { iterationId, number }: { iterationId: number; number: number },
): Promise<OpenedTest | undefined> {
  const known = await findTest(db, iterationId, number);
  if (known) return { testId: known.id, trials: await countTrials(db, known.id) };
  const context = await iterationContext(db, iterationId);
  if (!testsMemory(context)) return undefined;
  const scope = memoryScope(context);
  const { settings, run, iteration } = context;
  const untested = await untestedMemory(db, { ...scope, most: 1000 });
  const stale = untested.filter((entry) => entry.stale);
  const batch = stale.length > 0 ? stale : untested.slice(0, settings.memory.batch);
  if (batch.length === 0) return undefined;
  const problems = await memoryProblems(db, context);
  if (problems.length < LEAST_PROBLEMS) return undefined;
  const trials = await trialsOf(db, context, problems, batch);
  const left = settings.memory.tests * (settings.iterations - iteration.index + 1) - number;
  const { checkpoint } = samplerOf(context);
  const test = await addTest(
    db,
    {
      iterationId,
      number,
      checkpointId: checkpoint.id,
      weights: scope.weights,
      problems: problems.length,
      // What is shown beside no problem is decided without a look at any answer.
      level: trials.length === 0 ? 0 : levelOfLook(settings.memory.alpha, await looksOf(db, run.id), left),
    },
    batch.map(({ id }) => id),
    trials,
  );
  return { testId: test.id, trials: await countTrials(db, test.id) };
}

/** The problems before which the batch changes what is shown. */
async function trialsOf(
  db: Deps['db'],
  context: IterationContext,
  problems: MemoryProblem[],
  batch: { id: number }[],
) {
  const admitted = await admittedMemory(db, memoryScope(context));
  const asked = sql`select id, key from ${problemRows} where ${problemRows.iterationId} = ${context.iteration.id}`;
  const sets = { without: admitted, with: [...admitted, ...batch] };
  const shown = await recall(db, context, sets, { questions: problems, asked });
  const idsOf = (entries: { id: number }[]) => entries.map(({ id }) => id).join(',');
  return problems.flatMap(({ id: problemId }) => {
    const found = shown.get(problemId)!;
    const trial = { problemId, shownWithout: idsOf(found.without), shownWith: idsOf(found.with) };
    return trial.shownWith === trial.shownWithout ? [] : [trial];
  });
}
