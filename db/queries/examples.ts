import { and, asc, desc, eq, inArray, lt, sql } from 'drizzle-orm';
import type { EarlierExample } from '../../loop/replay.ts';
import { notDrifted } from './adjustments.ts';
import type { Db } from '../connect.ts';
import { notRevoked } from './revocations.ts';
import {
  datasetExamples,
  datasets,
  examples,
  iterations,
  prompts,
  samples,
  type PromptPurpose,
} from '../schema.ts';

export type Dataset = typeof datasets.$inferSelect;

/** An example as it goes into a dataset. */
export type TrainingExample = {
  id: number;
  key: string;
  prompt: string;
  /** The problem as it was put to the model: the prompt or a rewrite of it. */
  request: string;
  rationale: string;
};

/** An example's columns, of queries over it, its sample and its prompt. */
export const taught = {
  id: examples.id,
  key: prompts.key,
  prompt: prompts.text,
  request: samples.request,
  rationale: sql<string>`coalesce(${examples.rationale}, ${samples.rationale})`,
};

export async function examplesByIds(db: Db, ids: number[]): Promise<TrainingExample[]> {
  if (ids.length === 0) return [];
  return db
    .select(taught)
    .from(examples)
    .innerJoin(samples, eq(samples.id, examples.sampleId))
    .innerJoin(prompts, eq(prompts.id, examples.promptId))
    .where(inArray(examples.id, ids))
    .orderBy(asc(examples.id));
}

/** Ids of an iteration's own examples but revoked ones and those in `out`; `learnt` are those that are more than rehearsal. */
export async function newExamples(
  db: Db,
  iterationId: number,
  out: ReadonlySet<number>,
): Promise<{ ids: number[]; learnt: number[] }> {
  const all = await db
    .select({ id: examples.id, kind: examples.kind })
    .from(examples)
    .innerJoin(samples, eq(samples.id, examples.sampleId))
    .where(and(eq(examples.iterationId, iterationId), notRevoked))
    .orderBy(asc(examples.id));
  const rows = all.filter((row) => !out.has(row.id));
  return {
    ids: rows.map((row) => row.id),
    learnt: rows.filter((row) => row.kind !== 'rehearsal').map((row) => row.id),
  };
}

/** The examples that earlier iterations of the run accepted, but revoked and drifted ones and those in `out`. */
export async function earlierExamples(
  db: Db,
  runId: string,
  index: number,
  out: ReadonlySet<number>,
): Promise<EarlierExample[]> {
  const rows = await db
    .select({ id: examples.id, kind: examples.kind, plan: iterations.plan })
    .from(examples)
    .innerJoin(iterations, eq(iterations.id, examples.iterationId))
    .innerJoin(samples, eq(samples.id, examples.sampleId))
    .where(and(eq(examples.runId, runId), lt(iterations.index, index), notRevoked, notDrifted))
    .orderBy(asc(examples.id));
  return rows
    .filter(({ id }) => !out.has(id))
    .map(({ id, kind, plan }) => ({ id, stage: plan.stage ?? null, easy: kind === 'rehearsal' }));
}

/** Rationales that earlier iterations of the run accepted: the newest, newest first. */
export async function earlierRationales(
  db: Db,
  runId: string,
  index: number,
  most: number,
): Promise<{ rationale: string; completionTokens: number; purpose: PromptPurpose }[]> {
  return db
    .select({
      rationale: samples.rationale,
      completionTokens: samples.completionTokens,
      purpose: prompts.purpose,
    })
    .from(examples)
    .innerJoin(prompts, eq(prompts.id, examples.promptId))
    .innerJoin(samples, eq(samples.id, examples.sampleId))
    .innerJoin(iterations, eq(iterations.id, examples.iterationId))
    .where(and(eq(examples.runId, runId), lt(iterations.index, index), notDrifted))
    .orderBy(desc(examples.id))
    .limit(most);
}

export async function findDataset(db: Db, iterationId: number): Promise<Dataset | undefined> {
  return db.query.datasets.findFirst({ where: eq(datasets.iterationId, iterationId) });
}

/** Stores a dataset with the examples in it, all or nothing; one that exists stays. */
export async function addDataset(
  db: Db,
  dataset: typeof datasets.$inferInsert,
  members: { exampleId: number; replayed: boolean }[],
): Promise<Dataset> {
  return db.transaction(async (tx) => {
    const [inserted] = await tx.insert(datasets).values(dataset).onConflictDoNothing().returning();
    if (!inserted)
      return (await tx.query.datasets.findFirst({ where: eq(datasets.iterationId, dataset.iterationId) }))!;
    const rows = members.map((member, position) => ({ ...member, position, datasetId: inserted.id }));
    for (let i = 0; i < rows.length; i += 2000)
      await tx.insert(datasetExamples).values(rows.slice(i, i + 2000));
    return inserted;
  });
}

/** Ids of a dataset's examples in the dataset's order. */
export async function datasetMembers(db: Db, datasetId: number): Promise<number[]> {
  const rows = await db
    .select({ id: datasetExamples.exampleId })
    .from(datasetExamples)
    .where(eq(datasetExamples.datasetId, datasetId))
    .orderBy(asc(datasetExamples.position));
  return rows.map((row) => row.id);
}
