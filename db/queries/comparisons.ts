/**
 * Two checkpoints on the held-out problems that both answered. In one run these are the same rows; across runs the same problem
 * with the same answer in a benchmark of the same name and role. Pages follow the primary key of the first one's answers.
 */
import type { BenchmarkRole } from '../../loop/words.ts';
import { sql, type SQL } from 'drizzle-orm';
import type { Checkpoint } from './runs.ts';
import type { Db } from '../connect.ts';

/** Finished measurements of two checkpoints on one benchmark. */
export type Measured = {
  benchmark: string;
  role: BenchmarkRole;
  /** Evaluations, and the number of items each was asked. */
  a: number;
  b: number;
  totalA: number;
  totalB: number;
  runA: string;
  runB: string;
};

const ROLES: BenchmarkRole[] = ['target', 'guard', 'final'];

/** The benchmarks that both were measured on, target first. */
export async function measuredOnBoth(
  db: Db,
  a: Pick<Checkpoint, 'id' | 'runId'>,
  b: Pick<Checkpoint, 'id' | 'runId'>,
): Promise<Measured[]> {
  const { rows } = await db.execute<Measured>(sql`
    select x.benchmark, x.id::float8 as a, y.id::float8 as b, x.total as "totalA", y.total as "totalB",
      ${a.runId}::text as "runA", ${b.runId}::text as "runB",
      (select i.role from benchmark_items i where i.run_id = ${a.runId} and i.benchmark = x.benchmark limit 1) as role
    from evaluations x join evaluations y on y.benchmark = x.benchmark and y.checkpoint_id = ${b.id}
    where x.checkpoint_id = ${a.id} and x.finished_at is not null and y.finished_at is not null
    order by x.benchmark`);
  return rows
    .filter((row) => ROLES.includes(row.role))
    .toSorted((one, other) => ROLES.indexOf(one.role) - ROLES.indexOf(other.role));
}

/** `x` and `y` are the two answers, `i` the item of the first one's run. */
const both = ({ a, b, runA, runB }: Measured): SQL =>
  runA === runB
    ? sql`evaluation_items x join evaluation_items y on y.evaluation_id = ${b} and y.item_id = x.item_id
        join benchmark_items i on i.id = x.item_id where x.evaluation_id = ${a}`
    : sql`evaluation_items x join benchmark_items i on i.id = x.item_id
        join lateral (select o.* from benchmark_items j join evaluation_items o on o.evaluation_id = ${b} and o.item_id = j.id
          where j.run_id = ${runB} and j.key = i.key and j.benchmark = i.benchmark and j.role = i.role and j.answer = i.answer
          order by j.id limit 1) y on true
        where x.evaluation_id = ${a}`;

export const OUTCOMES = ['fixed', 'broken', 'wrong', 'right'] as const;
/** Only the second is right; only the first; neither; both. */
export type Outcome = (typeof OUTCOMES)[number];

const CONDITIONS: Record<Outcome, SQL> = {
  fixed: sql`not x.correct and y.correct`,
  broken: sql`x.correct and not y.correct`,
  wrong: sql`not x.correct and not y.correct`,
  right: sql`x.correct and y.correct`,
};

/** Items by outcome. */
export type Counts = Record<Outcome, number>;
export type GroupCounts = Counts & { group: string | null };

/** Counts of one benchmark by group (level), in the groups' order. */
export async function outcomeCounts(db: Db, measured: Measured): Promise<GroupCounts[]> {
  const count = (outcome: Outcome) => sql`count(*) filter (where ${CONDITIONS[outcome]})::int`;
  const { rows } = await db.execute<GroupCounts>(sql`
    select i."group", ${count('fixed')} as fixed, ${count('broken')} as broken, ${count('wrong')} as wrong,
      ${count('right')} as right
    from ${both(measured)} group by i."group" order by min(i.position)`);
  return rows;
}

/** One problem with both answers; texts are cut to what a page shows, `length…` tells of how much. */
export type ComparedItem = {
  id: number;
  position: number;
  group: string | null;
  text: string;
  lengthText: number;
  answer: string;
  answerA: string | null;
  answerB: string | null;
  correctA: boolean;
  correctB: boolean;
  rationaleA: string;
  rationaleB: string;
  lengthA: number;
  lengthB: number;
};

const columns = (
  from: number,
  most: number,
) => sql`x.item_id::float8 as id, i.position, i."group", substr(i.text, 1, ${most}) as text,
  length(i.text) as "lengthText", i.answer,
  x.answer as "answerA", y.answer as "answerB", x.correct as "correctA", y.correct as "correctB",
  substr(x.rationale, ${from + 1}, ${most}) as "rationaleA", length(x.rationale) as "lengthA",
  substr(y.rationale, ${from + 1}, ${most}) as "rationaleB", length(y.rationale) as "lengthB"`;

/** @param options.outcome `changed`: fixed or broken
 * @param options.after id of the last item of the page before; `next` is null on the last page */
export async function comparedItems(
  db: Db,
  measured: Measured,
  options: { outcome?: Outcome | 'changed'; after?: number; size: number; characters: number },
): Promise<{ items: ComparedItem[]; next: number | null }> {
  const { outcome, after = 0, size, characters } = options;
  const { rows } = await db.execute<ComparedItem>(sql`
    select ${columns(0, characters)} from ${both(measured)} and x.item_id > ${after}
      ${outcome === 'changed' ? sql`and x.correct <> y.correct` : outcome ? sql`and ${CONDITIONS[outcome]}` : sql``}
    order by x.item_id limit ${size + 1}`);
  const items = rows.slice(0, size);
  return { items, next: rows.length > size ? items.at(-1)!.id : null };
}

/** One item, with a part of both rationales. */
export async function comparedItem(
  db: Db,
  measured: Measured,
  id: number,
  from: number,
  characters: number,
): Promise<ComparedItem | undefined> {
  const { rows } = await db.execute<ComparedItem>(sql`
    select ${columns(from, characters)} from ${both(measured)} and x.item_id = ${id}`);
  return rows[0];
}
