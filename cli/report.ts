/** The report of a run as data, built from what the loop stored. `render-report.ts` puts it into words. */
import { listAdjustments, listMessages } from '../db/adjustments.ts';
import type { Db } from '../db/connect.ts';
import * as queries from '../db/report.ts';
import type { BenchmarkRole, CheckpointRow, IterationRow, ResetRow, RunRow, ScoreRow } from '../db/report.ts';
import { driftRows, type DriftRow } from '../db/drift.ts';
import { runCalibrations, type Calibration } from '../db/calibration.ts';
import { leakCounts } from '../db/leaks.ts';
import { auditRows, type Audit } from '../db/probes.ts';
import { majorityCounts } from '../db/majority.ts';
import { reviewStatistics } from '../db/reviews.ts';
import { getCheckpoint } from '../db/runs.ts';
import { auditByGate } from '../loop/audit.ts';
import { wilson } from '../loop/interval.ts';
import { logicalWeek } from '../loop/logical-week.ts';
import { mcnemar } from '../loop/mcnemar.ts';
import { loadTask, prepareTask } from '../tasks/index.ts';
import type {
  AuditReport,
  CalibrationReport,
  CheckpointReport,
  Comparison,
  CourseReport,
  DriftReport,
  GateReport,
  GuardReport,
  IterationReport,
  LeakReport,
  MajorityReport,
  MessageReport,
  Origin,
  OtherArm,
  Report,
  ReviewReport,
  RoleScores,
  ScheduledAs,
  Score,
  VoteReport,
} from './report-types.ts';
import { localTimeZone } from './schedule-spec.ts';

const roles: BenchmarkRole[] = ['target', 'guard', 'final'];

export function score(correct: number, total: number): Score {
  const { low, high } = wilson(correct, total);
  return { correct, total, rate: total === 0 ? 0 : correct / total, low, high };
}

function sumScores(rows: ScoreRow[]): Score | null {
  const total = rows.reduce((sum, row) => sum + row.total, 0);
  if (total === 0) return null;
  return score(
    rows.reduce((sum, row) => sum + row.correct, 0),
    total,
  );
}

/** A checkpoint's scores by role; several benchmarks of one role are added up. */
function roleScores(rows: ScoreRow[], checkpointId: number | null): RoleScores {
  const own = rows.filter((row) => row.checkpointId === checkpointId);
  const of = (role: BenchmarkRole) => sumScores(own.filter((row) => row.role === role));
  return { target: of('target'), guard: of('guard'), final: of('final') };
}

function checkpointReport(row: CheckpointRow, scores: ScoreRow[]): CheckpointReport {
  const { id, model, path, fingerprint, iterationIndex } = row;
  return { id, iteration: iterationIndex, model, path, fingerprint, ...roleScores(scores, id) };
}

async function compare(db: Db, base: CheckpointReport, best: CheckpointReport, scores: ScoreRow[]) {
  const comparisons: Comparison[] = [];
  for (const role of roles) {
    const [ofBase, ofBest] = [base[role], best[role]];
    if (!ofBase || !ofBest) continue;
    const { pairs, onlyA, onlyB } = await queries.pairedCounts(db, base.id, best.id, role);
    const rows = scores.filter((row) => row.role === role);
    const several = new Set(rows.map((row) => row.benchmark)).size > 1;
    const name = (row: ScoreRow) =>
      several ? `${row.benchmark} ${row.group ?? ''}`.trim() : (row.group ?? '');
    const names = [...new Set(rows.map(name))]
      .filter(Boolean)
      .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
    comparisons.push({
      role,
      base: ofBase,
      best: ofBest,
      pValue: pairs === 0 || base.id === best.id ? null : mcnemar(onlyB, onlyA),
      onlyBase: onlyA,
      onlyBest: onlyB,
      groups: names.flatMap((group) => {
        const of = (id: number) =>
          sumScores(rows.filter((row) => row.checkpointId === id && name(row) === group));
        const [a, b] = [of(base.id), of(best.id)];
        return a && b ? [{ group, base: a, best: b }] : [];
      }),
    });
  }
  return comparisons;
}

type Precision = Map<number, { correct: number; total: number }>;

/** Right and all accepted answers by iteration; undefined where the task cannot tell the truth. */
async function precisionByIteration(db: Db, run: RunRow): Promise<Precision | undefined> {
  await prepareTask(run.taskSpec);
  const task = loadTask(run.taskSpec);
  if (!task.truth) return undefined;
  const counts: Precision = new Map();
  for (const label of await queries.pseudoLabels(db, run.id)) {
    const truth = task.truth({ key: label.key, text: label.text, level: label.level ?? undefined });
    if (truth === undefined) continue;
    const count = counts.get(label.iterationId) ?? { correct: 0, total: 0 };
    count.total += 1;
    if (task.sameAnswer(label.answer, truth)) count.correct += 1;
    counts.set(label.iterationId, count);
  }
  return counts;
}

function seconds(from: Date, to: Date | null): number | null {
  return to ? (to.getTime() - from.getTime()) / 1000 : null;
}

/** Everything about one run's iterations that several queries bring together. */
async function iterationReports(
  db: Db,
  run: RunRow,
  rows: IterationRow[],
  scores: ScoreRow[],
  known: CheckpointRow[],
  withTruth: boolean,
) {
  const [
    prompts,
    samples,
    examples,
    gates,
    audits,
    calls,
    stages,
    leaks,
    reviews,
    drifts,
    precision,
    voted,
    measured,
  ] = await Promise.all([
    queries.promptCounts(db, run.id),
    queries.sampleCounts(db, run.id),
    queries.exampleCounts(db, run.id),
    queries.gateCounts(db, run.id),
    auditRows(db, run.id),
    queries.callTotals(db, run.id),
    queries.stageSeconds(db, run.id),
    leakCounts(db, run.id),
    reviewStatistics(db, run.id),
    driftRows(db, run.id),
    withTruth ? precisionByIteration(db, run) : undefined,
    queries.voteCounts(db, run.id),
    runCalibrations(db, run.id),
  ]);
  const iterations = rows.map((row): IterationReport => {
    const of = <T extends { iterationId: number | null }>(all: T[]) =>
      all.filter((one) => one.iterationId === row.id);
    const learn = of(prompts).find((one) => one.purpose === 'learn');
    const learned = of(examples).find((one) => one.purpose === 'learn');
    const rehearsed = of(examples).find((one) => one.purpose === 'rehearse');
    const candidate = known.find((one) => one.id === row.candidateId);
    const promptTokens = of(calls).reduce((sum, one) => sum + one.promptTokens, 0);
    const completionTokens = of(calls).reduce((sum, one) => sum + one.completionTokens, 0);
    const trainedTokens = candidate?.trainedTokens ?? 0;
    const labels = precision?.get(row.id);
    return {
      iteration: row.index,
      finished: row.finishedAt !== null,
      levels: row.plan.levels ?? null,
      prompts: learn?.prompts ?? 0,
      rehearsal: of(prompts).find((one) => one.purpose === 'rehearse')?.prompts ?? 0,
      samples: of(samples)[0]?.samples ?? 0,
      resampled: of(samples)[0]?.resampled ?? 0,
      unparsable: of(samples)[0]?.unparsable ?? 0,
      agreement: learn?.meanAgreement ?? null,
      accepted: learned?.prompts ?? 0,
      examples: learned?.examples ?? 0,
      hardExamples: learned?.hard ?? 0,
      rehearsalExamples: rehearsed?.examples ?? 0,
      trainedExamples: row.trainedExamples ?? 0,
      gates: gateReports(of(gates)),
      audit: auditReport(of(audits)),
      votes: voteReport(of(voted)[0]),
      calibration: calibrationReport(of(measured)),
      review: reviewReport(of(reviews)),
      pseudoLabelPrecision: labels ? labels.correct / labels.total : null,
      pseudoLabels: precision ? (labels ?? { correct: 0, total: 0 }) : null,
      decision: row.decision,
      reason: row.reason,
      pValue: numberOf(row.numbers, 'pValue'),
      look: (row.numbers?.look as IterationReport['look'] | undefined) ?? null,
      guards: guardReports(row.numbers?.guards),
      leaks: leakReport(of(leaks)),
      drift: of(drifts).map(driftReport),
      before: roleScores(scores, row.checkpointId).target,
      candidate: candidate?.model ?? null,
      ...roleScores(scores, row.candidateId),
      seconds: seconds(row.startedAt, row.finishedAt),
      stageSeconds: Object.fromEntries(of(stages).map((one) => [one.stage, one.seconds])),
      tokens: promptTokens + completionTokens + trainedTokens,
      promptTokens,
      completionTokens,
      trainedTokens,
      roi: numberOf(row.numbers, 'roi'),
      cost: numberOf(row.numbers, 'cost'),
      costUnit: typeof row.numbers?.unit === 'string' ? row.numbers.unit : null,
    };
  });
  return { iterations, calls, review: reviewReport(reviews) };
}

/** The newest audit of an iteration. */
export function auditReport(rows: Audit[]): AuditReport | null {
  const newest = rows.at(-1);
  if (!newest) return null;
  const { planted, caught, minCatchRate, outcome, kinds } = newest;
  return { planted, caught, minCatchRate, outcome, attempts: rows.length, kinds, gates: auditByGate(kinds) };
}

/** The precision is estimated from the audit alone: other items were not chosen at random. */
function reviewReport(rows: Awaited<ReturnType<typeof reviewStatistics>>): ReviewReport | null {
  if (rows.length === 0) return null;
  const sum = (of: (row: (typeof rows)[number]) => number) => rows.reduce((total, row) => total + of(row), 0);
  const audited = sum((row) => row.audited);
  return {
    items: sum((row) => row.total),
    waiting: sum((row) => row.waiting),
    accepted: sum((row) => row.accepted),
    rejected: sum((row) => row.rejected),
    corrected: sum((row) => row.corrected),
    unseen: sum((row) => row.unseen),
    precision:
      audited === 0
        ? null
        : score(
            sum((row) => row.auditAccepted),
            audited,
          ),
  };
}

function voteReport(row: Awaited<ReturnType<typeof queries.voteCounts>>[number] | undefined): VoteReport {
  const { noAnswer = 0, sharedMistakes = 0, copies = 0, within = null, across = null } = row ?? {};
  return { noAnswer, sharedMistakes, copies, within, across };
}

function calibrationReport(rows: Calibration[]): CalibrationReport | null {
  const first = rows[0];
  if (!first) return null;
  const byVotes = Map.groupBy(
    rows.flatMap((row) => row.cells),
    (cell) => cell.votes,
  );
  return {
    asked: first.asked,
    samples: first.samples,
    byVotes: [...byVotes]
      .sort(([a], [b]) => b - a)
      .map(([count, cells]) => ({
        votes: count,
        right: cells.reduce((sum, cell) => sum + cell.right, 0),
        total: cells.reduce((sum, cell) => sum + cell.total, 0),
      })),
    levels: rows.map(({ level, votes, lead, precision, reason }) => ({
      level,
      votes,
      lead,
      precision,
      reason,
    })),
  };
}

type StoredGuard = { name: string; fall: number; fallAtMost?: number; margin: number };

function guardReports(stored: unknown): GuardReport[] {
  const guards = Array.isArray(stored) ? (stored as StoredGuard[]) : [];
  return guards.map(({ name, fall, fallAtMost, margin }) => {
    return { guard: name, fall, fallAtMost: fallAtMost ?? null, margin };
  });
}

function leakReport(rows: Awaited<ReturnType<typeof leakCounts>>): LeakReport {
  const sum = (counted: typeof rows) => counted.reduce((total, row) => total + row.n, 0);
  return {
    collected: sum(rows.filter((row) => row.stage === 'collect')),
    trained: sum(rows.filter((row) => row.stage === 'train')),
    exact: sum(rows.filter((row) => row.kind === 'exact')),
    near: sum(rows.filter((row) => row.kind === 'near')),
  };
}

function driftReport({ source, referenceIteration, measures, alarms }: DriftRow): DriftReport {
  return { source, reference: referenceIteration, ...measures, distance: measures.distance ?? null, alarms };
}

export async function majorityReport(db: Db, runId: string): Promise<MajorityReport | null> {
  const { items, voted, correct, k } = await majorityCounts(db, runId);
  return voted === 0 || voted < items || k === null ? null : { samples: k, score: score(correct, voted) };
}

function numberOf(numbers: Record<string, unknown> | null, field: string): number | null {
  const value = numbers?.[field];
  return typeof value === 'number' ? value : null;
}

async function courseOf(db: Db, runId: string): Promise<CourseReport[]> {
  return (await listAdjustments(db, runId)).map(({ fromIteration, kind, cause, reason, createdAt }) => {
    return { iteration: fromIteration, kind, cause, reason, at: createdAt.toISOString() };
  });
}

async function messagesOf(db: Db, runId: string): Promise<MessageReport[]> {
  return (await listMessages(db, runId)).map((one) => ({
    iteration: one.iterationIndex,
    name: one.name,
    from: typeof one.args.by === 'string' ? one.args.by : one.origin,
    accepted: one.accepted,
    answer: one.answer,
    at: one.createdAt.toISOString(),
  }));
}

function gateReports(
  rows: { gate: string; outcome: string; advisory: boolean; verdicts: number }[],
): GateReport[] {
  return [...new Set(rows.map((row) => row.gate))].map((gate) => {
    const own = rows.filter((row) => row.gate === gate);
    const of = (outcome: string) =>
      own.filter((row) => row.outcome === outcome).reduce((sum, row) => sum + row.verdicts, 0);
    return {
      gate,
      advisory: own.every((row) => row.advisory),
      pass: of('pass'),
      fail: of('fail'),
      unscored: of('unscored'),
    };
  });
}

/** Where a run started and its last best, among its checkpoints. */
function endpointsOf(
  runId: string,
  checkpoints: CheckpointRow[],
  iterations: IterationRow[],
  resets: ResetRow[],
) {
  const own = checkpoints.filter((row) => row.runId === runId);
  const base = own.find((row) => row.iterationIndex === 0);
  const decided = iterations.filter((row) => row.runId === runId && row.bestId !== null).at(-1);
  const reset = resets.filter((row) => row.runId === runId).at(-1);
  const bestId = reset && reset.fromIteration > (decided?.index ?? 0) ? reset.checkpointId : decided?.bestId;
  return { base, best: own.find((row) => row.id === bestId) ?? base };
}

/** The schedule of a run, and the ISO week for which it was due in the schedule's time zone. */
export function scheduledAs({ scheduleId, scheduledFor, scheduleTimeZone }: RunRow): ScheduledAs | null {
  if (scheduleId === null || scheduledFor === null) return null;
  return {
    id: scheduleId,
    scheduledFor: scheduledFor.toISOString(),
    week: logicalWeek(scheduledFor, scheduleTimeZone ?? localTimeZone()),
  };
}

async function originOf(db: Db, first: CheckpointRow | undefined): Promise<Origin | null> {
  if (!first || first.kind === 'base' || first.parentId === null) return null;
  const { id, runId, iterationIndex, model } = await getCheckpoint(db, first.parentId);
  return { checkpoint: id, run: runId, iteration: iterationIndex, model };
}

/** The newest finished run of each other experiment with this run's task and seed. */
async function otherArms(db: Db, run: RunRow): Promise<OtherArm[]> {
  const seen = new Set([run.settings.experiment]);
  const others: RunRow[] = [];
  for (const other of await queries.allRuns(db)) {
    const { experiment, seed } = other.settings;
    if (other.status !== 'completed' || other.task !== run.task || seed !== run.settings.seed) continue;
    if (seen.has(experiment)) continue;
    seen.add(experiment);
    others.push(other);
  }
  return (await outcomes(db, others)).map(({ run: other, base, best }) => ({
    run: other.id,
    experiment: other.settings.experiment,
    base,
    best,
  }));
}

/** Target scores of base and best, and how far each run got. */
export async function outcomes(db: Db, runs: RunRow[]) {
  const ids = runs.map((run) => run.id);
  const [iterations, checkpoints, scores, resets] = await Promise.all([
    queries.iterationRows(db, ids),
    queries.checkpointRows(db, ids),
    queries.scores(db, ids),
    queries.resetRows(db, ids),
  ]);
  return runs.map((run) => {
    const { base, best } = endpointsOf(run.id, checkpoints, iterations, resets);
    return {
      run,
      iterations: iterations.filter((row) => row.runId === run.id && row.finishedAt !== null).length,
      base: base ? roleScores(scores, base.id).target : null,
      best: best ? roleScores(scores, best.id).target : null,
    };
  });
}

/**
 * Builds the report of one run, finished or not. `truth: false` leaves out how many pseudo-labels were right.
 * @throws Error when there is no such run
 */
export async function buildReport(db: Db, runId: string, options: { truth?: boolean } = {}): Promise<Report> {
  const run = await queries.findRun(db, runId);
  if (!run) throw new Error(`There is no run "${runId}". See the runs there are with: ratchet list`);
  const [rows, checkpoints, scores, resets] = await Promise.all([
    queries.iterationRows(db, [runId]),
    queries.checkpointRows(db, [runId]),
    queries.scores(db, [runId]),
    queries.resetRows(db, [runId]),
  ]);
  const ends = endpointsOf(runId, checkpoints, rows, resets);
  const base = ends.base ? checkpointReport(ends.base, scores) : null;
  const best = ends.best ? checkpointReport(ends.best, scores) : null;
  const { iterations, calls, review } = await iterationReports(
    db,
    run,
    rows,
    scores,
    checkpoints,
    options.truth ?? true,
  );
  const sum = (of: (one: IterationReport) => number) => iterations.reduce((total, one) => total + of(one), 0);
  const labels = sum((one) => one.pseudoLabels?.total ?? 0);
  const promptTokens = calls.reduce((total, call) => total + call.promptTokens, 0);
  const completionTokens = calls.reduce((total, call) => total + call.completionTokens, 0);
  const trainedTokens = checkpoints.reduce((total, row) => total + (row.trainedTokens ?? 0), 0);
  return {
    run: run.id,
    task: run.task,
    experiment: run.settings.experiment,
    status: run.status,
    statusReason: run.statusReason,
    startedAt: run.createdAt.toISOString(),
    finishedAt: run.finishedAt?.toISOString() ?? null,
    schedule: scheduledAs(run),
    startedFrom: await originOf(db, ends.base),
    base,
    best,
    comparison: base && best ? await compare(db, base, best, scores) : [],
    majority: await majorityReport(db, runId),
    iterations,
    review,
    course: await courseOf(db, runId),
    messages: await messagesOf(db, runId),
    totals: {
      seconds: seconds(run.createdAt, run.finishedAt ?? new Date())!,
      tokens: promptTokens + completionTokens + trainedTokens,
      promptTokens,
      completionTokens,
      trainedTokens,
      requests: calls.reduce((total, call) => total + call.requests, 0),
      prompts: sum((one) => one.prompts),
      samples: sum((one) => one.samples),
      accepted: sum((one) => one.accepted),
      examples: sum((one) => one.examples),
      promotions: iterations.filter((one) => one.decision === 'promote').length,
      leaks: {
        collected: sum((one) => one.leaks.collected),
        trained: sum((one) => one.leaks.trained),
        exact: sum((one) => one.leaks.exact),
        near: sum((one) => one.leaks.near),
      },
      pseudoLabelPrecision: labels === 0 ? null : sum((one) => one.pseudoLabels?.correct ?? 0) / labels,
    },
    otherArms: await otherArms(db, run),
  };
}
