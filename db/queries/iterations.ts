/** Iterations and their stages. What `watch` asks about twice a second stays cheap. */
import type { StageName } from '../../loop/words.ts';
import { and, asc, desc, eq, sql } from 'drizzle-orm';
import type { Db } from '../connect.ts';
import { type IterationPlan, datasets, iterations, stages, trainingJobs } from '../schema.ts';
import { drawn } from './samples.ts';

export type Iteration = typeof iterations.$inferSelect;
export type Stage = typeof stages.$inferSelect;
export type StageOutput = NonNullable<Stage['output']>;

/** @throws Error when there is no such iteration. */
export async function getIteration(db: Db, id: number): Promise<Iteration> {
  const iteration = await db.query.iterations.findFirst({ where: eq(iterations.id, id) });
  if (!iteration) throw new Error(`There is no iteration ${id}.`);
  return iteration;
}

export async function findIteration(db: Db, runId: string, index: number): Promise<Iteration | undefined> {
  return db.query.iterations.findFirst({
    where: and(eq(iterations.runId, runId), eq(iterations.index, index)),
  });
}

/** Adds an iteration; one that exists keeps the plan that it was begun with. */
export async function addIteration(
  db: Db,
  values: { runId: string; index: number; checkpointId: number; plan: IterationPlan },
): Promise<Iteration> {
  const [inserted] = await db.insert(iterations).values(values).onConflictDoNothing().returning();
  return inserted ?? (await findIteration(db, values.runId, values.index))!;
}

export async function finishIteration(db: Db, id: number): Promise<void> {
  await db
    .update(iterations)
    .set({ finishedAt: sql`coalesce(${iterations.finishedAt}, now())` })
    .where(eq(iterations.id, id));
}

/** Marks a stage as running, unless it is done: a stage that is done is never redone. Returns its row. */
export async function openStage(db: Db, iterationId: number, name: StageName): Promise<Stage> {
  const values = { iterationId, name, status: 'running' as const, attempts: 1, startedAt: new Date() };
  const [opened] = await db
    .insert(stages)
    .values(values)
    .onConflictDoUpdate({
      target: [stages.iterationId, stages.name],
      set: { status: 'running', attempts: sql`${stages.attempts} + 1`, error: null },
      setWhere: sql`${stages.status} <> 'done'`,
    })
    .returning();
  return opened ?? (await findStage(db, iterationId, name))!;
}

export async function findStage(db: Db, iterationId: number, name: StageName): Promise<Stage | undefined> {
  return db.query.stages.findFirst({
    where: and(eq(stages.iterationId, iterationId), eq(stages.name, name)),
  });
}

export async function listStages(db: Db, iterationId: number): Promise<Stage[]> {
  return db.query.stages.findMany({ where: eq(stages.iterationId, iterationId) });
}

/** Changes a stage's row; with `only` just while the stage runs. */
async function changeStage(
  db: Db,
  iterationId: number,
  name: StageName,
  set: Partial<Omit<Stage, 'iterationId' | 'name'>>,
  only?: 'running',
): Promise<void> {
  const its = and(eq(stages.iterationId, iterationId), eq(stages.name, name));
  await db
    .update(stages)
    .set(set)
    .where(only ? and(its, eq(stages.status, only)) : its);
}

export const setStageTotal = (db: Db, iterationId: number, name: StageName, total: number) =>
  changeStage(db, iterationId, name, { total });

/** Notes a running stage's progress, for those who watch (training steps are not rows of their own). */
export const setStageProgress = (db: Db, iterationId: number, name: StageName, output: StageOutput) =>
  changeStage(db, iterationId, name, { output }, 'running');

export const closeStage = (db: Db, iterationId: number, name: StageName, output: StageOutput) =>
  changeStage(db, iterationId, name, { status: 'done', output, error: null, finishedAt: new Date() });

export const failStage = (
  db: Db,
  iterationId: number,
  name: StageName,
  status: 'failed' | 'cancelled',
  error: string,
) => changeStage(db, iterationId, name, { status, error }, 'running');

/** The iteration that was begun last. */
export async function newestIteration(db: Db, runId: string) {
  const rows = await db
    .select()
    .from(iterations)
    .where(eq(iterations.runId, runId))
    .orderBy(desc(iterations.index))
    .limit(1);
  return rows[0];
}

export async function finishedIterations(db: Db, runId: string): Promise<number[]> {
  const rows = await db
    .select({ index: iterations.index })
    .from(iterations)
    .where(sql`${iterations.runId} = ${runId} and ${iterations.finishedAt} is not null`)
    .orderBy(asc(iterations.index));
  return rows.map((row) => row.index);
}

export type StoredCounts = {
  prompts: number;
  /** Prompts without a label, and their first samples: rehearsal prompts are not among them. */
  learnPrompts: number;
  learnSamples: number;
  samples: number;
  resampled: number;
  votes: number;
  critiques: number;
  judged: number;
};

/** What is stored of one iteration's pool so far. */
export async function storedCounts(db: Db, iterationId: number): Promise<StoredCounts> {
  const { rows } = await db.execute<StoredCounts>(sql`
    with pool as (select id, purpose from prompts where iteration_id = ${iterationId}),
      drawn as (select s.id, s.round, p.purpose from samples s join pool p on p.id = s.prompt_id
        where ${drawn('s')})
    select (select count(*) from pool)::int as prompts,
      (select count(*) from pool where purpose = 'learn')::int as "learnPrompts",
      (select count(*) from drawn where round = 1 and purpose = 'learn')::int as "learnSamples",
      (select count(*) from drawn where round = 1)::int as samples,
      (select count(*) from drawn where round > 1)::int as resampled,
      (select count(*) from votes v join pool p on p.id = v.prompt_id)::int as votes,
      (select count(distinct c.sample_id) from critiques c join drawn d on d.id = c.sample_id)::int as critiques,
      (select count(distinct v.sample_id) from verdicts v join drawn d on d.id = v.sample_id)::int as judged`);
  return rows[0]!;
}

/** The iteration's fine-tuning job, as long as nobody has seen its end. */
export async function openJob(db: Db, iterationId: number): Promise<{ remoteId: string } | undefined> {
  const rows = await db
    .select({ remoteId: trainingJobs.remoteId })
    .from(trainingJobs)
    .innerJoin(datasets, eq(datasets.id, trainingJobs.datasetId))
    .where(and(eq(datasets.iterationId, iterationId), eq(trainingJobs.status, 'running')));
  return rows[0];
}

/** Benchmark answers stored against those asked for: of one iteration, or of the run itself (null). */
export async function benchmarkProgress(db: Db, runId: string, iterationId: number | null) {
  const { rows } = await db.execute<{ done: number; total: number; unfinished: number }>(sql`
    select coalesce(sum(answered.n), 0)::int as done, coalesce(sum(e.total), 0)::int as total,
      count(*) filter (where e.finished_at is null)::int as unfinished
    from evaluations e
    join checkpoints c on c.id = e.checkpoint_id
    left join lateral (select count(*) as n from evaluation_items i where i.evaluation_id = e.id) answered on true
    where c.run_id = ${runId} and e.iteration_id is not distinct from ${iterationId}`);
  return rows[0]!;
}
