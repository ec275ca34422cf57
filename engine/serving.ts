/** The checkpoint that a task serves: what the gateway answers with, where `start: promoted` begins, what people change. */
import type { Db } from '../db/connect.ts';
import { getRun, rootOf, type Checkpoint } from '../db/queries/runs.ts';
import {
  addChoice,
  checkpointsById,
  choicesOf,
  provenPromotions,
  sharedAnswers,
  standingOf,
  type ServingChoice,
} from '../db/queries/serving.ts';
import { decidePromotion, pair, type GuardScore } from '../loop/promotion.ts';
import { servingOf, type Serving, type ServingEvent } from '../loop/serving.ts';
import { improveInputSchema } from '../loop/input.ts';

export type TaskServing = Serving<Checkpoint>;

/** A choice that can't be made; the message says why and what to do. Nothing was changed. */
export class ServingRefused extends Error {}

type Compared = { better: boolean; reason: string };
/** By database and pair: what was measured once stays as it is. */
const compared = new WeakMap<object, Map<string, Compared>>();
const PAIRS_KEPT = 10_000;

/** None within a transaction, which has no pool of its own. */
function pairsOf(db: Db): Map<string, Compared> {
  const pool: object | undefined = db.$client;
  const known = pool && compared.get(pool);
  if (known) return known;
  const pairs = new Map<string, Compared>();
  if (pool) compared.set(pool, pairs);
  return pairs;
}

/** Is the candidate proven better than what is served, on the held-out problems that both answered? */
async function compare(db: Db, candidate: Checkpoint, served: Checkpoint): Promise<Compared> {
  const known = pairsOf(db);
  const id = `${candidate.id} ${served.id}`;
  const before = known.get(id);
  if (before) return before;
  const answers = await sharedAnswers(db, served.id, candidate.id);
  const paired = (which: typeof answers) =>
    pair(
      which.map((one) => one.first),
      which.map((one) => one.second),
    );
  const targets = answers.filter((one) => one.role === 'target');
  const guards: GuardScore[] = [...new Set(answers.map((one) => one.benchmark))]
    .map((name) => ({ name, of: answers.filter((one) => one.benchmark === name && one.role === 'guard') }))
    .filter(({ of }) => of.length > 0)
    .map(({ name, of }) => ({ name, ...paired(of) }));
  const settings = improveInputSchema.parse((await getRun(db, candidate.runId)).settings).promotion;
  const decided = decidePromotion({
    settings,
    target: targets.length > 0 ? paired(targets) : undefined,
    guards,
    fault:
      targets.length > 0
        ? undefined
        : `no target problem was put both to it and to the served checkpoint ${served.id} (of run ${served.runId})`,
  });
  const result = { better: decided.decision === 'promote', reason: decided.reason };
  if (known.size >= PAIRS_KEPT) known.clear();
  // A measurement may still be under way where nothing was shared.
  if (targets.length > 0) known.set(id, result);
  return result;
}

/**
 * What a task serves, what it served before, and how it came about.
 *
 * @param baseModel only checkpoints made from this base model count: others could not be served in its place
 */
export async function servingOfTask(
  db: Db,
  task: string,
  options: { baseModel?: string } = {},
): Promise<TaskServing> {
  const proven = await provenPromotions(db, task);
  const choices = await choicesOf(db, task);
  const chosen = await checkpointsById(
    db,
    choices.flatMap((one) => one.checkpointId ?? []),
  );
  const events: ServingEvent<Checkpoint>[] = [
    ...proven.map((one) => ({ kind: 'proven' as const, ...one })),
    ...choices.map(({ kind, createdAt: at, checkpointId, pinned, reason, by }) =>
      kind === 'follow'
        ? { kind, at, reason, by }
        : { kind, at, checkpoint: chosen.get(checkpointId!)!, pinned, reason, by },
    ),
  ].toSorted((a, b) => a.at.getTime() - b.at.getTime());
  const { baseModel } = options;
  const kept: ServingEvent<Checkpoint>[] = [];
  for (const event of events) {
    const of =
      event.kind === 'proven' ? event.candidate : event.kind === 'follow' ? undefined : event.checkpoint;
    if (baseModel === undefined || !of || (await rootOf(db, of)).model === baseModel) kept.push(event);
  }
  return servingOf(kept, (candidate, served) => compare(db, candidate, served));
}

/** The checkpoint that a task serves; undefined while nothing was promoted. */
export async function servedCheckpoint(
  db: Db,
  task: string,
  options: { baseModel?: string } = {},
): Promise<Checkpoint | undefined> {
  return (await servingOfTask(db, task, options)).checkpoint;
}

export type Choosing = {
  reason: string;
  by: string;
  /** No proven promotion replaces it until somebody chooses again. */
  pin?: boolean;
  /** What the person saw served; undefined: whatever it is. A choice made of an old page is refused. */
  seen?: number | null;
};

function reasonOf({ reason }: Choosing): string {
  if (reason.trim() === '') throw new ServingRefused('A reason is needed: it is kept with the choice.');
  return reason.trim();
}

function refuseStale(serving: TaskServing, { seen }: Choosing): void {
  const now = serving.checkpoint?.id ?? null;
  if (seen !== undefined && seen !== now)
    throw new ServingRefused(
      `The task serves ${now === null ? 'nothing' : `checkpoint ${now}`} by now. Look again, then choose.`,
    );
}

/**
 * Serves a checkpoint of the task from now on. It stays until a newer promotion is proven better than it; with `pin` until
 * somebody chooses again.
 *
 * @param force although it never passed its benchmark
 * @throws ServingRefused for a checkpoint of another task, one that never passed, or one that is served already
 */
export async function promoteCheckpoint(
  db: Db,
  task: string,
  checkpointId: number,
  choosing: Choosing & { force?: boolean },
): Promise<ServingChoice> {
  const reason = reasonOf(choosing);
  const { pin = false, force = false, by } = choosing;
  return addChoice(db, task, async (tx) => {
    const standing = await standingOf(tx, checkpointId);
    if (!standing) throw new ServingRefused(`There is no checkpoint ${checkpointId}.`);
    if (standing.task !== task)
      throw new ServingRefused(`Checkpoint ${checkpointId} is of the task ${standing.task}, not of ${task}.`);
    const passed = standing.promoted && standing.experiment === 'none';
    if (!passed && !force) {
      const why =
        standing.experiment === 'none'
          ? 'never passed its benchmark: no run promoted it'
          : `was promoted in a contrast arm (${standing.experiment}), for comparison only`;
      throw new ServingRefused(`Checkpoint ${checkpointId} ${why}. It is served only if forced.`);
    }
    const serving = await servingOfTask(tx, task);
    refuseStale(serving, choosing);
    if (serving.checkpoint?.id === checkpointId && serving.pinned === pin)
      throw new ServingRefused(
        `The task ${task} serves checkpoint ${checkpointId} already${pin ? ', pinned' : ''}.`,
      );
    const insteadOfId = serving.checkpoint?.id;
    return { task, kind: 'promote', checkpointId, insteadOfId, pinned: pin, forced: !passed, reason, by };
  });
}

/**
 * Serves the checkpoint before the present one again, pinned: what was taken back was measured better, and so is what
 * is trained from it. `pin: false` lets the next proven promotion replace it.
 *
 * @throws ServingRefused when there is nothing before it
 */
export async function rollBack(db: Db, task: string, choosing: Choosing): Promise<ServingChoice> {
  const reason = reasonOf(choosing);
  const { pin = true, by } = choosing;
  return addChoice(db, task, async (tx) => {
    const serving = await servingOfTask(tx, task);
    refuseStale(serving, choosing);
    if (!serving.before)
      throw new ServingRefused(
        serving.checkpoint
          ? `The task ${task} served nothing before checkpoint ${serving.checkpoint.id}.`
          : `The task ${task} serves nothing yet: no run of it has promoted a checkpoint.`,
      );
    return {
      task,
      kind: 'rollback',
      checkpointId: serving.before.id,
      insteadOfId: serving.checkpoint?.id,
      pinned: pin,
      reason,
      by,
    };
  });
}

/**
 * Takes back what people chose: the task serves what the proven promotions give, now and from now on.
 *
 * @throws ServingRefused when nobody has chosen anything
 */
export async function followPromotions(db: Db, task: string, choosing: Choosing): Promise<ServingChoice> {
  const reason = reasonOf(choosing);
  return addChoice(db, task, async (tx) => {
    const serving = await servingOfTask(tx, task);
    const choices = await choicesOf(tx, task);
    refuseStale(serving, choosing);
    if (choices.length === 0 || choices.at(-1)!.kind === 'follow')
      throw new ServingRefused(`The task ${task} follows its proven promotions already.`);
    const insteadOfId = serving.checkpoint?.id;
    return { task, kind: 'follow', insteadOfId, pinned: false, reason, by: choosing.by };
  });
}
