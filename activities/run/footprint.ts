import type { Db } from '../../db/connect.ts';
import { benchmarkPage, type BenchmarkItemRow } from '../../db/queries/evaluations.ts';
import { addFootprints, hasFootprint } from '../../db/queries/checkpoints.ts';
import {
  baseAndBest,
  findCheckpoint,
  listBenchmarks,
  type Checkpoint,
  type Run,
} from '../../db/queries/runs.ts';
import { addCalls } from '../../db/queries/calls.ts';
import { TEACHER } from '../../loop/words.ts';
import type { Endpoint } from '../../models/endpoint.ts';
import { errorText, isRefusal } from '../../models/errors.ts';
import { sizeOf } from '../../models/list.ts';
import { meanTokens, withinBudget } from '../../engine/budget.ts';
import { callAll, ledgerChat, unanswered, type MadeCall } from '../../engine/calls.ts';
import { answererOf, readRun, settingsNow, taskOf, type Deps } from '../../engine/context.ts';

/** Rounds that count. One more comes before them: it loads weights and fills caches. */
const ROUNDS = 3;

/** Held-out problems of a round, all in flight together. */
const AT_ONCE = 16;

type Measured = { checkpoint: Checkpoint; role: 'generator' | 'teacher'; endpoint: Endpoint };

/**
 * How fast teacher and student write, and how large they are. They take turns, round by round with the same problems, so that
 * what else the machine does slows both.
 *
 * Reads: checkpoints, held-out problems, their servers' lists of models. Writes: calls, a footprint of each.
 * Safe to repeat: what is measured stays; a repeat of a half-done measurement measures both anew.
 *
 * @throws BudgetExceeded
 */
export async function measureFootprints({ db }: Deps, { runId }: { runId: string }): Promise<void> {
  const run = await readRun(db, runId);
  const task = taskOf(run);
  const { best } = await baseAndBest(db, runId);
  const teacher = await findCheckpoint(db, runId, TEACHER);
  if (!teacher || (await hasFootprint(db, best.id))) return;
  const pair = [teacher, best].map((checkpoint): Measured => {
    return { checkpoint, ...answererOf(run.settings, task, checkpoint) };
  });
  const target = (await listBenchmarks(db, runId)).find(({ role }) => role === 'target')!;
  const items = await benchmarkPage(db, runId, target.name, 0, AT_ONCE * (ROUNDS + 1));
  const settings = await settingsNow(db, run, null);
  const { item: each } = await meanTokens(db, run, settings, task);
  const units = pair.length * AT_ONCE * (ROUNDS + 1);
  const rounds = await withinBudget(
    db,
    { run, settings, task },
    { key: 'footprints', model: teacher.model, units, each, final: true },
    () => inTurns(db, run, pair, items),
  );
  const rows = [];
  for (const [i, { checkpoint, endpoint }] of pair.entries()) {
    const size = await sizeOf(endpoint);
    rows.push({ checkpointId: checkpoint.id, atOnce: AT_ONCE, rounds: rounds[i]!, ...size });
  }
  await addFootprints(db, rows);
}

/** Tokens per second of each of them, round by round. */
async function inTurns(db: Db, run: Run, pair: Measured[], items: BenchmarkItemRow[]): Promise<number[][]> {
  const rounds: number[][] = pair.map(() => []);
  for (let round = 0; round <= ROUNDS; round++) {
    const page = Array.from({ length: AT_ONCE }, (_, i) => items[(round * AT_ONCE + i) % items.length]!);
    for (const [i, one] of pair.entries()) {
      const pace = await paceOf(db, run, one, page);
      if (round > 0) rounds[i]!.push(pace);
    }
  }
  return rounds;
}

async function paceOf(
  db: Db,
  run: Run,
  { endpoint, role }: Measured,
  page: BenchmarkItemRow[],
): Promise<number> {
  const task = taskOf(run);
  const whose = { runId: run.id, iterationId: null, stage: 'footprint', role };
  let tokens = 0;
  const began = performance.now();
  let ended = began;
  await callAll(page, {
    endpoint,
    concurrency: AT_ONCE,
    what: `timing ${endpoint.model}`,
    call: async ({ text }, signal): Promise<MadeCall> => {
      const maxTokens = run.settings.sampling.maxTokens ?? task.maxTokens;
      const request = { messages: task.ask(text), maxTokens, temperature: 0 };
      const made = await ledgerChat(db, endpoint, request, whose, signal);
      tokens += made.reply.completionTokens;
      ended = performance.now();
      return made;
    },
    onFailure: (_, error) => {
      if (!isRefusal(error)) throw error;
      return unanswered(endpoint, whose, errorText(error));
    },
    store: async (made) =>
      void (await addCalls(
        db,
        made.map(({ call }) => call),
      )),
  });
  return tokens === 0 ? 0 : tokens / ((ended - began) / 1000);
}
