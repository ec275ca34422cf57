/** Read-only queries behind `watch`: where a run stands now. Asked about twice a second, so they stay cheap. */
import { and, asc, desc, eq, sql } from 'drizzle-orm';
import type { Db } from '../connect.ts';
import { drawn } from './samples.ts';
import { datasets, iterations, trainingJobs } from '../schema.ts';

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
