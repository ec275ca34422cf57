/**
 * Samples as pages look at them: a page at a time in the order of their prompts, texts cut in the database. They are the model's
 * alone.
 */
import type { CritiqueOutcome } from '../../loop/words.ts';
import { sql, type SQL } from 'drizzle-orm';
import type { Db } from '../connect.ts';
import { drawn } from './samples.ts';

export const OUTCOMES = ['pass', 'fail', 'unscored'] as const;
type Outcome = (typeof OUTCOMES)[number];

export type SampleFilter = {
  gate?: string;
  outcome?: Outcome;
  /** `trained`: it stands in a dataset; `out`: no example was made of it. */
  became?: 'example' | 'trained' | 'out';
  /** Against the vote over its prompt; `none`: no answer could be read. */
  answer?: 'agrees' | 'differs' | 'none';
  purpose?: 'learn' | 'rehearse';
  /** Part of the prompt. */
  prompt?: string;
};

/** Place of a sample in its iteration. */
export type SampleCursor = { position: number; round: number; index: number };

export type SampleRow = SampleCursor & {
  id: number;
  promptId: number;
  prompt: string;
  purpose: 'learn' | 'rehearse';
  rewrite: string;
  answer: string | null;
  voted: string | null;
  agrees: boolean | null;
  beginning: string;
  length: number;
  passed: number;
  /** Required gates only: an advisory one keeps nothing out. */
  failed: string[] | null;
  unscored: string[] | null;
  example: string | null;
};

const TEXT = 160;
/** `%` and `_` stand for themselves. */
const like = (text: string) => `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`;

function conditions(filter: SampleFilter): SQL[] {
  const wanted: SQL[] = [];
  const { gate, outcome, became, answer, purpose, prompt } = filter;
  if (gate !== undefined || outcome !== undefined) {
    wanted.push(sql`exists (select 1 from verdicts w where w.sample_id = s.id
      ${gate === undefined ? sql`` : sql`and w.gate = ${gate}`}
      ${outcome === undefined ? sql`` : sql`and w.outcome = ${outcome}`})`);
  }
  if (became === 'example') wanted.push(sql`exists (select 1 from examples e where e.sample_id = s.id)`);
  if (became === 'out') wanted.push(sql`not exists (select 1 from examples e where e.sample_id = s.id)`);
  if (became === 'trained')
    wanted.push(sql`exists (select 1 from examples e join dataset_examples d on d.example_id = e.id
      where e.sample_id = s.id)`);
  if (answer === 'none') wanted.push(sql`s.answer is null`);
  if (answer === 'agrees') wanted.push(sql`s.answer = o.answer`);
  if (answer === 'differs') wanted.push(sql`s.answer is distinct from o.answer and s.answer is not null`);
  if (purpose) wanted.push(sql`p.purpose = ${purpose}`);
  if (prompt) wanted.push(sql`p.text ilike ${like(prompt)}`);
  return wanted;
}

/**
 * A page of an iteration's samples by prompt, round and index. A tie has no voted answer: nothing agrees with it.
 *
 * @param after the last sample of the page before
 */
export async function samplesPage(
  db: Db,
  iterationId: number,
  filter: SampleFilter,
  size: number,
  after?: SampleCursor,
): Promise<{ rows: SampleRow[]; next: SampleCursor | null }> {
  const from = after
    ? sql`and p.position >= ${after.position}
      and (p.position, s.round, s.index) > (${after.position}, ${after.round}, ${after.index})`
    : sql``;
  const narrowed = conditions(filter).map((one) => sql` and ${one}`);
  // The verdicts are read of one page only, once it is chosen.
  const { rows } = await db.execute<SampleRow>(sql`
    with page as (
      select s.id, s.prompt_id, p.position, s.round, s.index, p.text, p.purpose, s.rewrite, s.answer, o.answer as voted, s.rationale
      from prompts p
      join samples s on s.prompt_id = p.id and ${drawn('s')}
      left join votes o on o.prompt_id = p.id
      where p.iteration_id = ${iterationId} ${from} ${sql.join(narrowed)}
      order by p.position, s.round, s.index
      limit ${size + 1})
    select page.id::float8 as id, page.prompt_id::float8 as "promptId", page.position, page.round, page.index,
      left(page.text, ${TEXT}) as prompt, page.purpose, page.rewrite, left(page.answer, ${TEXT}) as answer,
      left(page.voted, ${TEXT}) as voted, page.answer = page.voted as agrees,
      left(page.rationale, ${TEXT}) as beginning, length(page.rationale) as length,
      (select count(*) from verdicts w where w.sample_id = page.id and w.outcome = 'pass')::int as passed,
      (select array_agg(w.gate order by w.gate) from verdicts w where w.sample_id = page.id and w.outcome = 'fail' and not w.advisory) as failed,
      (select array_agg(w.gate order by w.gate) from verdicts w where w.sample_id = page.id and w.outcome = 'unscored' and not w.advisory) as unscored,
      (select e.kind from examples e where e.sample_id = page.id limit 1) as example
    from page order by page.position, page.round, page.index`);
  const page = rows.slice(0, size);
  const last = page.at(-1);
  return {
    rows: page,
    next:
      rows.length > size && last ? { position: last.position, round: last.round, index: last.index } : null,
  };
}

export type GateRow = { gate: string; advisory: boolean; pass: number; fail: number; unscored: number };

/** Verdicts on an iteration's samples of unlabeled prompts, by gate. Reads them all: keep the answer of a stage that is done. */
export async function gateTable(db: Db, iterationId: number): Promise<GateRow[]> {
  const { rows } = await db.execute<GateRow>(sql`
    select w.gate, bool_and(w.advisory) as advisory,
      (count(*) filter (where w.outcome = 'pass'))::int as pass,
      (count(*) filter (where w.outcome = 'fail'))::int as fail,
      (count(*) filter (where w.outcome = 'unscored'))::int as unscored
    from prompts p
    join samples s on s.prompt_id = p.id and ${drawn('s')}
    join verdicts w on w.sample_id = s.id
    where p.iteration_id = ${iterationId} and p.purpose = 'learn'
    group by w.gate order by w.gate`);
  return rows;
}

export type SiblingRow = {
  id: number;
  round: number;
  index: number;
  rewrite: string;
  strategy: string;
  request: string;
  rationale: string;
  length: number;
  answer: string | null;
  agrees: boolean | null;
  finishReason: string;
  failed: string[] | null;
  unscored: string[] | null;
  judged: boolean;
  example: string | null;
};

/** All samples of a prompt, first ones first, their texts cut. */
export async function siblings(
  db: Db,
  promptId: number,
  characters: number,
  most: number,
): Promise<SiblingRow[]> {
  const { rows } = await db.execute<SiblingRow>(sql`
    select s.id::float8 as id, s.round, s.index, s.rewrite, s.strategy, left(s.request, ${TEXT}) as request,
      left(s.rationale, ${characters}) as rationale, length(s.rationale) as length, left(s.answer, ${TEXT}) as answer,
      s.answer = o.answer as agrees, s.finish_reason as "finishReason",
      (select array_agg(w.gate order by w.gate) from verdicts w
        where w.sample_id = s.id and w.outcome = 'fail' and not w.advisory) as failed,
      (select array_agg(w.gate order by w.gate) from verdicts w
        where w.sample_id = s.id and w.outcome = 'unscored' and not w.advisory) as unscored,
      exists (select 1 from verdicts w where w.sample_id = s.id) as judged,
      (select e.kind from examples e where e.sample_id = s.id limit 1) as example
    from samples s left join votes o on o.prompt_id = s.prompt_id
    where s.prompt_id = ${promptId} and ${drawn('s')} order by s.round, s.index limit ${most}`);
  return rows;
}

export type CritiqueRow = {
  id: number;
  critic: string;
  outcome: CritiqueOutcome;
  score: number | null;
  reason: string;
  reply: string;
  length: number;
};

/** What critics said of a sample, their replies cut. */
export async function critiquesOf(db: Db, sampleId: number, characters: number): Promise<CritiqueRow[]> {
  const { rows } = await db.execute<CritiqueRow>(sql`
    select id::float8 as id, critic, outcome, score, reason, left(reply, ${characters}) as reply, length(reply) as length
    from critiques where sample_id = ${sampleId} order by critic`);
  return rows;
}

/** A stretch of a stored text, counted in characters from 0, and its whole length; undefined where there is no such text. */
export async function textPage(
  db: Db,
  what: { sample: number; field: 'rationale' | 'request' | 'prompt' } | { critique: number },
  from: number,
  count: number,
): Promise<{ text: string; length: number; sample: number } | undefined> {
  const stretch = (column: SQL, sample: SQL) =>
    sql`select substr(${column}, ${from + 1}, ${count}) as text, length(${column}) as length, ${sample}::float8 as sample`;
  const query =
    'critique' in what
      ? sql`${stretch(sql`c.reply`, sql`c.sample_id`)} from critiques c where c.id = ${what.critique}`
      : what.field === 'prompt'
        ? sql`${stretch(sql`p.text`, sql`s.id`)} from prompts p join samples s on s.prompt_id = p.id where s.id = ${what.sample}`
        : sql`${stretch(what.field === 'request' ? sql`s.request` : sql`s.rationale`, sql`s.id`)}
          from samples s where s.id = ${what.sample}`;
  return (await db.execute<{ text: string; length: number; sample: number }>(query)).rows[0];
}
