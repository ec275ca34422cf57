/** The report of a run as data, built from what the loop stored. `render-report.ts` puts it into words. */
import type { BenchmarkRole } from '../../loop/words.ts';
import { listAdjustments, listMessages, type AdjustmentRow } from '../../db/queries/adjustments.ts';
import type { Db } from '../../db/connect.ts';
import * as queries from '../../db/queries/report.ts';
import type { CheckpointRow, RunRow, ScoreRow } from '../../db/queries/report.ts';
import { shownPairs, shownScores } from '../../db/queries/shown-answers.ts';
import { majorityCounts, majorityTruths } from '../../db/queries/majority.ts';
import { allRuns, bestIds, findRun, getCheckpoint } from '../../db/queries/runs.ts';
import { betterForm, type Form } from '../../loop/best-form.ts';
import { logicalWeek } from '../../loop/logical-week.ts';
import { mcnemar } from '../../loop/mcnemar.ts';
import { stageNamed } from '../../loop/targets.ts';
import { curriculumReport } from './curriculum.ts';
import { testsOfRun } from '../../db/queries/memory-tests.ts';
import { debateReport } from './debates.ts';
import { distillationReport } from './distillation.ts';
import { iterationReports, seconds } from './iterations.ts';
import { learnerReport } from '../tutor/learners.ts';
import { correctionReport } from './corrections.ts';
import { fixReport } from './fixes.ts';
import { selfPlayReport } from './self-play.ts';
import { variantReport } from './variants.ts';
import { treeReport } from './trees.ts';
import type {
  BaseForms,
  CheckpointReport,
  Comparison,
  CourseReport,
  IterationReport,
  MajorityReport,
  MessageReport,
  Origin,
  OtherArm,
  Report,
  ScheduledAs,
} from './types.ts';
import { loadTask, prepareTask } from '../../tasks/index.ts';
import type { Task } from '../../tasks/task.ts';
import { localTimeZone } from '../schedules/spec.ts';
import { roleScores, score, sumScores } from './scores.ts';
import { statusReasonOf } from '../runs/trouble.ts';

const roles: BenchmarkRole[] = ['target', 'guard', 'final'];

function checkpointReport(row: CheckpointRow, scores: ScoreRow[]): CheckpointReport {
  const { id, model, path, fingerprint, iterationIndex } = row;
  return { id, iteration: iterationIndex, model, path, fingerprint, ...roleScores(scores, id) };
}

async function compare(
  db: Db,
  runId: string,
  {
    base,
    best,
    scores,
    form,
  }: { base: CheckpointReport; best: CheckpointReport; scores: ScoreRow[]; form: Form },
) {
  const comparisons: Comparison[] = [];
  for (const role of roles) {
    const [ofBase, ofBest] = [base[role], best[role]];
    if (!ofBase || !ofBest) continue;
    const { pairs, onlyA, onlyB } =
      form === 'examples'
        ? await shownPairs(db, runId, best.id, role)
        : await queries.pairedCounts(db, base.id, best.id, role);
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

/** Where the run started, in its better form, against any of its checkpoints, as the report has it for the best. */
export async function comparedWithStart(
  db: Db,
  runId: string,
  checkpointId: number,
): Promise<{ comparison: Comparison[]; form: Form }> {
  const [rows, plain, shown] = await Promise.all([
    queries.checkpointRows(db, [runId]),
    queries.scores(db, [runId]),
    shownScores(db, [runId]),
  ]);
  const { scores, formOf } = inBestForm(plain, shown);
  const base = checkpointReport(
    rows.find((row) => row.iterationIndex === 0)!,
    scores,
  );
  const best = checkpointReport(
    rows.find((row) => row.id === checkpointId)!,
    scores,
  );
  const form = formOf(base.id);
  return { comparison: await compare(db, runId, { base, best, scores, form }), form };
}

/** @param same the task's own equality, for pass@K */
export async function majorityReport(
  db: Db,
  runId: string,
  same?: Task['sameAnswer'],
): Promise<MajorityReport | null> {
  const { items, voted, correct, k } = await majorityCounts(db, runId);
  if (voted === 0 || voted < items || k === null) return null;
  const answers = same ? await majorityTruths(db, runId) : [];
  const known = new Set(
    answers.filter(({ answer, truth }) => same?.(answer, truth)).map(({ itemId }) => itemId),
  );
  return { samples: k, score: score(correct, voted), pass: same ? score(known.size, voted) : null };
}

function courseReport({ fromIteration, kind, cause, reason, createdAt }: AdjustmentRow): CourseReport {
  return { iteration: fromIteration, kind, cause, reason, at: createdAt.toISOString() };
}

/** The task's own equality. @throws TaskIsCodeError where this process runs no code of tasks */
export async function sameAnswerOf({ taskSpec }: Pick<RunRow, 'taskSpec'>): Promise<Task['sameAnswer']> {
  await prepareTask(taskSpec);
  const task = loadTask(taskSpec);
  return (a, b) => task.sameAnswer(a, b);
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

/** Where a run started and its best, among its checkpoints. */
function endpointsOf(runId: string, checkpoints: CheckpointRow[], bests: Map<string, number>) {
  const own = checkpoints.filter((row) => row.runId === runId);
  return {
    base: own.find((row) => row.iterationIndex === 0),
    best: own.find((row) => row.id === bests.get(runId)),
  };
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
  for (const other of await allRuns(db)) {
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

function baseForms(better: Form, id: number, plain: ScoreRow[], shown: ScoreRow[]): BaseForms {
  const [asked, withExamples] = [roleScores(plain, id), roleScores(shown, id)];
  return {
    better,
    scores: roles.flatMap((role) => {
      const [one, other] = [asked[role], withExamples[role]];
      return one && other ? [{ role, plain: one, examples: other }] : [];
    }),
  };
}

/** Scores of the starting checkpoints of runs in their better form, all others as they are. */
function inBestForm(
  plain: ScoreRow[],
  shown: ScoreRow[],
): { scores: ScoreRow[]; formOf: (checkpointId: number) => Form } {
  const right = (rows: ScoreRow[], id: number) =>
    sumScores(rows.filter((row) => row.checkpointId === id && row.role === 'target'))?.correct ?? 0;
  const started = [...new Set(shown.map((row) => row.checkpointId))];
  const better = new Set(
    started.filter((id) => betterForm(right(plain, id), right(shown, id)) === 'examples'),
  );
  return {
    scores: [
      ...plain.filter((row) => !better.has(row.checkpointId)),
      ...shown.filter((row) => better.has(row.checkpointId)),
    ],
    formOf: (id) => (better.has(id) ? 'examples' : 'plain'),
  };
}

/** Target scores of base and best, and how far each run got. */
export async function outcomes(db: Db, runs: RunRow[]) {
  const ids = runs.map((run) => run.id);
  const [iterations, checkpoints, plain, shown, bests] = await Promise.all([
    queries.iterationRows(db, ids),
    queries.checkpointRows(db, ids),
    queries.scores(db, ids),
    shownScores(db, ids),
    bestIds(db, ids),
  ]);
  const { scores } = inBestForm(plain, shown);
  return runs.map((run) => {
    const { base, best } = endpointsOf(run.id, checkpoints, bests);
    const own = iterations.filter((row) => row.runId === run.id);
    const { stage } = own.at(-1)?.plan ?? {};
    return {
      run,
      stage: stage === undefined ? null : stageNamed(run.settings, stage),
      iterations: own.filter((row) => row.finishedAt !== null).length,
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
  const run = await findRun(db, runId);
  if (!run) throw new Error(`There is no run "${runId}". See the runs there are with: ratchet list`);
  const [rows, checkpoints, plainScores, shown, bests, adjustments] = await Promise.all([
    queries.iterationRows(db, [runId]),
    queries.checkpointRows(db, [runId]),
    queries.scores(db, [runId]),
    shownScores(db, [runId]),
    bestIds(db, [runId]),
    listAdjustments(db, runId),
  ]);
  const { scores, formOf } = inBestForm(plainScores, shown);
  const ends = endpointsOf(runId, checkpoints, bests);
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
  const same = (options.truth ?? true) ? await sameAnswerOf(run) : undefined;
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
    statusReason: await statusReasonOf(db, run),
    startedAt: run.createdAt.toISOString(),
    finishedAt: run.finishedAt?.toISOString() ?? null,
    schedule: scheduledAs(run),
    startedFrom: await originOf(db, ends.base),
    base,
    best,
    baseForms: base && shown.length > 0 ? baseForms(formOf(base.id), base.id, plainScores, shown) : null,
    comparison: base && best ? await compare(db, runId, { base, best, scores, form: formOf(base.id) }) : [],
    majority: await majorityReport(db, runId, same),
    distillation: await distillationReport(db, runId),
    trees: await treeReport(db, runId),
    debates: await debateReport(db, runId, same),
    selfPlay: await selfPlayReport(db, runId),
    variants: await variantReport(db, runId),
    fixes: await fixReport(db, run.id),
    learners: learnerReport(run.taskSpec),
    corrections: await correctionReport(db, run.id),
    memory: await testsOfRun(db, runId),
    iterations,
    review,
    course: adjustments.map(courseReport),
    curriculum:
      ends.base && ends.best
        ? curriculumReport(run.settings, adjustments, scores, {
            baseId: ends.base.id,
            bestId: ends.best.id,
            last: run.status === 'completed' ? (rows.at(-1)?.index ?? 0) : null,
          })
        : null,
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
      cutOff: sum((one) => one.cutOff ?? 0),
      refused: sum((one) => one.refused ?? 0),
      estimated: calls.reduce((total, call) => total + call.estimated, 0),
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
