/**
 * Where a checkpoint comes from and what an example led to. Every query is bounded by what it is asked for: none reads
 * all examples of a checkpoint, but for the counts and the digest, which the database or a stream makes of them.
 */
import { and, asc, eq, gte, inArray, isNotNull, sql } from 'drizzle-orm';
import type { Db } from '../connect.ts';
import type { Checkpoint } from './runs.ts';
import {
  checkpoints,
  datasetExamples,
  datasets,
  decisions,
  evaluations,
  examples,
  iterations,
  prompts,
  samples,
  trainingJobs,
  type ExampleKind,
} from '../schema.ts';

async function idsOf(db: Db, query: ReturnType<typeof sql>): Promise<number[]> {
  return (await db.execute<{ id: number }>(query)).rows.map((row) => row.id);
}

/** Ids from a checkpoint up to the base, itself first; the chain crosses runs. */
export async function ancestorIds(db: Db, checkpointId: number): Promise<number[]> {
  return idsOf(
    db,
    sql`with recursive up(id, parent_id, depth) as (
      select id, parent_id, 0 from ${checkpoints} where id = ${checkpointId}
      union all
      select c.id, c.parent_id, up.depth + 1 from ${checkpoints} c join up on c.id = up.parent_id
    ) cycle id set looped using way
    select id::float8 as id from up where not looped order by depth`,
  );
}

/** Ids of these checkpoints and of all that were trained from them, directly or not, in any run. */
export async function descendantIds(db: Db, ids: number[]): Promise<number[]> {
  if (ids.length === 0) return [];
  return idsOf(
    db,
    sql`with recursive down(id) as (
      select id from ${checkpoints} where ${inArray(checkpoints.id, ids)}
      union
      select c.id from ${checkpoints} c join down on c.parent_id = down.id
    ) select id::float8 as id from down order by id`,
  );
}

/** A checkpoint with what made it, as far as it was trained in a run, and what was decided about it. */
export type Made = {
  checkpoint: Checkpoint;
  job: typeof trainingJobs.$inferSelect | null;
  dataset: typeof datasets.$inferSelect | null;
  iteration: typeof iterations.$inferSelect | null;
  decision: typeof decisions.$inferSelect | null;
};

/** These checkpoints in the order of `ids`. */
export async function checkpointsMade(db: Db, ids: number[]): Promise<Made[]> {
  if (ids.length === 0) return [];
  const rows = await db
    .select({
      checkpoint: checkpoints,
      job: trainingJobs,
      dataset: datasets,
      iteration: iterations,
      decision: decisions,
    })
    .from(checkpoints)
    .leftJoin(trainingJobs, eq(trainingJobs.id, checkpoints.trainingJobId))
    .leftJoin(datasets, eq(datasets.id, trainingJobs.datasetId))
    .leftJoin(
      iterations,
      and(eq(iterations.runId, checkpoints.runId), eq(iterations.index, checkpoints.iterationIndex)),
    )
    .leftJoin(
      decisions,
      and(eq(decisions.iterationId, iterations.id), eq(decisions.candidateId, checkpoints.id)),
    )
    .where(inArray(checkpoints.id, ids));
  const place = new Map(ids.map((id, i) => [id, i]));
  return rows.toSorted((a, b) => place.get(a.checkpoint.id)! - place.get(b.checkpoint.id)!);
}

/** Finished measurements of a checkpoint. */
export async function scoresOf(db: Db, checkpointId: number) {
  return db
    .select({
      benchmark: evaluations.benchmark,
      correct: evaluations.correct,
      total: evaluations.total,
      unparsable: evaluations.unparsable,
    })
    .from(evaluations)
    .where(and(eq(evaluations.checkpointId, checkpointId), isNotNull(evaluations.finishedAt)))
    .orderBy(asc(evaluations.benchmark));
}

/** The checkpoint that wrote an example: its sample's, and of what people gave the one that the iteration trained on. */
const writer = sql<number>`coalesce(${samples.checkpointId}, ${iterations.checkpointId})`.mapWith(Number);

export type ExampleCount = {
  run: string;
  iteration: number;
  kind: ExampleKind;
  replayed: boolean;
  /** The checkpoint that wrote their rationales. */
  generator: number;
  examples: number;
};

/** What a dataset is made of, by the iteration that accepted it. */
export async function exampleCounts(db: Db, datasetId: number): Promise<ExampleCount[]> {
  return db
    .select({
      run: iterations.runId,
      iteration: iterations.index,
      kind: examples.kind,
      replayed: datasetExamples.replayed,
      generator: writer,
      examples: sql<number>`count(*)::int`,
    })
    .from(datasetExamples)
    .innerJoin(examples, eq(examples.id, datasetExamples.exampleId))
    .innerJoin(iterations, eq(iterations.id, examples.iterationId))
    .leftJoin(samples, eq(samples.id, examples.sampleId))
    .where(eq(datasetExamples.datasetId, datasetId))
    .groupBy(iterations.runId, iterations.index, examples.kind, datasetExamples.replayed, writer)
    .orderBy(asc(iterations.index), asc(examples.kind), asc(datasetExamples.replayed));
}

/** A stretch of a dataset in its own order, with the texts that train. */
export async function datasetPage(db: Db, datasetId: number, from: number, count: number) {
  return db
    .select({
      position: datasetExamples.position,
      replayed: datasetExamples.replayed,
      exampleId: datasetExamples.exampleId,
      sampleId: examples.sampleId,
      request: samples.request,
      rationale: sql<string>`coalesce(${examples.rationale}, ${samples.rationale})`,
    })
    .from(datasetExamples)
    .innerJoin(examples, eq(examples.id, datasetExamples.exampleId))
    .innerJoin(samples, eq(samples.id, examples.sampleId))
    .where(and(eq(datasetExamples.datasetId, datasetId), gte(datasetExamples.position, from)))
    .orderBy(asc(datasetExamples.position))
    .limit(count);
}

/** Ids of the samples of a prompt that the model drew or people gave, first ones first. */
export async function sampleIdsOf(db: Db, promptId: number, origin: 'model' | 'person'): Promise<number[]> {
  const rows = await db
    .select({ id: samples.id })
    .from(samples)
    .where(and(eq(samples.promptId, promptId), eq(samples.origin, origin)))
    .orderBy(asc(samples.round), asc(samples.index));
  return rows.map((row) => row.id);
}

/** The datasets that hold any of these examples, with the checkpoint that was trained on each, if one was. */
export async function datasetsWith(db: Db, exampleIds: number[]) {
  if (exampleIds.length === 0) return [];
  return db
    .select({
      datasetId: datasets.id,
      run: iterations.runId,
      iteration: iterations.index,
      exampleId: datasetExamples.exampleId,
      position: datasetExamples.position,
      replayed: datasetExamples.replayed,
      job: trainingJobs.remoteId,
      jobStatus: trainingJobs.status,
      checkpointId: checkpoints.id,
      decision: decisions.kind,
    })
    .from(datasetExamples)
    .innerJoin(datasets, eq(datasets.id, datasetExamples.datasetId))
    .innerJoin(iterations, eq(iterations.id, datasets.iterationId))
    .leftJoin(trainingJobs, eq(trainingJobs.datasetId, datasets.id))
    .leftJoin(checkpoints, eq(checkpoints.trainingJobId, trainingJobs.id))
    .leftJoin(decisions, eq(decisions.iterationId, iterations.id))
    .where(inArray(datasetExamples.exampleId, exampleIds))
    .orderBy(asc(datasets.id), asc(datasetExamples.position));
}

/** Which checkpoints wrote what the trained checkpoints of a run learnt from: replay reaches back within the run. */
async function teachings(db: Db, run: string): Promise<{ pupil: number; teacher: number }[]> {
  return db
    .selectDistinct({ pupil: checkpoints.id, teacher: writer })
    .from(checkpoints)
    .innerJoin(trainingJobs, eq(trainingJobs.id, checkpoints.trainingJobId))
    .innerJoin(datasetExamples, eq(datasetExamples.datasetId, trainingJobs.datasetId))
    .innerJoin(examples, eq(examples.id, datasetExamples.exampleId))
    .innerJoin(iterations, eq(iterations.id, examples.iterationId))
    .leftJoin(samples, eq(samples.id, examples.sampleId))
    .where(eq(checkpoints.runId, run));
}

/**
 * Checkpoints that hold none of these checkpoints' weights but were trained on what one of them wrote, and those
 * that follow from them.
 */
export async function taughtIds(db: Db, ids: number[]): Promise<number[]> {
  const reached = new Set(ids);
  const known = new Map<string, { pupil: number; teacher: number }[]>();
  for (let before = -1; before !== reached.size;) {
    before = reached.size;
    for (const { runId } of await runsOfCheckpoints(db, [...reached])) {
      if (!known.has(runId)) known.set(runId, await teachings(db, runId));
      for (const { pupil, teacher } of known.get(runId)!) if (reached.has(teacher)) reached.add(pupil);
    }
    for (const id of await descendantIds(db, [...reached])) reached.add(id);
  }
  for (const id of ids) reached.delete(id);
  return [...reached].toSorted((a, b) => a - b);
}

async function runsOfCheckpoints(db: Db, ids: number[]): Promise<{ runId: string }[]> {
  if (ids.length === 0) return [];
  return db
    .selectDistinct({ runId: checkpoints.runId })
    .from(checkpoints)
    .where(inArray(checkpoints.id, ids))
    .orderBy(asc(checkpoints.runId));
}

/** Checkpoints by what they are called: model name, fingerprint, folder of the adapter, or fine-tuning job. */
export async function checkpointsNamed(
  db: Db,
  name: { model: string } | { fingerprint: string } | { paths: string[] } | { jobs: string[] },
): Promise<Checkpoint[]> {
  const condition =
    'model' in name
      ? eq(checkpoints.model, name.model)
      : 'fingerprint' in name
        ? eq(checkpoints.fingerprint, name.fingerprint)
        : 'paths' in name
          ? inArray(sql`rtrim(${checkpoints.path}, '/')`, name.paths)
          : inArray(
              checkpoints.trainingJobId,
              db
                .select({ id: trainingJobs.id })
                .from(trainingJobs)
                .where(inArray(trainingJobs.remoteId, name.jobs)),
            );
  return db.select().from(checkpoints).where(condition).orderBy(asc(checkpoints.id));
}

export async function findPrompt(db: Db, id: number): Promise<typeof prompts.$inferSelect | undefined> {
  return db.query.prompts.findFirst({ where: eq(prompts.id, id) });
}

/** The sample behind an example, or the sample itself; undefined when there is none with this id. */
export async function sampleIdOf(
  db: Db,
  what: { kind: 'sample' | 'example'; id: number },
): Promise<number | undefined> {
  if (what.kind === 'sample') {
    return (await db.query.samples.findFirst({ where: eq(samples.id, what.id), columns: { id: true } }))?.id;
  }
  return (await db.query.examples.findFirst({ where: eq(examples.id, what.id) }))?.sampleId;
}
