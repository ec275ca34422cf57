import type { DecisionKind } from '../../loop/words.ts';
import { eq } from 'drizzle-orm';
import type { Db } from '../../db/connect.ts';
import { addAdjustment } from '../../db/queries/adjustments.ts';
import { bestScored, correctness, findEvaluation } from '../../db/queries/evaluations.ts';
import { countPrompts } from '../../db/queries/prompts.ts';
import {
  baseAndBest,
  findCheckpoint,
  getCheckpoint,
  listBenchmarks,
  type Checkpoint,
} from '../../db/queries/runs.ts';
import { decisions } from '../../db/schema.ts';
import { earlierLooks, recentRows, type HistoryRow } from '../../db/queries/history.ts';
import { shownCorrectness } from '../../db/queries/shown-answers.ts';
import { levelOfLook } from '../../loop/alpha-spending.ts';
import { betterForm } from '../../loop/best-form.ts';
import {
  decidePromotion,
  pair,
  type GuardScore,
  type LookLevel,
  type PairedScore,
} from '../../loop/promotion.ts';
import type { StagnationKind } from '../../loop/messages.ts';
import { roiOf } from '../../loop/budget.ts';
import { findStagnation } from '../../loop/stagnation.ts';
import { roleIn } from '../../loop/targets.ts';
import { iterationSpend } from '../../engine/spent.ts';
import { scoredIn } from '../../engine/target-stages.ts';
import { recordDrift } from '../run/drift.ts';
import { storedUse } from '../../engine/stored-prompts.ts';
import { endpointOf, iterationContext, type Deps, type IterationContext } from '../../engine/context.ts';
import { count, gauge, logInfo, measured } from '../../engine/metrics.ts';

export type Decided = {
  kind: DecisionKind;
  reason: string;
  row: HistoryRow;
  /** The run makes no headway. */
  stagnation?: { kind: StagnationKind; reason: string };
  /** How the model writes has moved too far from how the run began. */
  drift?: string;
  /** No further iteration is worth its cost. */
  halt?: string;
  /** A discarded candidate that is served apart from its trainer, where it need not stay. */
  retire?: number;
};

const REASON_CHARACTERS = 400;

/** A checkpoint's answers to a benchmark, right or wrong; undefined when it was not measured to the end. */
async function answers(
  db: Db,
  checkpointId: number,
  benchmark: string,
): Promise<(boolean | null)[] | undefined> {
  const evaluation = await findEvaluation(db, checkpointId, benchmark);
  return evaluation?.finishedAt ? correctness(db, evaluation.id) : undefined;
}

/**
 * Where the best is the model that the run starts from and does better on target with the task's worked examples: its answers
 * with them, by benchmark. A candidate must beat what anybody could have had without training.
 */
async function shownAnswersOf(
  db: Db,
  runId: string,
  best: Checkpoint,
  benchmarks: { name: string; role: string }[],
): Promise<Map<string, (boolean | null)[]> | undefined> {
  if (best.iterationIndex !== 0) return undefined;
  const shown = new Map<string, (boolean | null)[]>();
  const right = { plain: 0, examples: 0 };
  for (const { name, role } of benchmarks) {
    const answered = await shownCorrectness(db, runId, name);
    if (answered.length === 0) return undefined;
    shown.set(name, answered);
    if (role !== 'target') continue;
    right.examples += answered.filter(Boolean).length;
    right.plain += ((await answers(db, best.id, name)) ?? []).filter(Boolean).length;
  }
  return betterForm(right.plain, right.examples) === 'examples' ? shown : undefined;
}

/** Why there was nothing to train: an empty pool is no fault of the gates. */
async function whyNothing(db: Db, context: IterationContext, nothing: string): Promise<string> {
  if ((await countPrompts(db, context.iteration.id)).learn > 0) return nothing;
  const { levels } = context.iteration.plan;
  const only = storedUse(context.settings) === 'only';
  const source = only
    ? 'the stored prompts of this task'
    : levels
      ? `the source at level${levels.length > 1 ? 's' : ''} ${levels.join(', ')}`
      : 'the source';
  const drawn = context.settings.pool.unused
    ? 'every prompt has been drawn by this run or an earlier run of the task'
    : 'every prompt has been learnt from already or is held out';
  const fate = only ? 'give nothing new: there are none, or' : 'is exhausted:';
  return `${source} ${fate} ${drawn}, so nothing was collected or trained`;
}

/**
 * Decide: candidate against the best on the same items. `fault` says why there is no candidate or no
 * score; it counts as a loss. Stored with all its numbers, once per iteration.
 *
 * Reads: the answers of candidate and best, earlier looks, spending. Writes: the decision, drift, an adjustment when iterations
 * no longer pay. Safe to repeat: an iteration is decided once, and a repeat answers what is stored.
 */
export async function decide(
  { db }: Deps,
  {
    iterationId,
    fault,
    nothing,
  }: {
    iterationId: number;
    fault?: string;
    nothing?: string;
  },
): Promise<Decided> {
  const context = await iterationContext(db, iterationId);
  const { iteration, run, settings, stage } = context;
  const known = await db.query.decisions.findFirst({ where: eq(decisions.iterationId, iterationId) });
  if (!known) {
    const { best } = await baseAndBest(db, run.id);
    const candidate = await findCheckpoint(db, run.id, iteration.index);
    const scores: Record<string, PairedScore> = {};
    const benchmarks = (await listBenchmarks(db, run.id))
      .map(({ name, role }) => ({ name, role: roleIn(stage, { name, role }) }))
      .filter(({ role }) => role === 'target' || role === 'guard');
    const heldAgainst = new Map(stage?.finished.map((one) => [one.target, one.checkpointId]));
    let missing: string | undefined;
    const shown = await shownAnswersOf(db, run.id, best, benchmarks);
    for (const { name } of benchmarks) {
      const ofBest = shown?.get(name) ?? (await answers(db, heldAgainst.get(name) ?? best.id, name));
      if (!ofBest) throw new Error(`The best checkpoint (${best.model}) has not been measured on ${name}.`);
      const ofCandidate = candidate && (await answers(db, candidate.id, name));
      if (candidate && !ofCandidate) missing ??= `not measured on ${name}`;
      if (ofCandidate) scores[name] = pair(ofBest, ofCandidate);
    }
    // Several target benchmarks count as one set of items.
    const targets = benchmarks.filter((b) => b.role === 'target').flatMap((b) => scores[b.name] ?? []);
    const guards: GuardScore[] = benchmarks
      .filter((b) => b.role === 'guard' && scores[b.name])
      .map((b) => ({ name: b.name, ...scores[b.name]! }));
    const target = targets.length > 0 ? targets.reduce(add) : undefined;
    const look = await lookOf(db, context);
    const decided = decidePromotion({
      settings: settings.promotion,
      target,
      guards,
      look,
      bestForm: shown && 'with its worked examples',
      fault: fault ?? missing ?? (candidate ? undefined : (nothing ?? 'there is no candidate')),
    });
    const kind: DecisionKind = nothing ? 'nothing-to-train' : decided.decision;
    const before = target && target.best.correct / target.best.total;
    const spend = await iterationSpend(db, context);
    const gain = kind === 'promote' ? decided.gain : 0;
    const returned = roiOf({ gain, spend, hours: spend.minutes / 60, settings });
    await db
      .insert(decisions)
      .values({
        iterationId,
        kind,
        candidateId: candidate?.id,
        bestId: kind === 'promote' ? candidate!.id : best.id,
        reason: nothing ? await whyNothing(db, context, nothing) : decided.reason,
        numbers: {
          before,
          after: target && target.candidate.correct / target.candidate.total,
          pValue: target ? decided.pValue : undefined,
          // Only what was tested has spent of the run's alpha.
          look: target ? look : undefined,
          gain: decided.gain,
          bestForm: shown && 'examples',
          fixed: target?.fixed,
          broken: target?.broken,
          guards: decided.guards,
          ...returned,
          spend,
          settings: settings.promotion,
        },
      })
      .onConflictDoNothing();
    logInfo('iteration decided', { decision: kind, before, gain: decided.gain, pValue: decided.pValue });
    count('ratchet_decisions', 1, { decision: kind });
    measured('ratchet_iteration_cost', spend.cost);
    if (target) {
      const { correct, total } = kind === 'promote' ? target.candidate : target.best;
      gauge('ratchet_heldout_accuracy', correct / total);
    }
  }
  const stored = (await db.query.decisions.findFirst({ where: eq(decisions.iterationId, iterationId) }))!;
  const drifted = await recordDrift(db, context);
  const { stagnation, roi, drift } = settings;
  const rows = await recentRows(db, run.id, Math.max(stagnation.window, roi.patience));
  const row = rows.find((r) => r.index === iteration.index)!;
  const upToNow = rows.filter((r) => r.index <= iteration.index && r.stage === row.stage);
  const found = findStagnation(upToNow, stagnation);
  return {
    kind: stored.kind,
    reason: stored.reason,
    row,
    stagnation: found && { kind: found.kind, reason: found.reason },
    // A message holds a short text; the whole of it is in the table.
    drift: drift.steps.length > 0 ? drifted?.slice(0, REASON_CHARACTERS) : undefined,
    retire: await retiredBy(db, context, stored),
    halt: row.prompts === 0 ? `halted: ${stored.reason}` : await answerLowRoi(db, context, upToNow),
  };
}

/** A server has room for some adapters only, and a candidate that was discarded is loaded again where it is wanted once more (engine/reload.ts). */
async function retiredBy(
  db: Db,
  { settings, task }: IterationContext,
  { kind, candidateId }: typeof decisions.$inferSelect,
): Promise<number | undefined> {
  if (kind !== 'discard' || candidateId === null) return undefined;
  const candidate = await getCheckpoint(db, candidateId);
  return endpointOf('generator', settings, task, candidate).base === undefined ? undefined : candidateId;
}

/** Which look at the target set this is, and the level that is left for it. */
async function lookOf(
  db: Db,
  { run, iteration, settings, stage }: IterationContext,
): Promise<LookLevel | undefined> {
  const { alpha, correction } = settings.promotion;
  if (correction === 'none') return undefined;
  const earlier = await earlierLooks(db, run.id, iteration.index, stage?.since);
  const last = stage ? stage.since + stage.iterations - 1 : run.settings.iterations;
  const possible = last - iteration.index + 1;
  return { number: earlier.length + 1, level: levelOfLook(alpha, earlier, possible) };
}

/** What is done when iterations no longer pay: the run ends, or goes back to its best checkpoint. */
async function answerLowRoi(
  db: Db,
  { run, iteration, settings, stage }: IterationContext,
  rows: HistoryRow[],
): Promise<string | undefined> {
  const { floor, patience, onLow } = settings.roi;
  if (floor === undefined) return undefined;
  const recent = rows.filter((row) => row.decision !== 'skip').slice(-patience);
  if (recent.length < patience || recent.some((row) => (row.roi ?? 0) >= floor)) return undefined;
  const values = recent.map((row) => (row.roi ?? 0).toFixed(2)).join(', ');
  const reason = `return on investment ${values} < ${floor} in the last ${patience} iterations`;
  const halts = onLow === 'halt';
  await addAdjustment(db, {
    runId: run.id,
    key: `roi/${iteration.index}`,
    kind: halts ? 'halt' : 'reset',
    cause: 'roi',
    reason,
    fromIteration: iteration.index + 1,
    checkpointId: halts
      ? null
      : (await bestScored(db, run.id, await scoredIn(db, run.id, stage)))?.checkpointId,
  });
  return halts ? `halted: ${reason}` : undefined;
}

function add(a: PairedScore, b: PairedScore): PairedScore {
  const sum = (x: { correct: number; total: number }, y: { correct: number; total: number }) => ({
    correct: x.correct + y.correct,
    total: x.total + y.total,
  });
  return {
    best: sum(a.best, b.best),
    candidate: sum(a.candidate, b.candidate),
    fixed: a.fixed + b.fixed,
    broken: a.broken + b.broken,
    missing: (a.missing ?? 0) + (b.missing ?? 0),
    asked: (a.asked ?? a.best.total) + (b.asked ?? b.best.total),
  };
}
