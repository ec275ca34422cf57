/** `revoke`: which checkpoints a wrong example touched, and how to go back to one that it did not touch. */
import { ancestorIds, checkpointsMade, taughtIds } from '../../db/queries/lineage.ts';
import type { Db } from '../../db/connect.ts';
import { standingOf } from '../../db/queries/serving.ts';
import { servingOfTask } from '../../engine/serving.ts';
import { revocationsOf, siblings, type Revocation } from '../../db/queries/revocations.ts';
import { baseAndBest, getRun } from '../../db/queries/runs.ts';
import { examples } from '../../db/schema.ts';
import { inArray } from 'drizzle-orm';
import { UsageError } from '../../process/errors.ts';
import { nameOf } from './sample.ts';
import { ledTo, reachedBy } from './why.ts';
import type { CheckpointName, Membership, Reached } from './types.ts';

/** What can be done about one run. */
export type Remedy = {
  run: string;
  /** As it was named to start the run: a built-in task, or the path of a file. */
  task: string;
  status: string;
  /** The run's present best, when it holds what the examples taught. */
  touchedBest: CheckpointName | null;
  /** Its nearest ancestor in the same run that does not; null: the run began at a touched adapter. */
  resetTo: CheckpointName | null;
  /** Iterations whose training set holds an example and whose checkpoint is not made or not decided on. */
  underWay: number[];
};

/** A task that serves a touched checkpoint. */
export type ServingRemedy = {
  task: string;
  served: CheckpointName;
  /** The newest untouched one: served before, else an ancestor of what is served. */
  goTo: CheckpointName;
  /** It was served right before, so that one roll back is enough. */
  rollsBack: boolean;
  /** No run promoted it, as no run promotes a base: it is served only if forced. */
  forced: boolean;
};

export type RevocationPlan = {
  examples: number[];
  /** Those of them that are revoked already. */
  known: Revocation[];
  datasets: Membership[];
  touched: Reached[];
  /** Trained on what a touched checkpoint wrote, without its weights. */
  taught: Reached[];
  /** Other examples with the same answer to the same prompt. */
  siblings: number[];
  remedies: Remedy[];
  serving: ServingRemedy[];
};

const ID = /^(?:example:)?([1-9]\d{0,14})$/;

/** @throws UsageError naming every argument that is no example's id */
export function exampleIds(given: string[]): number[] {
  const bad = given.filter((text) => !ID.test(text));
  if (bad.length > 0)
    throw new UsageError(
      `${bad.map((text) => `"${text}"`).join(', ')}: give ids of examples, as in example:34.`,
    );
  return [...new Set(given.map((text) => Number(ID.exec(text)![1])))];
}

/**
 * What revoking these examples would mean. Changes nothing.
 *
 * @throws UsageError naming the ids that are no examples
 */
export async function planRevocation(db: Db, ids: number[]): Promise<RevocationPlan> {
  const found = await db.select({ id: examples.id }).from(examples).where(inArray(examples.id, ids));
  const missing = ids.filter((id) => !found.some((row) => row.id === id));
  if (missing.length > 0) {
    const names = missing.map((id) => `example:${id}`).join(', ');
    throw new UsageError(`There is no ${names}. Nothing was revoked. Find examples with: ratchet why best`);
  }
  const { datasets, reached: touched } = await ledTo(db, ids);
  const touchedIds = touched.map((one) => one.id);
  return {
    examples: ids,
    known: await revocationsOf(db, ids),
    datasets,
    touched,
    taught: await reachedBy(db, await taughtIds(db, touchedIds), () => 'taught by it'),
    siblings: await siblings(db, ids),
    remedies: await remedies(db, datasets, touched),
    serving: await servingRemedies(db, touched),
  };
}

async function servingRemedies(db: Db, touched: Reached[]): Promise<ServingRemedy[]> {
  const touchedIds = new Set(touched.map((one) => one.id));
  const runs = await Promise.all([...new Set(touched.map((one) => one.run))].map((id) => getRun(db, id)));
  const all: ServingRemedy[] = [];
  for (const task of new Set(runs.map((run) => run.task))) {
    const { checkpoint: served, before, line } = await servingOfTask(db, task);
    if (!served || !touchedIds.has(served.id)) continue;
    const ancestors = (await checkpointsMade(db, await ancestorIds(db, served.id))).map(
      (one) => one.checkpoint,
    );
    const clean = [...line.toReversed(), ...ancestors].find((one) => !touchedIds.has(one.id));
    if (!clean) continue;
    const standing = await standingOf(db, clean.id);
    all.push({
      task,
      served: nameOf(served),
      goTo: nameOf(clean),
      rollsBack: clean.id === before?.id,
      forced: !standing?.promoted || standing.experiment !== 'none',
    });
  }
  return all;
}

async function remedies(db: Db, datasets: Membership[], touched: Reached[]): Promise<Remedy[]> {
  const touchedIds = new Set(touched.map((one) => one.id));
  const runs = new Set([...touched.map((one) => one.run), ...datasets.map((one) => one.run)]);
  const all: Remedy[] = [];
  for (const id of runs) {
    const run = await getRun(db, id);
    const { best } = await baseAndBest(db, id);
    const bestIsTouched = touchedIds.has(best.id);
    const lineage = bestIsTouched ? await checkpointsMade(db, await ancestorIds(db, best.id)) : [];
    const clean = lineage.find(
      ({ checkpoint }) => checkpoint.runId === id && !touchedIds.has(checkpoint.id),
    )?.checkpoint;
    const underWay = datasets.filter((one) => one.run === id && !one.decided).map((one) => one.iteration);
    all.push({
      run: id,
      task: run.settings.task,
      status: run.status,
      touchedBest: bestIsTouched ? nameOf(best) : null,
      resetTo: clean ? nameOf(clean) : null,
      underWay: [...new Set(underWay)],
    });
  }
  return all;
}
