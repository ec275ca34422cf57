/** What a run made of the problems that it drew: which of them trained, and which gate stopped the others. */
import { sql } from 'drizzle-orm';
import type { Db } from '../connect.ts';
import { datasetExamples, examples, iterations, prompts, samples, verdicts } from '../schema.ts';

export type DrawnProblem = {
  key: string;
  /** The example that it trained by, and the first iteration in which it did. */
  example: number | null;
  iteration: number | null;
  /** Is all that trained of it what people wrote, none of it what the model answered? */
  written: boolean;
  /** The gate that stopped most of its samples, where none of them trained. */
  stoppedBy: string | null;
};

export async function drawnProblems(db: Db, runId: string): Promise<DrawnProblem[]> {
  const { rows } = await db.execute<DrawnProblem>(sql`
    with drawn as (select p.id, p.key from ${prompts} p join ${iterations} i on i.id = p.iteration_id
        where i.run_id = ${runId} and p.purpose in ('learn', 'rehearse')),
      trained as (select d.key, min(e.id)::int as example, min(i.index)::int as iteration,
        bool_and(s.origin = 'person') as written from drawn d
        join ${examples} e on e.prompt_id = d.id join ${datasetExamples} m on m.example_id = e.id
        join ${samples} s on s.id = e.sample_id join ${iterations} i on i.id = e.iteration_id group by d.key),
      stops as (select distinct on (d.key) d.key, v.gate from drawn d join ${samples} s on s.prompt_id = d.id
        join ${verdicts} v on v.sample_id = s.id where v.outcome <> 'pass' and not v.advisory
        group by d.key, v.gate order by d.key, count(*) desc, v.gate)
    select distinct on (d.key) d.key, t.example, t.iteration, coalesce(t.written, false) as written,
        case when t.example is null then s.gate end as "stoppedBy"
      from drawn d left join trained t on t.key = d.key left join stops s on s.key = d.key order by d.key`);
  return rows;
}
