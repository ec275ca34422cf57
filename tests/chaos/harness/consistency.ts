/** Is what a completed run left in the database of a piece? Each check counts rows that must not exist. */
import { sql } from 'drizzle-orm';
import type { Db } from '../../../db/connect.ts';

type Check = { what: string; wrong: (runId: string) => ReturnType<typeof sql> };

const iterationsOf = (runId: string) => sql`(select id from iterations where run_id = ${runId})`;
const promptsOf = (runId: string) =>
  sql`(select id from prompts where iteration_id in ${iterationsOf(runId)})`;

const CHECKS: Check[] = [
  {
    what: 'the run is not closed',
    wrong: (run) =>
      sql`select 1 from runs where id = ${run} and (status <> 'completed' or finished_at is null)`,
  },
  {
    what: 'an iteration is not finished, or lacks one of its seven stages or its decision',
    wrong: (run) => sql`select 1 from iterations i where run_id = ${run} and (finished_at is null
      or (select count(*) from stages where iteration_id = i.id) <> 7
      or (select count(*) from decisions where iteration_id = i.id) <> 1)`,
  },
  {
    what: 'a stage is not done',
    wrong: (run) => sql`select 1 from stages where iteration_id in ${iterationsOf(run)}
      and (status <> 'done' or finished_at is null or error is not null)`,
  },
  {
    what: 'a prompt lacks its vote',
    wrong: (run) =>
      sql`select 1 from ${promptsOf(run)} p where not exists (select 1 from votes where prompt_id = p.id)`,
  },
  {
    what: 'a vote was not taken over all K samples',
    wrong: (
      run,
    ) => sql`select 1 from votes v join prompts p on p.id = v.prompt_id join runs r on r.id = ${run}
      where p.id in ${promptsOf(run)} and (
        v.samples <> (select count(*) from samples where prompt_id = p.id and round = 1)
        or v.samples <> case p.purpose when 'rehearse' then least(4, (r.settings->'sampling'->>'samples')::int)
          else (r.settings->'sampling'->>'samples')::int end)`,
  },
  {
    what: "a sample's call is another run's, or failed",
    wrong: (run) => sql`select 1 from samples s join model_calls c on c.id = s.call_id
      where s.prompt_id in ${promptsOf(run)} and (c.run_id <> ${run} or c.error is not null)`,
  },
  {
    what: 'samples of one prompt come from different checkpoints',
    wrong: (run) => sql`select 1 from samples where prompt_id in ${promptsOf(run)}
      group by prompt_id having count(distinct checkpoint_id) > 1`,
  },
  {
    what: 'a judged sample lacks the verdict of a gate',
    wrong: (run) => sql`with judged as (select sample_id, count(*) as n from verdicts
        where sample_id in (select id from samples where prompt_id in ${promptsOf(run)}) group by 1)
      select 1 from judged where n <> (select max(n) from judged)`,
  },
  {
    what: 'a sample was not judged',
    wrong: (run) => sql`select 1 from samples s join prompts p on p.id = s.prompt_id
      where s.prompt_id in ${promptsOf(run)} and p.purpose <> 'calibrate'
      and not exists (select 1 from verdicts where sample_id = s.id)`,
  },
  {
    what: 'an example failed a required gate, or its prompt is not trusted, or its answer is not the vote',
    wrong: (run) => sql`select 1 from examples e left join votes v on v.prompt_id = e.prompt_id
      where e.run_id = ${run} and (v.trusted is not true or v.answer <> e.answer or exists (
        select 1 from verdicts d where d.sample_id = e.sample_id and not d.advisory and d.outcome <> 'pass'))`,
  },
  {
    what: 'a dataset holds what is no example of the run, or not as many as it says',
    wrong: (run) => sql`select 1 from datasets d where d.iteration_id in ${iterationsOf(run)} and (
        d.examples <> (select count(*) from dataset_examples where dataset_id = d.id)
        or exists (select 1 from dataset_examples m join examples e on e.id = m.example_id
          where m.dataset_id = d.id and (e.run_id <> ${run} or m.position not between 0 and d.examples - 1)))`,
  },
  {
    what: 'an evaluation is open, or its counts are not those of its items',
    wrong: (run) => sql`select 1 from evaluations e join checkpoints c on c.id = e.checkpoint_id
      where c.run_id = ${run} and (e.finished_at is null
        or e.total <> (select count(correct) from evaluation_items where evaluation_id = e.id)
        or e.correct <> (select count(*) from evaluation_items where evaluation_id = e.id and correct))`,
  },
  {
    what: 'a decision promotes what is not its candidate',
    wrong: (run) => sql`select 1 from decisions where iteration_id in ${iterationsOf(run)}
      and kind = 'promote' and best_id is distinct from candidate_id`,
  },
  {
    what: 'an adapter has no training job or an unknown parent',
    wrong: (run) => sql`select 1 from checkpoints c where run_id = ${run} and kind = 'adapter' and (
      not exists (select 1 from training_jobs where id = c.training_job_id)
      or not exists (select 1 from checkpoints where id = c.parent_id and run_id = ${run}))`,
  },
  {
    what: 'a prompt is a benchmark item',
    wrong: (run) => sql`select 1 from prompts p join benchmark_items b on b.key = p.key and b.run_id = ${run}
      where p.iteration_id in ${iterationsOf(run)}`,
  },
  {
    what: 'a reservation of a page was never given back',
    wrong: (run) => sql`select 1 from reservations where run_id = ${run}`,
  },
];

/** What is wrong with the rows of a completed run; nothing, it is hoped. */
export async function inconsistencies(db: Pick<Db, 'execute'>, runId: string): Promise<string[]> {
  const found: string[] = [];
  for (const { what, wrong } of CHECKS) {
    const { rows } = await db.execute(wrong(runId));
    if (rows.length > 0) found.push(`${what} (${rows.length} rows)`);
  }
  return found;
}
