/** `why`: how a checkpoint, an example or a sample came about, and what it led to. */
import { createHash } from 'node:crypto';
import { toJsonl } from '../../activities/adapt/dataset.ts';
import { digestOf } from '../../process/digest.ts';
import { taskOf, templateKwargs } from '../../engine/context.ts';
import { codeVersion } from '../../engine/version.ts';
import { listAdjustments, listMessages } from '../../db/queries/adjustments.ts';
import type { Db } from '../../db/connect.ts';
import {
  ancestorIds,
  checkpointsMade,
  datasetPage,
  datasetsWith,
  descendantIds,
  exampleCounts,
  findPrompt,
  sampleIdOf,
  sampleIdsOf,
  scoresOf,
  type Made,
} from '../../db/queries/lineage.ts';
import { getIteration } from '../../db/queries/iterations.ts';
import { revokedIn } from '../../db/queries/revocations.ts';
import { bestIds, getRun, type Run } from '../../db/queries/runs.ts';
import { prepareTask } from '../../tasks/index.ts';
import { TaskIsCodeError } from '../../tasks/module.ts';
import { UsageError } from '../../process/errors.ts';
import { storedOrigins } from './origin.ts';
import { feedbackFacts, whyCompletion } from './production.ts';
import { createSampleReader, nameOf } from './sample.ts';
import type { Target } from './target.ts';
import { variantOriginsOf, variantsMadeOf } from './variant.ts';
import type { CheckpointWhy, PieceWhy, PromptWhy, Reached, RunOrigin, Training, Why } from './types.ts';

export type WhyOptions = {
  /** Examples of a checkpoint, or samples of a prompt, to explain one by one. */
  count: number;
  /** Position in the dataset to begin at. */
  from: number;
  /** Compute the digest of a large dataset too; `never`: not even that of a small one. */
  verify: boolean | 'never';
};

/** Datasets up to this size are read whole to compare their digest: well under a second. */
const QUICK_BYTES = 8_000_000;
const PAGE = 5000;

/** @throws UsageError when there is no such thing */
export async function explain(db: Db, target: Target, options: WhyOptions): Promise<Why> {
  if (target.kind === 'checkpoint') return whyCheckpoint(db, target.id, options);
  if (target.kind === 'prompt') return whyPrompt(db, target.id, options);
  if (target.kind === 'completion') return whyCompletion(db, target.name);
  if (target.kind === 'feedback') {
    const facts = await feedbackFacts(db, target.id);
    const made = facts.examples.map((one) => one.example);
    return { ...facts, ...(await ledTo(db, made)) };
  }
  return whyPiece(db, { kind: target.kind, id: target.id });
}

function originOf(run: Run): RunOrigin {
  return {
    id: run.id,
    task: run.task,
    status: run.status,
    experiment: run.settings.experiment,
    codeVersion: run.codeVersion,
    codeNow: codeVersion(),
    settingsDigest: digestOf(JSON.stringify(run.settings)),
    startedAt: run.createdAt.toISOString(),
  };
}

/** Is the dataset, read anew from the examples, what was trained on? */
async function checkDigest(
  db: Db,
  run: Run,
  dataset: { id: number; digest: string },
): Promise<Training['dataset']['check']> {
  try {
    await prepareTask(run.taskSpec);
  } catch (error) {
    // The page runs no code of tasks; the command does, and looks.
    if (error instanceof TaskIsCodeError) return 'skipped';
    throw error;
  }
  const task = taskOf(run);
  const kwargs = templateKwargs(run.settings, task);
  const hash = createHash('sha256');
  for (let from = 0; ;) {
    const rows = await datasetPage(db, dataset.id, from, PAGE);
    if (rows.length > 0) hash.update(toJsonl(task, rows, kwargs));
    if (rows.length < PAGE) return hash.digest('hex') === dataset.digest ? 'verified' : 'differs';
    from = rows.at(-1)!.position + 1;
  }
}

async function trainingOf(
  db: Db,
  { checkpoint, job, dataset, iteration }: Made,
  verify: WhyOptions['verify'],
) {
  if (!job || !dataset) return null;
  const run = await getRun(db, checkpoint.runId);
  const quick = verify || dataset.bytes <= QUICK_BYTES;
  const training: Training = {
    checkpoint: checkpoint.id,
    run: originOf(run),
    job: job.remoteId,
    status: job.status,
    parentModel: job.parentModel,
    parameters: job.parameters,
    seed: iteration?.plan.seed ?? null,
    trainedTokens: job.trainedTokens,
    seconds: job.seconds,
    dataset: {
      id: dataset.id,
      digest: dataset.digest,
      examples: dataset.examples,
      bytes: dataset.bytes,
      check: verify === 'never' ? 'skipped' : quick ? await checkDigest(db, run, dataset) : 'large',
      revoked: await revokedIn(db, dataset.id),
    },
  };
  return training;
}

/** These checkpoints with what has become of them. */
export async function reachedBy(
  db: Db,
  ids: number[],
  how: (id: number) => Reached['how'],
): Promise<Reached[]> {
  const made = await checkpointsMade(db, ids);
  const runIds = [...new Set(made.map(({ checkpoint }) => checkpoint.runId))];
  const bests = new Set((await bestIds(db, runIds)).values());
  return made.map(({ checkpoint, decision }) => ({
    ...nameOf(checkpoint),
    how: how(checkpoint.id),
    promoted: decision?.kind === 'promote',
    best: bests.has(checkpoint.id),
  }));
}

async function whyCheckpoint(db: Db, id: number, options: WhyOptions): Promise<CheckpointWhy> {
  const chain = await checkpointsMade(db, await ancestorIds(db, id));
  const own = chain[0];
  if (!own) throw new UsageError(`There is no checkpoint ${id}. See them with: ratchet report`);
  const { checkpoint, decision } = own;
  const run = await getRun(db, checkpoint.runId);
  // Where a run began at an earlier run's adapter, that adapter's training is this one's.
  const trained = checkpoint.kind === 'adapter' ? chain.find(({ job }) => job !== null) : undefined;
  const training = trained ? await trainingOf(db, trained, options.verify) : null;
  const [self, ...descendants] = await reachedBy(db, await selfFirst(db, id), () => 'descends');
  const index = checkpoint.iterationIndex;
  const course = (await listAdjustments(db, run.id)).filter(
    (one) => one.fromIteration <= index && (one.untilIteration ?? index) >= index,
  );
  const messages = (await listMessages(db, run.id)).filter(
    (one) => one.accepted && one.iterationIndex <= index,
  );
  return {
    what: 'checkpoint',
    checkpoint: {
      ...nameOf(checkpoint),
      path: checkpoint.path,
      at: checkpoint.createdAt.toISOString(),
      best: self!.best,
      promoted: self!.promoted,
    },
    run: originOf(run),
    chain: chain.map((link) => ({
      ...nameOf(link.checkpoint),
      decision: link.decision?.kind ?? null,
      job: link.job?.remoteId ?? null,
      examples: link.dataset?.examples ?? null,
      datasetDigest: link.dataset?.digest ?? null,
    })),
    training,
    decision: decision && { kind: decision.kind, reason: decision.reason, numbers: decision.numbers },
    scores: await scoresOf(db, id),
    course: course.map(({ kind, cause, reason, fromIteration, overrides, checkpointId, createdAt }) => ({
      kind,
      cause,
      reason,
      fromIteration,
      overrides,
      checkpoint: checkpointId,
      at: createdAt.toISOString(),
    })),
    messages: messages.map(({ name, args, origin, answer, iterationIndex, createdAt }) => ({
      name,
      by: typeof args.by === 'string' ? args.by : origin,
      answer,
      iteration: iterationIndex,
      at: createdAt.toISOString(),
    })),
    counts: training ? await exampleCounts(db, training.dataset.id) : [],
    descendants,
    examples: training
      ? await examplesOf(db, training.dataset, options)
      : { total: 0, from: 0, next: null, items: [] },
  };
}

async function selfFirst(db: Db, id: number): Promise<number[]> {
  return [id, ...(await descendantIds(db, [id])).filter((other) => other !== id)];
}

/** One page of a dataset's examples, explained; `read` is kept by those who ask for several. */
export async function examplesOf(
  db: Db,
  dataset: { id: number; examples: number },
  { from, count }: { from: number; count: number },
  read = createSampleReader(db),
): Promise<CheckpointWhy['examples']> {
  const rows = await datasetPage(db, dataset.id, from, count);
  const explained = await read(
    rows.map((row) => row.sampleId),
    rows.map((row) => row.exampleId),
  );
  const samples = new Map(explained.map((one) => [one.sample.id, one]));
  const next = from + rows.length;
  return {
    total: dataset.examples,
    from,
    next: next < dataset.examples ? next : null,
    items: rows.map(({ sampleId, position, replayed }) => ({
      ...samples.get(sampleId)!,
      position,
      replayed,
    })),
  };
}

/** What examples were trained into: the datasets that hold them and every checkpoint that follows. */
export async function ledTo(db: Db, exampleIds: number[]): Promise<Pick<PieceWhy, 'datasets' | 'reached'>> {
  const rows = await datasetsWith(db, exampleIds);
  const direct = new Set(rows.flatMap((row) => row.checkpointId ?? []));
  const reached = await descendantIds(db, [...direct]);
  return {
    datasets: rows.map((row) => ({
      dataset: row.datasetId,
      run: row.run,
      iteration: row.iteration,
      example: row.exampleId,
      position: row.position,
      replayed: row.replayed,
      job: row.job,
      jobStatus: row.jobStatus,
      checkpoint: row.checkpointId,
      decided: row.decision !== null,
    })),
    reached: await reachedBy(db, reached, (id) => (direct.has(id) ? 'trained on it' : 'descends')),
  };
}

async function whyPiece(db: Db, what: { kind: 'example' | 'sample'; id: number }): Promise<PieceWhy> {
  const sampleId = await sampleIdOf(db, what);
  const as = what.kind === 'example' ? [what.id] : [];
  const [piece] = sampleId === undefined ? [] : await createSampleReader(db)([sampleId], as);
  if (!piece) throw new UsageError(`There is no ${what.kind} ${what.id}.`);
  const run = await getRun(db, piece.prompt.run);
  const { example } = piece;
  const own = what.kind === 'sample' && example ? example.others : [];
  const led = await ledTo(db, example ? [example.id, ...own] : []);
  return { what: what.kind, run: originOf(run), piece, ...led };
}

async function whyPrompt(db: Db, id: number, { count }: WhyOptions): Promise<PromptWhy> {
  const prompt = await findPrompt(db, id);
  if (!prompt) throw new UsageError(`There is no prompt ${id}.`);
  const iteration = await getIteration(db, prompt.iterationId);
  const { key, text, level, purpose } = prompt;
  const sampleIds = await sampleIdsOf(db, id, 'model');
  const read = createSampleReader(db);
  const variant = (await variantOriginsOf(db, [prompt])).get(prompt.variantId ?? 0);
  const variants = await variantsMadeOf(db, id);
  return {
    what: 'prompt',
    run: originOf(await getRun(db, iteration.runId)),
    prompt: {
      id,
      key,
      text,
      level,
      purpose,
      run: iteration.runId,
      iteration: iteration.index,
      stored: (await storedOrigins(db, [prompt])).get(prompt.storedPromptId ?? 0) ?? null,
      source: prompt.source,
      ...(variant ? { variant } : {}),
    },
    ...(variants.length > 0 ? { variants } : {}),
    total: sampleIds.length,
    samples: await read(sampleIds.slice(0, count)),
    given: await read(await sampleIdsOf(db, id, 'person')),
  };
}
