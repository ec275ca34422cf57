/** `export`: streams what a run accepted, or one checkpoint's training set, into a sink. */
import { readRun, taskOf, templateKwargs } from '../../engine/context.ts';
import type { Extra } from '../../models/endpoint.ts';
import type { Db } from '../../db/connect.ts';
import {
  acceptedPages,
  datasetPages,
  promptPages,
  snapshot,
  verdictsOf,
  type Wanted,
} from '../../db/queries/export.ts';
import { checkpointsMade } from '../../db/queries/lineage.ts';
import { findRun, type Run } from '../../db/queries/runs.ts';
import { asksForReview, keepRule } from '../../loop/review.ts';
import type { Task } from '../../tasks/task.ts';
import { visibleOf } from '../../tasks/thinking-text.ts';
import { UsageError } from '../../process/errors.ts';
import { plain } from '../../process/text.ts';
import { findTarget } from '../lineage/target.ts';
import { criticsOf } from '../../engine/critic.ts';
import { criticLines } from './critic.ts';
import { acceptedLine, pairLine, pairsOf, type Format, type Line } from './lines.ts';
import type { Sink, Written } from './sink.ts';

const EXAMPLES_AT_ONCE = 500;
/** Each may bring hundreds of samples along. */
const PROMPTS_AT_ONCE = 50;

export type ExportOptions = {
  format: Format;
  /** Index of one iteration of the run. */
  iteration?: number;
  /** A checkpoint, as `why` takes it: what trained it, in the same order. Takes the place of the run. */
  checkpoint?: string;
  /** Pairs of answers to one and the same request only. */
  sameRequest?: boolean;
  signal?: AbortSignal;
};

export type Exported = Written & {
  /** What stands in the file, for people. */
  what: string;
  /** Accepted examples that no rejected sample was found for. */
  unpaired?: number;
  /** Fixes of bugs that were put there to practise on, which are no patches of the repository. */
  planted?: number;
  /** Examples of a checkpoint's training set that were revoked after it was trained. */
  revoked?: number;
};

/**
 * Writes the lines and leaves it to the caller to finish the sink.
 *
 * @param runId ignored where a checkpoint is named
 * @throws UsageError for what does not exist, or does not go together
 * @throws Error when a training set can't be built again byte for byte
 */
export async function exportLines(
  db: Db,
  runId: string | undefined,
  options: ExportOptions,
  sink: Sink,
): Promise<Exported> {
  return snapshot(db, async (tx) =>
    options.checkpoint === undefined
      ? exportRun(tx, runId!, options, sink)
      : exportCheckpoint(tx, options.checkpoint, options, sink),
  );
}

async function runFor(db: Db, runId: string): Promise<{ run: Run; task: Task; kwargs?: Extra }> {
  if (!(await findRun(db, runId)))
    throw new UsageError(`There is no run "${plain(runId)}". See them with: ratchet list`);
  const run = await readRun(db, runId);
  const task = taskOf(run);
  return { run, task, kwargs: templateKwargs(run.settings, task) };
}

async function exportRun(
  db: Db,
  runId: string,
  { format, iteration, sameRequest, signal }: ExportOptions,
  sink: Sink,
): Promise<Exported> {
  const { run, task, kwargs } = await runFor(db, runId);
  if (iteration !== undefined) {
    const known = await db.query.iterations.findFirst({
      where: (one, { and, eq }) => and(eq(one.runId, runId), eq(one.index, iteration)),
    });
    if (!known) throw new UsageError(`Run "${plain(runId)}" has no iteration ${iteration}.`);
  }
  const { review } = run.settings;
  const wanted: Wanted = { runId, iteration, rule: asksForReview(review) ? keepRule(review) : undefined };
  const where = `run ${plain(runId)}${iteration === undefined ? '' : `, iteration ${iteration}`}`;
  if (format === 'critic') {
    const [critic] = criticsOf({ settings: run.settings, task });
    const { request, write } = critic!.critic;
    if (!write)
      throw new UsageError(
        `The critic of task ${plain(task.name)} is its own and answers in no text, so there are no lines for it to train on.`,
      );
    await sink.write(await criticLines(db, runId, { request, write }, iteration));
    return { ...sink.written(), what: `work that fooled the critics, and what it was made of, of ${where}` };
  }
  if (format === 'trl-preference') {
    const unpaired = await writePairs(db, { task, kwargs }, wanted, sameRequest ?? false, sink, signal);
    return { ...sink.written(), what: `pairs of ${where}`, unpaired };
  }
  if (format === 'patches') return writePatches(db, task, wanted, where, sink, signal);
  for await (const rows of acceptedPages(db, wanted, EXAMPLES_AT_ONCE)) {
    signal?.throwIfAborted();
    const verdicts = await verdictsOf(
      db,
      rows.map((row) => row.sampleId),
    );
    await sink.write(
      rows.map((row) => acceptedLine(format, task, row, verdicts.get(row.sampleId) ?? [], kwargs)),
    );
  }
  return { ...sink.written(), what: `accepted examples of ${where}` };
}

/** One patch a bug, the first that was accepted; what was put there to practise on has none. */
async function writePatches(
  db: Db,
  task: Task,
  wanted: Wanted,
  where: string,
  sink: Sink,
  signal?: AbortSignal,
): Promise<Exported> {
  if (!task.patch)
    throw new UsageError(`The task ${plain(task.name)} changes no code: take another --format.`);
  const done = new Set<string>();
  let planted = 0;
  for await (const rows of acceptedPages(db, wanted, EXAMPLES_AT_ONCE)) {
    signal?.throwIfAborted();
    const lines: Line[] = [];
    for (const { key, prompt, level, rationale, exampleId } of rows) {
      if (done.has(key)) continue;
      const patch = task.patch({ key, text: prompt, level: level ?? undefined }, visibleOf(rationale));
      if (!patch) continue;
      done.add(key);
      if (patch.planted) planted += 1;
      else lines.push({ text: `# ${plain(key)}, example ${exampleId}\n${patch.diff.replace(/\n$/, '')}` });
    }
    await sink.write(lines);
  }
  return { ...sink.written(), what: `patches of ${where}`, planted };
}

async function writePairs(
  db: Db,
  { task, kwargs }: { task: Task; kwargs?: Extra },
  wanted: Wanted,
  sameRequest: boolean,
  sink: Sink,
  signal?: AbortSignal,
): Promise<number> {
  let unpaired = 0;
  for await (const page of promptPages(db, wanted, PROMPTS_AT_ONCE)) {
    signal?.throwIfAborted();
    const others = Map.groupBy(page.others, (one) => one.promptId);
    const pairs = [...Map.groupBy(page.accepted, (one) => one.promptId)].flatMap(([promptId, accepted]) =>
      pairsOf(task, accepted, others.get(promptId) ?? [], sameRequest),
    );
    unpaired += page.accepted.length - pairs.length;
    const verdicts = await verdictsOf(
      db,
      pairs.flatMap(({ chosen, rejected }) => [chosen.sampleId, rejected.sampleId]),
    );
    await sink.write(pairs.map((pair) => pairLine(task, pair, (id) => verdicts.get(id) ?? [], kwargs)));
  }
  return unpaired;
}

async function exportCheckpoint(
  db: Db,
  text: string,
  { format, signal }: ExportOptions,
  sink: Sink,
): Promise<Exported> {
  if (format === 'patches')
    throw new UsageError('--checkpoint exports what trained it: leave it out for patches of a run.');
  if (format === 'critic')
    throw new UsageError(
      '--checkpoint exports what trained it, and --format critic what an adversary found: leave one of them out.',
    );
  if (format === 'trl-preference')
    throw new UsageError(
      '--checkpoint exports what trained it, and no pair did. Leave --checkpoint out, or take another --format.',
    );
  const target = await findTarget(db, text, { checkpoint: true });
  const [made] = target.kind === 'checkpoint' ? await checkpointsMade(db, [target.id]) : [];
  if (!made) throw new UsageError(`There is no checkpoint "${plain(text)}". See them with: ratchet report`);
  if (!made.dataset || !made.job)
    throw new UsageError(
      `Checkpoint ${made.checkpoint.id} of run ${plain(made.checkpoint.runId)} was not trained in it: it is where the run started.`,
    );
  const { task, kwargs } = await runFor(db, made.checkpoint.runId);
  let revoked = 0;
  // Of every format the digest that counts is that of the lines it was trained on.
  for await (const rows of datasetPages(db, made.dataset.id, EXAMPLES_AT_ONCE)) {
    signal?.throwIfAborted();
    revoked += rows.filter((row) => row.revoked).length;
    const verdicts = await verdictsOf(
      db,
      rows.map((row) => row.sampleId),
    );
    await sink.write(
      rows.map((row) => acceptedLine(format, task, row, verdicts.get(row.sampleId) ?? [], kwargs)),
    );
  }
  const written = sink.written();
  if (format === 'openai' && written.sha256 !== made.dataset.digest)
    throw new Error(
      `The training set of checkpoint ${made.checkpoint.id} can't be built again as it was: its lines have the digest ` +
        `${written.sha256}, and ${made.dataset.digest} is stored. Does the task ask otherwise than it did then?`,
    );
  return {
    ...written,
    what: `what trained checkpoint ${made.checkpoint.id} (${plain(made.checkpoint.model)})`,
    revoked,
  };
}
