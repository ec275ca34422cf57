/** What the page shows: the report, and the facts about the run that the report leaves out. */
import { createHash } from 'node:crypto';
import type { Db } from '../../../db/connect.ts';
import { iterationRows } from '../../../db/queries/report.ts';
import { findRun } from '../../../db/queries/runs.ts';
import {
  heldOut,
  modelsAsked,
  someAccepted,
  someRejected,
  trainedCheckpoints,
} from '../../../db/queries/report-page.ts';
import { asksForReview, keepRule } from '../../../loop/review.ts';
import type { ImproveSettings } from '../../../loop/input.ts';
import { loadTask, type TaskSpec } from '../../../tasks/index.ts';
import { characters } from '../../html/parts.ts';
import { buildReport } from '../report.ts';
import type { Report } from '../types.ts';

/** How many samples of each kind are shown. */
const ACCEPTED = 4;
const REJECTED = 6;

type Verdict = Awaited<ReturnType<typeof someAccepted>>[number]['verdicts'][number];

/** A sample with what was said of it. Texts are beginnings; lengths are in characters of the whole. */
export type ShownSample = Omit<Awaited<ReturnType<typeof someRejected>>[number], 'gate' | 'verdicts'> & {
  verdicts: Verdict[];
  /** `accepted` as what kind of example, or rejected. */
  kind: string | null;
  exampleId: number | null;
  /** Null where the task cannot know. The loop never saw it. */
  right: boolean | null;
};

export type HeldOutSet = { benchmark: string; role: string; items: number; digest: string };

export type PageData = {
  report: Report;
  title: string;
  settings: ImproveSettings;
  taskSpec: TaskSpec;
  codeVersion: string;
  decidedAt: Map<number, string>;
  accepted: ShownSample[];
  rejected: ShownSample[];
  models: Awaited<ReturnType<typeof modelsAsked>>;
  checkpoints: Awaited<ReturnType<typeof trainedCheckpoints>>;
  heldOut: HeldOutSet[];
  writtenAt: string;
};

/** SHA-256 over the problems and answers, each as a JSON list on a line. */
export function heldOutSets(rows: Awaited<ReturnType<typeof heldOut>>): HeldOutSet[] {
  return [...Map.groupBy(rows, (row) => row.benchmark)].map(([benchmark, items]) => {
    const hash = createHash('sha256');
    for (const { text, answer } of items) hash.update(`${JSON.stringify([text, answer])}\n`);
    return { benchmark, role: items[0]!.role, items: items.length, digest: hash.digest('hex') };
  });
}

/** @throws Error when there is no such run */
export async function pageData(db: Db, runId: string): Promise<PageData> {
  const report = await buildReport(db, runId);
  const run = (await findRun(db, runId))!;
  const task = loadTask(run.taskSpec);
  const { review } = run.settings;
  const rule = asksForReview(review) ? keepRule(review) : undefined;
  const [rows, accepted, rejected, models, checkpoints, items] = await Promise.all([
    iterationRows(db, [runId]),
    someAccepted(db, runId, rule, ACCEPTED),
    someRejected(db, runId, REJECTED),
    modelsAsked(db, runId),
    trainedCheckpoints(db, runId),
    heldOut(db, runId),
  ]);
  const rightOf = (one: (typeof rejected)[number] | (typeof accepted)[number]): boolean | null => {
    if (one.answer === null || characters(one.prompt) < one.promptLength) return null;
    const truth = task.truth?.({ key: one.key, text: one.prompt, level: one.level ?? undefined });
    return truth === undefined ? null : task.sameAnswer(one.answer, truth);
  };
  return {
    report,
    title: task.title,
    settings: run.settings,
    taskSpec: run.taskSpec,
    codeVersion: run.codeVersion,
    decidedAt: new Map(
      rows.flatMap(({ index, finishedAt }) => (finishedAt ? [[index, finishedAt.toISOString()]] : [])),
    ),
    accepted: accepted.map((one) => ({ ...one, right: rightOf(one) })),
    rejected: rejected.map((one) => ({ ...one, kind: null, exampleId: null, right: rightOf(one) })),
    models,
    checkpoints,
    heldOut: heldOutSets(items),
    writtenAt: new Date().toISOString(),
  };
}
