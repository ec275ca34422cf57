/** What is told of an adapter that is given away: the proof, what trained it, and what nobody checked. */
import { basename } from 'node:path';
import { codeVersion } from '../../../engine/version.ts';
import { readRun, taskOf } from '../../../engine/context.ts';
import { listAdjustments } from '../../../db/queries/adjustments.ts';
import { revokedCounts } from '../../../db/queries/checkpoints.ts';
import type { Db } from '../../../db/connect.ts';
import { ancestorIds, checkpointsMade, type Made } from '../../../db/queries/lineage.ts';
import { heldOut } from '../../../db/queries/report-page.ts';
import { settingsOf } from '../../../loop/course.ts';
import type { Form } from '../../../loop/best-form.ts';
import type { ImproveSettings } from '../../../loop/input.ts';
import { specDigest } from '../../report/html/reproduce.ts';
import { heldOutSets, type HeldOutSet } from '../../report/html/data.ts';
import { buildReport, comparedWithStart } from '../../report/report.ts';
import type { Comparison, Report } from '../../report/types.ts';

type Ancestor = {
  checkpoint: number;
  run: string;
  iteration: number;
  model: string;
  fingerprint: string | null;
  dataset: string | null;
  examples: number | null;
};

export type AdapterFacts = {
  code: string;
  run: string;
  experiment: string;
  task: { name: string; title: string; digest: string };
  checkpoint: { id: number; iteration: number; model: string; fingerprint: string | null; best: boolean };
  /** Itself first, up to the base; crosses runs. */
  lineage: Ancestor[];
  comparison: Comparison[];
  /** The form in which the start did better, and in which it stands there. */
  startForm: Form;
  heldOut: HeldOutSet[];
  /** Looks at the target so far, of all candidates. */
  looks: number;
  training: {
    job: string;
    dataset: string;
    examples: number;
    revoked: number;
    parameters: Record<string, unknown>;
    trainedTokens: number | null;
  };
  /** Over the iterations of its run up to its own. */
  accepted: { prompts: number; examples: number; right: number | null };
  gates: { gate: string; advisory: boolean; pass: number; fail: number; unscored: number }[];
  probes: { planted: number; caught: number } | null;
  reviewed: number;
  settings: Pick<ImproveSettings, 'seed' | 'pool' | 'sampling' | 'gates' | 'training' | 'promotion'>;
};

/** A server may name its models by their folders: of those the last part alone is told. */
const told = (model: string) => (/^([/~.\\]|[A-Za-z]:\\)/.test(model) ? basename(model) : model);

const ancestor = ({ checkpoint, dataset }: Made): Ancestor => ({
  checkpoint: checkpoint.id,
  run: checkpoint.runId,
  iteration: checkpoint.iterationIndex,
  model: told(checkpoint.model),
  fingerprint: checkpoint.fingerprint,
  dataset: dataset?.digest ?? null,
  examples: dataset?.examples ?? null,
});

function gatesOf(report: Report, upTo: number): AdapterFacts['gates'] {
  const rows = report.iterations.filter((one) => one.iteration <= upTo).flatMap((one) => one.gates);
  return [...Map.groupBy(rows, (row) => `${row.gate} ${row.advisory}`).values()].map((same) => ({
    gate: same[0]!.gate,
    advisory: same[0]!.advisory,
    pass: same.reduce((sum, row) => sum + row.pass, 0),
    fail: same.reduce((sum, row) => sum + row.fail, 0),
    unscored: same.reduce((sum, row) => sum + row.unscored, 0),
  }));
}

/** @param made a checkpoint that was trained in a run */
export async function adapterFacts(db: Db, made: Made): Promise<AdapterFacts> {
  const { checkpoint, job, dataset } = made;
  const runId = checkpoint.runId;
  const run = await readRun(db, runId);
  const task = taskOf(run);
  const report = await buildReport(db, runId);
  const { comparison, form } = await comparedWithStart(db, runId, checkpoint.id);
  const upTo = report.iterations.filter((one) => one.iteration <= checkpoint.iterationIndex);
  const sum = (of: (one: Report['iterations'][number]) => number) =>
    upTo.reduce((total, one) => total + of(one), 0);
  const labels = sum((one) => one.pseudoLabels?.total ?? 0);
  const audits = upTo.flatMap((one) => (one.audit ? [one.audit] : []));
  const { seed, pool, sampling, gates, training, promotion } = settingsOf(
    run.settings,
    await listAdjustments(db, runId),
    checkpoint.iterationIndex,
  );
  return {
    code: codeVersion(),
    run: runId,
    experiment: run.settings.experiment,
    task: { name: task.name, title: task.title, digest: specDigest(run.taskSpec) },
    checkpoint: {
      id: checkpoint.id,
      iteration: checkpoint.iterationIndex,
      model: told(checkpoint.model),
      fingerprint: checkpoint.fingerprint,
      best: checkpoint.id === report.best?.id,
    },
    lineage: (await checkpointsMade(db, await ancestorIds(db, checkpoint.id))).map(ancestor),
    comparison,
    startForm: form,
    heldOut: heldOutSets(await heldOut(db, runId)),
    looks: report.iterations.filter((one) => one.target !== null).length,
    training: {
      job: job!.remoteId,
      dataset: dataset!.digest,
      examples: dataset!.examples,
      revoked: (await revokedCounts(db, [dataset!.id])).get(dataset!.id) ?? 0,
      parameters: job!.parameters,
      trainedTokens: checkpoint.trainedTokens,
    },
    accepted: {
      prompts: sum((one) => one.accepted),
      examples: sum((one) => one.examples),
      right: labels === 0 ? null : sum((one) => one.pseudoLabels?.correct ?? 0) / labels,
    },
    gates: gatesOf(report, checkpoint.iterationIndex),
    probes:
      audits.length === 0
        ? null
        : {
            planted: audits.reduce((total, one) => total + one.planted, 0),
            caught: audits.reduce((total, one) => total + one.caught, 0),
          },
    reviewed: sum((one) => one.review?.items ?? 0),
    settings: { seed, pool, sampling, gates, training, promotion },
  };
}
