/** The iterations of a run in its report: each brought together from several queries. */
import { runCalibrations, type Calibration } from '../../db/queries/calibration.ts';
import type { Db } from '../../db/connect.ts';
import { driftRows, type DriftRow } from '../../db/queries/drift.ts';
import { leakCounts } from '../../db/queries/leaks.ts';
import { auditRows, type Audit } from '../../db/queries/probes.ts';
import * as queries from '../../db/queries/report.ts';
import type { CheckpointRow, IterationRow, RunRow, ScoreRow } from '../../db/queries/report.ts';
import { reviewStatistics } from '../../db/queries/review-outcomes.ts';
import { auditByGate } from '../../loop/audit.ts';
import { loadTask, prepareTask } from '../../tasks/index.ts';
import type {
  AuditReport,
  CalibrationReport,
  ClusterReport,
  DriftReport,
  GateReport,
  IterationReport,
  LeakReport,
  ReviewReport,
  VoteReport,
} from './types.ts';
import { decisionNumbers, roleScores, score, stageScores } from './scores.ts';

/** Everything about one run's iterations that several queries bring together. */
export async function iterationReports(
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
    doubts,
    clusters,
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
    queries.criticDoubts(db, run.id),
    queries.clusterCounts(db, run.id),
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
      stage: stageScores(run.settings, row, scores),
      prompts: learn?.prompts ?? 0,
      rehearsal: of(prompts).find((one) => one.purpose === 'rehearse')?.prompts ?? 0,
      samples: of(samples)[0]?.samples ?? 0,
      resampled: of(samples)[0]?.resampled ?? 0,
      unparsable: of(samples)[0]?.unparsable ?? 0,
      cutOff: of(samples)[0]?.cutOff ?? 0,
      refused: of(samples)[0]?.refused ?? 0,
      agreement: learn?.meanAgreement ?? null,
      accepted: learned?.prompts ?? 0,
      examples: learned?.examples ?? 0,
      hardExamples: learned?.hard ?? 0,
      rehearsalExamples: rehearsed?.examples ?? 0,
      clusters: clusterReport(of(clusters)[0]),
      trainedExamples: row.trainedExamples ?? 0,
      gates: gateReports(of(gates)),
      audit: auditReport(of(audits)),
      criticAdvises: of(doubts)[0]?.doubt ?? null,
      votes: voteReport(of(voted)[0]),
      calibration: calibrationReport(of(measured)),
      review: reviewReport(of(reviews)),
      pseudoLabelPrecision: labels ? labels.correct / labels.total : null,
      pseudoLabels: precision ? (labels ?? { correct: 0, total: 0 }) : null,
      ...decisionNumbers(row),
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
    };
  });
  return { iterations, calls, review: reviewReport(reviews) };
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

export function seconds(from: Date, to: Date | null): number | null {
  return to ? (to.getTime() - from.getTime()) / 1000 : null;
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

function clusterReport(
  row: Awaited<ReturnType<typeof queries.clusterCounts>>[number] | undefined,
): ClusterReport | null {
  if (!row || row.prompts === 0) return null;
  const { prompts, chosen, passed } = row;
  return { prompts, chosen, passed };
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
