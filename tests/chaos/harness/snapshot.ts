/** What a run left in the database, without anything that may differ between runs with the same seed. */
import type { StageName, StageStatus } from '../../../loop/words.ts';
import { createHash } from 'node:crypto';
import { sql } from 'drizzle-orm';
import type { Db } from '../../../db/connect.ts';

/** The database, or a transaction of it. */
type Queries = Pick<Db, 'execute'>;

export type StageTimes = {
  index: number;
  name: StageName;
  status: StageStatus;
  startedMs: number;
  finishedMs: number;
};

export type Snapshot = {
  /** Accepted triples: prompt, rationale, answer, and which of the prompt's samples it is. */
  triples: unknown[];
  /** By iteration. */
  digests: unknown[];
  decisions: { index: number; kind: string; [column: string]: unknown }[];
  evaluations: unknown[];
  /** SHA-256 over all samples and over all benchmark answers, in order. */
  samples: string;
  answers: string;
  trainingJobs: number;
  checkpoints: number;
  work: { samples: number; resamples: number; answers: number };
  stages: StageTimes[];
};

async function digest(db: Queries, query: ReturnType<typeof sql>): Promise<{ rows: number; digest: string }> {
  const { rows } = await db.execute(query);
  return { rows: rows.length, digest: createHash('sha256').update(JSON.stringify(rows)).digest('hex') };
}

export async function takeSnapshot(db: Queries, runId: string): Promise<Snapshot> {
  const all = async <Row extends Record<string, unknown>>(query: ReturnType<typeof sql>) =>
    (await db.execute<Row>(query)).rows;
  const samplesOf = (rounds: ReturnType<typeof sql>) =>
    digest(
      db,
      sql`select i.index as iteration, p.position, p.key, s.round, s.index, s.rewrite, s.strategy, s.rationale, s.answer
        from samples s join prompts p on p.id = s.prompt_id join iterations i on i.id = p.iteration_id
        where i.run_id = ${runId} and ${rounds} order by i.index, p.position, s.round, s.index`,
    );
  const first = await samplesOf(sql`s.round = 1`);
  const second = await samplesOf(sql`s.round > 1`);
  const answers = (of: ReturnType<typeof sql>) =>
    digest(
      db,
      sql`select c.iteration_index, b.benchmark, b.position, a.rationale, a.answer, a.correct
        from evaluation_items a join evaluations e on e.id = a.evaluation_id
          join checkpoints c on c.id = e.checkpoint_id join benchmark_items b on b.id = a.item_id
        where c.run_id = ${runId} and ${of} order by 1, 2, 3`,
    );
  const [counts] = await all<{ jobs: number; checkpoints: number }>(sql`
    select (select count(*)::int from checkpoints where run_id = ${runId}) as checkpoints,
      (select count(*)::int from training_jobs j join datasets d on d.id = j.dataset_id
        join iterations i on i.id = d.iteration_id where i.run_id = ${runId}) as jobs`);
  return {
    triples: await all(sql`
      select i.index as iteration, p.key, p.text, p.purpose, e.kind, s.round, s.index, s.request, s.rationale, e.answer
      from examples e join samples s on s.id = e.sample_id join prompts p on p.id = e.prompt_id
        join iterations i on i.id = e.iteration_id
      where e.run_id = ${runId} order by i.index, p.position, s.round, s.index`),
    digests: await all(sql`
      select i.index as iteration, d.digest, d.examples, d.bytes
      from datasets d join iterations i on i.id = d.iteration_id where i.run_id = ${runId} order by 1`),
    decisions: await all(sql`
      select i.index, d.kind, d.numbers->'before' as before, d.numbers->'after' as after,
        d.numbers->'fixed' as fixed, d.numbers->'broken' as broken, d.candidate_id is not null as candidate
      from decisions d join iterations i on i.id = d.iteration_id where i.run_id = ${runId} order by 1, d.id`),
    evaluations: await all(sql`
      select c.iteration_index as checkpoint, e.benchmark, i.index as iteration, e.total, e.correct, e.unparsable
      from evaluations e join checkpoints c on c.id = e.checkpoint_id
        left join iterations i on i.id = e.iteration_id
      where c.run_id = ${runId} order by 1, 2`),
    samples: `${first.digest} ${second.digest}`,
    answers: (await answers(sql`true`)).digest,
    trainingJobs: counts!.jobs,
    checkpoints: counts!.checkpoints,
    work: {
      samples: first.rows,
      resamples: second.rows,
      answers: (await answers(sql`e.iteration_id is not null`)).rows,
    },
    stages: await all<StageTimes>(sql`
      select i.index, s.name, s.status, extract(epoch from s.started_at)::float8 * 1000 as "startedMs",
        extract(epoch from s.finished_at)::float8 * 1000 as "finishedMs"
      from stages s join iterations i on i.id = s.iteration_id where i.run_id = ${runId} order by s.started_at`),
  };
}
