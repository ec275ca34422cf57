/** What came of a run: what a user is shown, and beside it what only the gallery knows, the truth. */
import { sql, type SQL } from 'drizzle-orm';
import { buildReport } from '../../../app/report/report.ts';
import { renderReport } from '../../../cli/render/report.ts';
import type { Report } from '../../../app/report/types.ts';
import { renderWhy } from '../../../cli/render/why.ts';
import { explain } from '../../../app/lineage/why.ts';
import type { Db } from '../../../db/connect.ts';
import { truthOf } from './world.ts';

export type Evidence = {
  report: Report;
  /** The report as the terminal shows it, on one line. */
  shown: string;
  /** Examples that passed the gates and are wrong, and all of them. */
  accepted: { wrong: number; total: number };
  /** Different examples that a fine-tuning job was given. */
  trained: { wrong: number; total: number };
  /** Fine-tuning jobs that the trainer ended with success. */
  jobs: number;
  /** Held-out answers that candidates were asked for. */
  measured: number;
  promotions: number;
  /** What required gates said of wrong samples that they did not pass. */
  verdicts: { sampleId: number; gate: string; reason: string }[];
  /** Target items that best and candidate of the first iteration both were asked. */
  items: { best: boolean; candidate: boolean; refused: boolean }[];
  /** By iteration: the one that trained the checkpoint which generated, 0 for the base. */
  generators: { iteration: number; trainedIn: number }[];
  /** What `ratchet why sample:ID` shows, on one line. */
  why(sampleId: number): Promise<string>;
};

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ');

export async function gather(db: Db, runId: string): Promise<Evidence> {
  const report = await buildReport(db, runId);
  const examples = await rows<{ answer: string; prompt: string; trained: boolean }>(
    db,
    sql`select e.answer, p.text as prompt, exists (select 1 from dataset_examples d
          join training_jobs j on j.dataset_id = d.dataset_id where d.example_id = e.id) as trained
        from examples e join prompts p on p.id = e.prompt_id where e.run_id = ${runId}`,
  );
  const count = (some: typeof examples) => ({
    wrong: some.filter(({ answer, prompt }) => answer !== truthOf(prompt)).length,
    total: some.length,
  });
  const [numbers] = await rows<{ jobs: number; measured: number }>(
    db,
    sql`select
      (select count(*)::int from training_jobs j join datasets d on d.id = j.dataset_id
        join iterations i on i.id = d.iteration_id where i.run_id = ${runId} and j.status = 'succeeded') as jobs,
      (select count(*)::int from evaluation_items x join evaluations e on e.id = x.evaluation_id
        join checkpoints c on c.id = e.checkpoint_id
        where c.run_id = ${runId} and c.iteration_index > 0 and e.benchmark <> 'final') as measured`,
  );
  const verdicts = await rows<Evidence['verdicts'][number] & { answer: string | null; prompt: string }>(
    db,
    sql`select s.id as "sampleId", v.gate, v.reason, s.answer, p.text as prompt from verdicts v
        join samples s on s.id = v.sample_id join prompts p on p.id = s.prompt_id
        join iterations i on i.id = p.iteration_id
        where i.run_id = ${runId} and s.origin = 'model' and not v.advisory and v.outcome <> 'pass' order by 1, 2`,
  );
  const items = await rows<Evidence['items'][number]>(
    db,
    sql`select b.correct as best, x.correct as candidate, m.error is not null as refused
        from checkpoints c join evaluations e on e.checkpoint_id = c.id and e.benchmark = 'target'
        join evaluation_items x on x.evaluation_id = e.id join model_calls m on m.id = x.call_id
        join evaluations f on f.checkpoint_id = c.parent_id and f.benchmark = 'target'
        join evaluation_items b on b.evaluation_id = f.id and b.item_id = x.item_id
        where c.run_id = ${runId} and c.iteration_index = 1`,
  );
  const generators = await rows<Evidence['generators'][number]>(
    db,
    sql`select i.index as iteration, c.iteration_index as "trainedIn" from iterations i
        join checkpoints c on c.id = i.checkpoint_id where i.run_id = ${runId} order by 1`,
  );
  return {
    report,
    shown: oneLine(renderReport(report)),
    accepted: count(examples),
    trained: count(examples.filter(({ trained }) => trained)),
    ...numbers!,
    promotions: report.totals.promotions,
    verdicts: verdicts.filter(({ answer, prompt }) => answer !== truthOf(prompt)),
    items,
    generators,
    async why(sampleId) {
      const why = await explain(db, { kind: 'sample', id: sampleId }, { count: 0, from: 0, verify: false });
      return oneLine(renderWhy(why, false));
    },
  };
}

async function rows<T>(db: Db, query: SQL): Promise<T[]> {
  return (await db.execute(query)).rows as T[];
}
