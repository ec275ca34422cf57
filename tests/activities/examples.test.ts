/** Worked examples in samples alone: a model that needs them must be beaten in the form in which it can do most. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { afterAll, expect, it } from 'vitest';
import { buildReport } from '../../app/report/report.ts';
import { renderReport } from '../../cli/render/report.ts';
import { useLoop } from '../support/loop.ts';
import type { ScriptedRequest } from '../support/scripted-endpoint.ts';

const folder = mkdtempSync(join(tmpdir(), 'ratchet-shown-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SHOWN = 'How much is 1 plus 1?';
const question = (i: number) => `How much is ${i} plus ${2 * i + 3}?`;

/** The base needs to be shown the form; what was trained knows it, and is right as often as `learnt` says. */
let learnt = 0.5;
function answer({ messages, generation, temperature, seed }: ScriptedRequest): string {
  const [, a, b] = /is (\d+) plus (\d+)/.exec(messages.at(-1)!.content) ?? [];
  if (generation === 0 && messages.length === 1) return 'I would add them up.';
  const luck = ((Number(a) * 7919 + (temperature === 0 ? 0 : seed * 31)) % 1000) / 1000;
  const right = luck < (generation === 0 ? 0.5 : learnt);
  const sum = Number(a) + Number(b) + (right ? 0 : 1 + ((temperature === 0 ? 0 : seed) % 7));
  return `Together they are ${sum}.\n#### ${sum}`;
}

const loop = useLoop({ baseModel: 'small', answer });

function write(name: string, shown = SHOWN): string {
  const rows = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) =>
      JSON.stringify({ prompt: question(from + i), answer: String(3 * (from + i) + 3) }),
    ).join('\n');
  writeFileSync(join(folder, 'prompts.jsonl'), `${rows(500, 540)}\n${JSON.stringify({ prompt: SHOWN })}`);
  writeFileSync(join(folder, 'held-out.jsonl'), rows(700, 860));
  const path = join(folder, `${name}.yaml`);
  writeFileSync(
    path,
    `name: ${name}
prompts: { file: prompts.jsonl }
benchmarks:
  - { name: target, role: target, file: held-out.jsonl, rows: { to: 120 } }
  - { name: final, role: final, file: held-out.jsonl, rows: { from: 121 } }
answer: { read: hash, compare: numeric }
examples: [{ prompt: "${shown}", answer: "Together they are 2.\\n#### 2" }]
examplesIn: sampling
`,
  );
  return path;
}

const input = (name: string) =>
  loop.small({
    task: write(name),
    pool: { prompts: 41 },
    models: { generator: { baseURL: loop.endpoint.url, model: 'small' } },
  });

it('discards a candidate that beats the plain base but not the base with its worked examples', async () => {
  learnt = 0.5;
  const result = await loop.improve('weak', input('weak'));
  expect(result).toMatchObject({ promoted: 0 });
  const [decision] = await loop.rows<{ reason: string; numbers: Record<string, number> }>(
    sql`select reason, numbers from decisions d join iterations i on i.id = d.iteration_id where i.run_id = 'weak'`,
  );
  expect(decision!.reason).toMatch(
    /not proven better: target \d\d\.\d % \(with its worked examples\) → \d\d\.\d %/,
  );
  expect(decision!.numbers).toMatchObject({ bestForm: 'examples' });
  const plain = await loop.rows<{ correct: number }>(
    sql`select v.correct from evaluations v join checkpoints c on c.id = v.checkpoint_id
        where c.run_id = 'weak' and c.iteration_index = 0 and v.benchmark = 'target'`,
  );
  expect(plain).toEqual([{ correct: 0 }]);
}, 120_000);

it('promotes one that beats the base in its better form, trains plainly, and reports both forms', async () => {
  learnt = 0.95;
  expect(await loop.improve('strong', input('strong'))).toMatchObject({ promoted: 1 });
  const report = await buildReport(loop.database.db, 'strong');
  const { better, scores } = report.baseForms!;
  expect(better).toBe('examples');
  expect(scores.map(({ role, plain, examples }) => [role, plain.correct, examples.total])).toEqual([
    ['target', 0, 120],
    ['final', 0, 40],
  ]);
  const target = report.comparison.find((one) => one.role === 'target')!;
  expect(target.base).toEqual(scores[0]!.examples);
  expect(target.best.correct - target.base.correct).toBe(target.onlyBest - target.onlyBase);
  expect(report.comparison.find((one) => one.role === 'final')!.base).toEqual(scores[1]!.examples);
  expect(report.iterations[0]!.before).toEqual(scores[0]!.examples);
  expect(renderReport(report)).toContain('"base" is its better form on target, with');

  const trained = [...loop.endpoint.files.values()].at(-1)!;
  for (const line of trained.trim().split('\n')) {
    const { messages } = JSON.parse(line) as { messages: { content: string }[] };
    expect(messages).toHaveLength(2);
  }
  // The problem that the model is shown with its answer is no prompt, though it stands in the file.
  const prompts = await loop.rows<{ text: string }>(sql`select text from prompts`);
  expect(prompts.length).toBeGreaterThan(30);
  expect(prompts.map(({ text }) => text)).not.toContain(SHOWN);
}, 120_000);

it('refuses an example that is nearly a held-out problem', async () => {
  const task = write(
    'leaky',
    question(710).replace('?', ', in whole numbers, if you add them up one by one?'),
  );
  const long = JSON.stringify({
    prompt: `${question(710).replace('?', ', in whole numbers, if you add them up one by one now?')}`,
    answer: '2133',
  });
  writeFileSync(
    join(folder, 'held-out.jsonl'),
    `${long}\n`.concat(readFileSync(join(folder, 'held-out.jsonl'), 'utf8')),
  );
  const error: unknown = await loop.improve('leaky', loop.small({ task })).catch((reason: unknown) => reason);
  const said = String((error as { cause?: unknown }).cause);
  expect(said).toContain('examples.0: is a held-out problem of target, which would be shown with its answer');
  expect(said).not.toContain('How much is 710');
}, 60_000);
