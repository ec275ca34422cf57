/**
 * Which likeness finds the better neighbours for memory: words with their numbers left out (loop/memory.ts) or PostgreSQL's trigrams
 * (pg_trgm), the text as it is and with its numbers left out. A good neighbour of a word problem (SVAMP) needs the same calculation, one of
 * a sum has as many digits. Near copies are left out, as memory does. docs/decisions.md quotes it.
 *
 *   npx node bench/neighbours.ts [--queries 300] [--pool 300] [--most 3]
 *
 * DATABASE_URL names a PostgreSQL server; without it one is started.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { sql } from 'drizzle-orm';
import { createLeakIndex } from '../loop/leaks.ts';
import { likeness } from '../loop/memory.ts';
import { percent } from '../process/text.ts';
import { loadTask } from '../tasks/index.ts';
import { createTestDatabase } from '../tests/support/database.ts';

const { values: options } = parseArgs({
  options: {
    queries: { type: 'string', default: '300' },
    pool: { type: 'string', default: '300' },
    most: { type: 'string', default: '3' },
  },
});
const [queries, pool, most] = [options.queries, options.pool, options.most].map(Number) as [
  number,
  number,
  number,
];

type Problem = { text: string; level: number | null; kind: string };

/** A calculation without its numbers: `( # + # ) - #`. */
const shapeOf = (equation: string): string => equation.replaceAll(/\d+(?:\.\d+)?/g, '#');

function wordProblems(): Problem[] {
  const file = new URL('../examples/svamp/SVAMP.json', import.meta.url);
  const rows = JSON.parse(readFileSync(file, 'utf8')) as Record<'Body' | 'Question' | 'Equation', string>[];
  return rows.map(({ Body, Question, Equation }) => {
    return { text: `${Body}. ${Question}`, level: null, kind: shapeOf(Equation) };
  });
}

async function sums(count: number): Promise<Problem[]> {
  const task = loadTask({ kind: 'arithmetic' });
  const drawn: Problem[] = [];
  for await (const { text, level = 0 } of task.prompts({
    seed: 1,
    count,
    levels: task.levels!.all,
    exclude: () => false,
  }))
    drawn.push({ text, level, kind: String(level) });
  return drawn;
}

/** The same order on every machine, and no two neighbours of a file side by side. */
const spread = <T>(all: readonly T[]): T[] => all.map((_, i) => all[(i * 379) % all.length]!);

const { db, drop } = await createTestDatabase();
await db.execute(sql`create extension pg_trgm`);

const masked = (text: string) => text.replaceAll(/\d+(?:\.\d+)?/g, '#');

async function trigrams(query: string, texts: string[]): Promise<number[]> {
  const { rows } = await db.execute<{ near: number }>(
    sql`select similarity(${query}, t)::float8 as near from unnest(${sql.param(texts)}::text[]) with ordinality as u(t, i) order by i`,
  );
  return rows.map(({ near }) => near);
}

const ways: Record<string, (query: Problem, known: Problem[]) => Promise<number[]> | number[]> = {
  'words, numbers left out': (query, known) => known.map(({ text }) => likeness(text, query.text)),
  pg_trgm: (query, known) =>
    trigrams(
      query.text,
      known.map(({ text }) => text),
    ),
  'pg_trgm, numbers left out': (query, known) =>
    trigrams(
      masked(query.text),
      known.map(({ text }) => masked(text)),
    ),
  any: (_, known) => known.map(() => 0),
};

for (const [name, all] of [
  ['word problems', wordProblems()],
  ['sums', await sums(queries + pool)],
] as const) {
  const mixed = spread(all);
  const asked = mixed.slice(0, queries);
  const known = mixed.slice(queries, queries + pool);
  for (const [way, nearOf] of Object.entries(ways)) {
    let [good, found] = [0, 0];
    for (const query of asked) {
      const near = await nearOf(query, known);
      const copies = createLeakIndex([{ benchmark: 'query', key: '', text: query.text }], 0.8);
      const away = ({ level }: Problem) => Math.abs((level ?? 0) - (query.level ?? 0));
      const chosen = known
        .map((one, i) => ({ one, near: near[i]! }))
        .toSorted((a, b) => b.near - a.near || (way === 'any' ? 0 : away(a.one) - away(b.one)))
        .filter(({ one }) => copies.find({ text: one.text }) === undefined)
        .slice(0, most);
      good += chosen.filter(({ one }) => one.kind === query.kind).length;
      found += chosen.length;
    }
    console.log(`${name}: ${way}: ${percent(good / found)} of ${found}`);
  }
}
await drop();
