/** A model that solves nothing but easy problems: it makes easier ones of the hard, the next iteration draws them, and learns. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { stringify } from 'yaml';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { explain } from '../../app/lineage/why.ts';
import { writePage } from '../../app/report/html/write.ts';
import { buildReport } from '../../app/report/report.ts';
import { renderReport } from '../../cli/render/report.ts';
import { renderWhy } from '../../cli/render/why.ts';
import type { ImproveInput } from '../../loop/input.ts';
import { saveHistory } from '../support/histories.ts';
import { useLoop } from '../support/loop.ts';
import { until } from '../support/wait.ts';
import { startSite } from '../web/site.ts';

const LIMIT = 50_000_000;
const product = (a: number) => `What is ${a} times ${a + 3}?`;

/** Right below 100 alone. Every fourth prompt's second variant is a held-out problem, every other's has a number too many. */
let dear = false;
const loop = useLoop({
  baseModel: 'm',
  fault: ({ messages }) => {
    if (!dear || !messages[0]!.content.startsWith('You write practice problems')) return undefined;
    const body = {
      id: 'dear',
      object: 'chat.completion',
      created: 0,
      model: 'm',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: product(7) },
          finish_reason: 'stop',
          logprobs: null,
        },
      ],
      usage: { prompt_tokens: 2 * LIMIT, completion_tokens: 1, total_tokens: 2 * LIMIT + 1 },
    };
    return { kind: 'reply', body };
  },
  answer({ messages, seed, body }) {
    const found = /What is (\d+) times/.exec(messages.at(-1)!.content);
    if (!found) return 'Hello.';
    const a = Number(found[1]);
    if (!messages[0]!.content.startsWith('You write practice problems')) {
      const said = a * (a + 3) + (a < 100 ? 0 : 1 + (seed % 1013));
      return `${a} * ${a + 3} = ${said}\n#### ${said}`;
    }
    if (seed === Number(body.seed)) return product(a - 90);
    return a % 4 === 0 ? product(500) : `${product(a - 90)} And times 2?`;
  },
});

const folder = mkdtempSync(join(tmpdir(), 'ratchet-variants-'));
const task = join(folder, 'task.yaml');
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeAll(() => {
  const rows = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => from + i)
      .map((a) => JSON.stringify({ prompt: product(a), answer: String(a * (a + 3)) }))
      .join('\n');
  writeFileSync(join(folder, 'prompts.jsonl'), rows(100, 60));
  writeFileSync(join(folder, 'held-out.jsonl'), rows(500, 20));
  writeFileSync(
    task,
    stringify({
      name: 'products',
      prompts: { file: 'prompts.jsonl' },
      benchmarks: [{ name: 'target', role: 'target', file: 'held-out.jsonl' }],
      answer: { read: 'hash', compare: 'numeric' },
      maxTokens: 64,
    }),
  );
});

const input = (changes: ImproveInput = {}): ImproveInput => ({
  ...loop.small(),
  task,
  iterations: 2,
  pool: { prompts: 12, rehearsal: 0 },
  stagnation: { steps: [] },
  drift: { prompts: 0 },
  ...changes,
});
const ON = { variants: { mode: 'on' as const, prompts: 8 } };

it('draws easier variants of what the iteration before could not settle, and learns from them', async () => {
  await loop.improve('easier', input({ strategy: ON }));
  const { db } = loop.database;
  const [filter] = await loop.rows<{ output: Record<string, unknown> }>(
    sql`select s.output from stages s join iterations i on i.id = s.iteration_id
      where i.run_id = 'easier' and i.index = 1 and s.name = 'filter'`,
  );
  expect(filter!.output).toMatchObject({ accepted: 0, variants: 16, usableVariants: 8 });

  const pool = await loop.rows<{
    text: string;
    sample: number | null;
    parent: number;
    parent_text: string;
  }>(sql`
    select p.text, e.sample_id as sample, v.prompt_id as parent, q.text as parent_text from prompts p
    join iterations i on i.id = p.iteration_id join variants v on v.id = p.variant_id join prompts q on q.id = v.prompt_id
    left join examples e on e.prompt_id = p.id where i.run_id = 'easier' and i.index = 2 order by p.position, e.id`);
  const drawn = new Set(pool.map(({ text }) => text));
  const accepted = pool.filter(({ sample }) => sample !== null);
  expect(drawn.size).toBe(6);
  expect(new Set(accepted.map(({ text }) => text))).toEqual(drawn);

  // Nobody would draw what the last iteration made.
  const { variants } = await buildReport(db, 'easier');
  const [held] = await loop.rows<{ n: number }>(
    sql`select count(*)::int as n from variants where outcome = 'held-out'`,
  );
  const dropped = { 'held-out': held!.n, 'not-easier': 8 - held!.n };
  expect(variants!.iterations).toMatchObject([
    { iteration: 1, parents: 8, made: 16, byModel: 16, usable: 8, dropped, drawn: 0, accepted: 0 },
    { iteration: 2, parents: 0, made: 0, usable: 0, drawn: 6, accepted: 6 },
  ]);
  expect(variants!.total).toMatchObject({ parents: 8, made: 16, usable: 8, drawn: 6, accepted: 6 });
  const sentence =
    'Of 16 easier variants of 8 prompts without a trusted vote 8 could be used. Later pools drew 6 of them, and of 6 something was accepted.';
  expect(renderReport(await buildReport(db, 'easier')).replaceAll(/\s+/g, ' ')).toContain(sentence);
  const file = join(folder, 'report.html');
  await writePage(db, 'easier', file);
  expect(readFileSync(file, 'utf8')).toContain(sentence);

  const { sample, parent, parent_text: parentText } = accepted[0]!;
  const options = { count: 1, from: 0, verify: false };
  const why = await explain(db, { kind: 'sample', id: Number(sample) }, options);
  const text = renderWhy(why, false).replaceAll(/\s+/g, ' ');
  expect(text).toContain(`variant of prompt:${parent}, iteration 1, by the model m: no level is known`);
  expect(text).toContain(parentText);
  const ofParent = await explain(db, { kind: 'prompt', id: Number(parent) }, options);
  expect(renderWhy(ofParent, false).replaceAll(/\s+/g, ' ')).toMatch(
    /easier ones What is \d+ times \d+\? \(by the model; usable: .*; drawn as prompt:\d+\)/,
  );
  const site = await startSite(db);
  try {
    const page = async (path: string) =>
      (await (await fetch(`${site.url}${path}`)).text()).replaceAll(/<[^>]+>/g, '');
    expect(await page(`/samples/${sample}`)).toContain(`An easier variant of prompt:${parent}, iteration 1`);
    expect(await page('/runs/easier')).toContain(sentence);
  } finally {
    await site.close();
  }
  await saveHistory(loop.temporal, 'easier/iteration-1', 'iteration-variants');
}, 180_000);

it('makes and asks for nothing where it is off', async () => {
  await loop.improve('plain', input());
  const [rows] = await loop.rows<{ made: number; drawn: number; calls: number }>(sql`
    select (select count(*) from variants v join iterations i on i.id = v.iteration_id where i.run_id = 'plain')::int as made,
      (select count(*) from prompts p join iterations i on i.id = p.iteration_id where i.run_id = 'plain' and p.variant_id is not null)::int as drawn,
      (select count(*) from model_calls where run_id = 'plain' and stage = 'variants')::int as calls`);
  expect(rows).toEqual({ made: 0, drawn: 0, calls: 0 });
  const { events } = await loop.temporal.client.workflow.getHandle('plain/iteration-1').fetchHistory();
  const scheduled = events!.flatMap(
    (one) => one.activityTaskScheduledEventAttributes?.activityType?.name ?? [],
  );
  expect(scheduled).toContain('filter');
  expect(scheduled).not.toContain('variantPage');
  expect((await buildReport(loop.database.db, 'plain')).variants).toBeNull();
}, 120_000);

it('ends where the budget does, and the iteration keeps what it has', async () => {
  dear = true;
  const variants = { ...ON.variants, prompts: 12, each: 1 };
  const handle = await loop.start(
    'dear',
    input({ strategy: { variants }, budget: { iteration: { tokens: LIMIT } } }),
  );
  const output = await until(
    'the filter to be done',
    async () => {
      const [row] = await loop.rows<{ output: Record<string, unknown> | null }>(
        sql`select s.output from stages s join iterations i on i.id = s.iteration_id
          where i.run_id = 'dear' and i.index = 1 and s.name = 'filter'`,
      );
      return row?.output ?? false;
    },
    90_000,
  );
  expect(output).toMatchObject({
    accepted: 0,
    variants: expect.any(Number),
    variantsStopped: expect.stringMatching(
      /^before variants\/1\/\d+: the iteration would reach [\d.]+ of 50000000 tokens/,
    ),
  });
  expect(output.variants).toBeGreaterThan(0);
  expect(output.variants).toBeLessThan(12);
  await handle.terminate();
}, 150_000);
