/**
 * Read-only queries behind the web page, each bounded by a page or by the number of iterations, never by that of samples:
 * what stages noted when they were done stands for the rows that they made.
 */
import type { BenchmarkRole, StageName, StageStatus } from '../../loop/words.ts';
import { and, asc, desc, eq, inArray, isNotNull, lt, or, sql } from 'drizzle-orm';
import type { Db } from '../connect.ts';
import type { StageOutput } from './iterations.ts';
import type { RunRow } from './report.ts';
import { checkpoints, evaluations, iterations, runs, stages } from '../schema.ts';

export type RunCursor = { at: string; id: string };

/**
 * Newest first. `next` is null on the last page.
 *
 * @param options.before the last run of the page before
 * @param options.task only runs of this task that have a checkpoint
 */
export async function runsPage(
  db: Db,
  size: number,
  { before, task }: { before?: RunCursor; task?: string } = {},
): Promise<{ runs: RunRow[]; next: RunCursor | null }> {
  const rows = await db
    .select()
    .from(runs)
    .where(
      and(
        task === undefined
          ? undefined
          : and(
              eq(runs.task, task),
              sql`exists (select 1 from ${checkpoints} where ${checkpoints.runId} = ${runs.id})`,
            ),
        before &&
          or(
            lt(runs.createdAt, new Date(before.at)),
            and(eq(runs.createdAt, new Date(before.at)), lt(runs.id, before.id)),
          ),
      ),
    )
    .orderBy(desc(runs.createdAt), desc(runs.id))
    .limit(size + 1);
  const page = rows.slice(0, size);
  const last = page.at(-1);
  return {
    runs: page,
    next: rows.length > size && last ? { at: last.createdAt.toISOString(), id: last.id } : null,
  };
}

export type EvaluationRow = {
  runId: string;
  checkpointId: number;
  benchmark: string;
  role: BenchmarkRole;
  correct: number;
  total: number;
};

/** Finished measurements of these runs' checkpoints, from the counts that were stored with them. */
export async function evaluationRows(db: Db, runIds: string[]): Promise<EvaluationRow[]> {
  if (runIds.length === 0) return [];
  return db
    .select({
      runId: checkpoints.runId,
      checkpointId: evaluations.checkpointId,
      benchmark: evaluations.benchmark,
      role: sql<BenchmarkRole>`(select b.role from benchmark_items b
        where b.run_id = ${checkpoints.runId} and b.benchmark = ${evaluations.benchmark} limit 1)`,
      correct: sql<number>`coalesce(${evaluations.correct}, 0)`,
      total: evaluations.total,
    })
    .from(evaluations)
    .innerJoin(checkpoints, eq(checkpoints.id, evaluations.checkpointId))
    .where(and(inArray(checkpoints.runId, runIds), isNotNull(evaluations.finishedAt)));
}

export type StageOverview = {
  runId: string;
  iterationId: number;
  index: number;
  name: StageName;
  status: StageStatus;
  attempts: number;
  total: number;
  output: StageOutput | null;
  error: string | null;
  startedAt: Date | null;
  finishedAt: Date | null;
};

/** Stages of these runs with what they noted. */
export async function stageOverview(db: Db, runIds: string[]): Promise<StageOverview[]> {
  if (runIds.length === 0) return [];
  return db
    .select({
      runId: iterations.runId,
      iterationId: stages.iterationId,
      index: iterations.index,
      name: stages.name,
      status: stages.status,
      attempts: stages.attempts,
      total: stages.total,
      output: stages.output,
      error: stages.error,
      startedAt: stages.startedAt,
      finishedAt: stages.finishedAt,
    })
    .from(stages)
    .innerJoin(iterations, eq(iterations.id, stages.iterationId))
    .where(inArray(iterations.runId, runIds))
    .orderBy(asc(iterations.index));
}

/** An iteration by its index, when it was finished and its samples were all judged, and the indices of those beside it. */
export async function findIteration(
  db: Db,
  runId: string,
  index: number,
): Promise<
  | {
      id: number;
      filtered: string | null;
      finished: string | null;
      before: number | null;
      after: number | null;
    }
  | undefined
> {
  const { rows } = await db.execute<{
    id: number;
    filtered: string | null;
    finished: string | null;
    before: number | null;
    after: number | null;
  }>(sql`select i.id::float8 as id, i.finished_at::text as finished,
      (select s.finished_at::text from stages s where s.iteration_id = i.id and s.name = 'filter' and s.status = 'done') as filtered,
      (select max(b.index) from iterations b where b.run_id = i.run_id and b.index < i.index) as before,
      (select min(a.index) from iterations a where a.run_id = i.run_id and a.index > i.index) as after
    from iterations i where i.run_id = ${runId} and i.index = ${index}`);
  return rows[0];
}

/** Changes whenever anything about a run does that a page shows; cheap enough to be asked for every second. */
export async function runVersion(db: Db, runId: string): Promise<string> {
  const { rows } = await db.execute<{ version: string | null }>(sql`
    with newest as (select id, xmin from iterations where run_id = ${runId} order by index desc limit 1)
    select concat_ws('/', (select r.xmin::text from runs r where r.id = ${runId}),
      (select id || ':' || xmin from newest),
      (select string_agg(s.name || s.xmin, ',' order by s.name) from stages s where s.iteration_id = (select id from newest)),
      (select max(m.id) from model_calls m where m.run_id = ${runId} and m.iteration_id = (select id from newest)),
      (select count(*) from evaluations e join checkpoints c on c.id = e.checkpoint_id where c.run_id = ${runId}),
      (select max(id) from messages where run_id = ${runId}),
      (select max(id) from adjustments where run_id = ${runId})) as version`);
  return rows[0]?.version ?? '';
}

/** Changes whenever the list of runs does. */
export async function runsVersion(db: Db): Promise<string> {
  const { rows } = await db.execute<{ version: string | null }>(sql`
    select concat_ws('/', (select count(*) || ':' || max(xmin::text::bigint) from runs),
      (select max(id) from iterations), (select max(id) from decisions), (select max(id) from checkpoints),
      (select max(started_at) from stages), (select max(finished_at) from stages),
      (select max(id) from serving_choices), (select count(*) from revocations)) as version`);
  return rows[0]?.version ?? '';
}
