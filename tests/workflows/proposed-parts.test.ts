/** A task that can't say what the parts of its problems are: the model proposes them, and what holds of it is trained on. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { stringify } from 'yaml';
import { afterAll, expect, it } from 'vitest';
import { buildReport } from '../../app/report/report.ts';
import { treesOf, treeText } from '../../app/lineage/tree.ts';
import { treeTokens, usualTree } from '../../engine/ladder/forecast.ts';
import { improveInputSchema } from '../../loop/input.ts';
import { useLoop } from '../support/loop.ts';

const problem = (i: number) => {
  const [boxes, pens, away] = [3 + (i % 7), 4 + (i % 5), 2 + (i % 3)];
  const text = `Ann (${1000 + i}) has ${boxes} boxes of ${pens} pens and gives ${away} pens away. How many has she left?`;
  return { prompt: text, answer: String(boxes * pens - away) };
};

const work = (step: string, result: number) => `${step} = ${result}\n#### ${result}`;

/** Is lost where it is asked for the whole at once. Every fifth proposal has a number from nowhere, and every seventh is none. */
const loop = useLoop({
  baseModel: 'm',
  answer({ messages, seed }) {
    const asked = messages.at(-1)!.content;
    const numbers = [...asked.matchAll(/\d+/g)].map(Number);
    if (asked.startsWith('Split the problem')) {
      const text = asked.slice(asked.indexOf('Problem: ') + 'Problem: '.length);
      const [id, boxes, pens, away] = [...text.matchAll(/\d+/g)].map(Number) as [
        number,
        number,
        number,
        number,
      ];
      if (id % 7 === 0) return 'I would multiply and then subtract.';
      const stray = id % 5 === 0 ? '3. Ann has 99 pens and buys #2 more. How many has she?\n' : '';
      return `1. Ann has ${boxes} boxes of ${pens} pens. How many pens has she?\n2. Ann has #1 pens and gives ${away} pens away. How many has she left?\n${stray}`;
    }
    if (asked.includes('What is known already')) {
      const left = Number(/away\. How many has she left\? (-?\d+)\s*$/.exec(asked)?.[1]);
      return `With what is known, ${left} are left.\n#### ${left}`;
    }
    if (asked.includes('boxes') && !asked.includes('away'))
      return work(`${numbers[0]} * ${numbers[1]}`, numbers[0]! * numbers[1]!);
    if (!asked.includes('boxes')) return work(`${numbers[0]} - ${numbers[1]}`, numbers[0]! - numbers[1]!);
    return `I guess.\n#### ${seed % 97}`;
  },
});

const folder = mkdtempSync(join(tmpdir(), 'ratchet-proposed-parts-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('solves what the model can answer in parts alone, and counts what it proposed in vain', async () => {
  const rows = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => JSON.stringify(problem(from + i))).join('\n');
  writeFileSync(join(folder, 'prompts.jsonl'), rows(0, 40));
  writeFileSync(join(folder, 'held-out.jsonl'), rows(500, 20));
  const task = join(folder, 'task.yaml');
  writeFileSync(
    task,
    stringify({
      name: 'pens',
      prompts: { file: 'prompts.jsonl' },
      benchmarks: [{ name: 'target', role: 'target', file: 'held-out.jsonl' }],
      answer: { read: 'hash', compare: 'numeric' },
      maxTokens: 64,
    }),
  );
  const run = async (id: string, strategy: { ladder: { mode: 'on' | 'off'; parts?: 'model' } }) => {
    const handle = await loop.start(id, {
      ...loop.small(),
      task,
      pool: { prompts: 30, rehearsal: 0 },
      strategy,
    });
    await handle.result();
    return loop.rows<{
      prompt: number;
      text: string;
      answer: string;
      request: string;
      rationale: string;
    }>(sql`
      select p.id as prompt, p.text, s.answer, s.request, s.rationale from examples e join samples s on s.id = e.sample_id
      join prompts p on p.id = s.prompt_id join iterations i on i.id = p.iteration_id where i.run_id = ${id}`);
  };
  expect(await run('whole', { ladder: { mode: 'off' } })).toEqual([]);
  const trained = await run('parts', { ladder: { mode: 'on', parts: 'model' } });
  expect(trained.length).toBeGreaterThan(15);
  for (const { text, answer, request, rationale } of trained) {
    const [id] = text.match(/\d+/)!;
    expect(answer).toBe(problem(Number(id) - 1000).answer);
    expect(Number(id) % 7).not.toBe(0);
    expect(request).toBe(text);
    expect(rationale).toMatch(/^With what is known, \d+ are left\./);
  }
  const { trees } = await buildReport(loop.database.db, 'parts');
  expect(trees).toHaveLength(1);
  const { proposed, solved, trees: count } = trees![0]!;
  expect(count).toBe(30);
  expect(proposed!.proposals).toBe(30);
  expect(proposed!.usable).toBe(solved);
  expect(proposed!.questions).toBe(2 * solved);
  expect(proposed!.dropped).toBeGreaterThan(0);
  const text = treeText(
    (await treesOf(loop.database.db, [Number(trained[0]!.prompt)])).get(Number(trained[0]!.prompt))!,
  );
  expect(text).toMatch(/\n {2}1 parts that the model proposes: 2/);

  // What the next iteration's forecast takes a tree for is what it took here, with all its parts.
  const spent = await loop.rows<{ prompt: number; completion: number }>(sql`
    select sum(prompt_tokens)::float8 as prompt, sum(completion_tokens)::float8 as completion
    from model_calls where run_id = 'parts' and error is null and stage not in ('benchmark', 'evaluate')`);
  const settings = improveInputSchema.parse({ strategy: { ladder: { mode: 'on', parts: 'model' } } });
  const sample = { prompt: 7, completion: 5 };
  const db = loop.database.db;
  const each = await treeTokens(db, 'parts', settings, sample);
  // Beside the trees a few tokens went into drift and calibration.
  expect(each.prompt / (spent[0]!.prompt / 30)).toBeCloseTo(1, 1);
  expect(each.completion / (spent[0]!.completion / 30)).toBeCloseTo(1, 1);
  const unknown = await treeTokens(db, 'whole', settings, sample);
  expect(unknown).toEqual({ prompt: 7 * usualTree(settings), completion: 5 * usualTree(settings) });
}, 180_000);

it('is refused where nobody can say what the parts are', async () => {
  const handle = await loop.start('nobody', {
    ...loop.small(),
    task: join(folder, 'task.yaml'),
    strategy: { ladder: { mode: 'on' } },
  });
  await expect(handle.result()).rejects.toThrow();
  const [row] = await loop.rows<{ n: number }>(
    sql`select count(*)::int as n from iterations where run_id = 'nobody'`,
  );
  expect(row!.n).toBe(0);
}, 60_000);
