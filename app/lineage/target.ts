/** What a user means by the argument of `why`: a checkpoint, an example, a sample or a prompt. */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Db } from '../../db/connect.ts';
import { checkpointsMade, checkpointsNamed, findPrompt, sampleIdOf } from '../../db/queries/lineage.ts';
import { feedbackByIds } from '../../db/queries/gateway.ts';
import { baseAndBest, findRun, newestRun, type Checkpoint } from '../../db/queries/runs.ts';
import { UsageError } from '../../process/errors.ts';
import { plain } from '../../process/text.ts';

type TargetKind = 'checkpoint' | 'example' | 'sample' | 'prompt' | 'feedback';
export type Target = { kind: TargetKind; id: number } | { kind: 'completion'; name: string };

const KINDS: TargetKind[] = ['checkpoint', 'example', 'sample', 'prompt', 'feedback'];
/** PostgreSQL's bigint goes further, but JavaScript's whole numbers do not. */
const ID = /^[1-9]\d{0,14}$/;

const FORMS =
  'checkpoint:12, example:34, sample:56, prompt:78, feedback:9, chatcmpl-… (an answer of the gateway), best (of the newest run), best:RUN, a model (ft:…), a fingerprint (fp_…), ' +
  'a fine-tuning job (ftjob-…), or the path of an adapter';

async function exists(db: Db, { kind, id }: { kind: TargetKind; id: number }): Promise<boolean> {
  if (kind === 'feedback') return (await feedbackByIds(db, [id])).length > 0;
  if (kind === 'checkpoint') return (await checkpointsMade(db, [id])).length > 0;
  if (kind === 'prompt') return (await findPrompt(db, id)) !== undefined;
  return (await sampleIdOf(db, { kind, id })) !== undefined;
}

/** @throws UsageError when the text names nothing, or more than one thing */
export async function findTarget(
  db: Db,
  text: string,
  options: { checkpoint?: boolean } = {},
): Promise<Target> {
  const [kind, id] = text.split(/:(.*)/s) as [string, string | undefined];
  if (id !== undefined && KINDS.includes(kind as TargetKind)) {
    if (!ID.test(id)) throw new UsageError(`"${id}" is no id: give a number, as in ${kind}:12.`);
    return { kind: kind as TargetKind, id: Number(id) };
  }
  if (ID.test(text)) {
    if (options.checkpoint) return { kind: 'checkpoint', id: Number(text) };
    return ambiguous(db, Number(text));
  }
  if (text.startsWith('chatcmpl-')) return { kind: 'completion', name: text };
  if (text === 'best' || text.startsWith('best:')) return bestOf(db, text.slice('best:'.length));
  const found = await namedCheckpoints(db, text);
  return { kind: 'checkpoint', id: onlyOne(text, found).id };
}

async function ambiguous(db: Db, id: number): Promise<never> {
  const possible: string[] = [];
  for (const kind of KINDS) if (await exists(db, { kind, id })) possible.push(`${kind}:${id}`);
  throw new UsageError(
    possible.length === 0
      ? `There is no ${KINDS.join(', ').replace(/, (\w+)$/, ' or $1')} ${id}.`
      : `${id} alone does not say of what. Say which: ${possible.join(', ')}`,
  );
}

async function bestOf(db: Db, given: string): Promise<Target & { kind: 'checkpoint' }> {
  const run = given === '' ? await newestRun(db) : await findRun(db, given);
  if (!run) {
    throw new UsageError(
      given === ''
        ? 'There are no runs yet. Start one with: ratchet run arithmetic'
        : `There is no run "${plain(given)}". See them with: ratchet list`,
    );
  }
  return { kind: 'checkpoint', id: (await baseAndBest(db, run.id)).best.id };
}

async function namedCheckpoints(db: Db, text: string): Promise<Checkpoint[]> {
  const byModel = await checkpointsNamed(db, { model: text });
  if (byModel.length > 0) return byModel;
  const byFingerprint = await checkpointsNamed(db, { fingerprint: text });
  if (byFingerprint.length > 0) return byFingerprint;
  const byPath = await checkpointsNamed(db, { paths: foldersOf(text) });
  if (byPath.length > 0) {
    const nearest = Math.max(...byPath.map((one) => one.path!.length));
    return byPath.filter((one) => one.path!.length === nearest);
  }
  // A copied or moved adapter still lies in a folder named for its job.
  const jobs = text.split('/').filter((part) => part.startsWith('ftjob-'));
  const byJob = jobs.length > 0 ? await checkpointsNamed(db, { jobs }) : [];
  if (byJob.length > 0) return byJob;
  throw new UsageError(
    existsSync(text)
      ? `No checkpoint has its adapter at ${plain(text)}, and no folder above it is named for a fine-tuning job. See the adapters with: ratchet report`
      : `Nothing is known as "${plain(text)}". Give ${FORMS}. See checkpoints with: ratchet report`,
  );
}

/** The path and, since a weight file lies in its adapter's folder, the folders above it. */
function foldersOf(text: string): string[] {
  const path = resolve(text);
  if (!text.includes('/') && !existsSync(path)) return [];
  const folders = [path];
  while (folders.at(-1) !== dirname(folders.at(-1)!)) folders.push(dirname(folders.at(-1)!));
  return folders;
}

/** Checkpoints of one name: a run that began at an adapter has a checkpoint of its own for it, but one was trained. */
function onlyOne(text: string, found: Checkpoint[]): Checkpoint {
  const trained = found.filter((one) => one.trainingJobId !== null);
  const meant = trained.length > 0 ? trained : found;
  if (meant.length === 1) return meant[0]!;
  const some = meant.slice(-8).map((one) => `checkpoint:${one.id} (of run ${plain(one.runId)})`);
  const more = meant.length > some.length ? ` and ${meant.length - some.length} older ones` : '';
  throw new UsageError(
    `${meant.length} checkpoints are known as "${plain(text)}". Say which: ${some.join(', ')}${more}`,
  );
}
