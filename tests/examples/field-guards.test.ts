/**
 * GSM8K as lm-evaluation-harness and Inspect measure it, by their own code, against a benchmark of ours with the same problems: the same
 * questions are asked, and each problem is right or wrong in both. RATCHET_TEST_LMEVAL names a Python with lm-eval[api], inspect-ai and openai;
 * RATCHET_TEST_LMEVAL_MODEL=NAME@URL a real model, for which RATCHET_TEST_LMEVAL_ROWS may name other problems (a file of GSM8K).
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MockActivityEnvironment } from '@temporalio/testing';
import { asc, eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { createActivities } from '../../activities/index.ts';
import type { Db } from '../../db/connect.ts';
import { addCheckpoint, createRun } from '../../db/queries/runs.ts';
import { benchmarkItems, evaluationItems } from '../../db/schema.ts';
import { takeIn } from '../../engine/intake.ts';
import { createTestDatabase } from '../support/database.ts';
import { startModelServer, type ModelServer } from '../support/model-server.ts';
import { startScriptedEndpoint, type ScriptedEndpoint } from '../support/scripted-endpoint.ts';

const PYTHON = process.env.RATCHET_TEST_LMEVAL;
const [REAL_MODEL, REAL_URL] = (process.env.RATCHET_TEST_LMEVAL_MODEL ?? '').split('@');
const folder = mkdtempSync(join(tmpdir(), 'ratchet-field-'));
const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
type Row = { question: string; answer: string };
const rows = readFileSync(path('../fixtures/gsm8k/excerpt.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Row);
/** lm-eval's task: what it asks is what ours must ask. */
const ASKS = (
  parse(readFileSync(path('../../examples/field-guards/gsm8k.yaml'), 'utf8')) as { doc_to_text: string }
).doc_to_text;

/** What a model may write behind its work. Where both read an answer, they read the same; `ours` and `theirs`: is it right? */
const WRITINGS: { write(known: string): string; ours: boolean; theirs: boolean }[] = [
  { write: (known) => `#### ${known}`, ours: true, theirs: true },
  {
    write: (known) => `#### ${Number(known.replaceAll(',', '')).toLocaleString('en-US')}`,
    ours: true,
    theirs: true,
  },
  { write: () => '#### 123456', ours: false, theirs: false },
  { write: () => 'I can not say.', ours: false, theirs: false },
  { write: (known) => `So the answer is ${known}.`, ours: false, theirs: false },
  { write: (known) => `#### ${known} of them in all`, ours: true, theirs: true },
  { write: (known) => `#### ${known}.`, ours: true, theirs: true },
  { write: (known) => `#### -${known.replace('-', '')}1`, ours: false, theirs: false },
];
/** lm-eval's pattern wants a digit at once, compares texts and takes the first of several; ours reads values, and only one. */
const OTHERWISE: typeof WRITINGS = [
  { write: (known) => `#### $${known}`, ours: true, theirs: false },
  { write: (known) => `#### ${known}.00`, ours: true, theirs: false },
  { write: (known) => `#### **${known}**`, ours: true, theirs: false },
  { write: (known) => `#### ${known}\n#### 123456`, ours: false, theirs: true },
];

const valueOf = (row: Row) => row.answer.split('#### ')[1]!;
let writings = WRITINGS;
let endpoint: ScriptedEndpoint;
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Db;

beforeAll(async () => {
  if (!PYTHON) return;
  database = await createTestDatabase();
  db = database.db;
  cpSync(path('../../examples/field-guards'), folder, { recursive: true });
  const lines = (of: object[]) => of.map((one) => `${JSON.stringify(one)}\n`).join('');
  writeFileSync(join(folder, 'guard.jsonl'), lines(rows));
  writeFileSync(
    join(folder, 'problems.jsonl'),
    lines(rows.map((row) => ({ ...row, answer: valueOf(row).replaceAll(',', '') }))),
  );
  writeFileSync(
    join(folder, 'others.jsonl'),
    lines([{ question: 'What is left of nothing?', answer: '#### 0' }]),
  );
  writeFileSync(join(folder, 'prompts.jsonl'), lines([{ question: 'What is left of something?' }]));
  endpoint = await startScriptedEndpoint({
    baseModel: 'my-model',
    answer({ messages }) {
      const asked = messages.at(-1)!.content;
      const at = rows.findIndex(({ question }) => asked.includes(question));
      const known = valueOf(rows[at]!);
      if (asked.includes('ANSWER:')) return `Let me see.\n\nANSWER: ${at % 2 === 0 ? known : '123456'}`;
      return `Let me see.\n${writings[at % writings.length]!.write(known)}`;
    },
  });
}, 120_000);

afterAll(async () => {
  await endpoint?.close();
  await database?.drop();
  rmSync(folder, { recursive: true, force: true });
});

const template = ASKS.replace('{{question}}', '{prompt}');
const gsm8k = { template, answer: { read: 'hash', compare: 'numeric' }, maxTokens: 256 };

/** Each problem right or wrong, by its text, as a benchmark of a run of its own finds it. */
async function measured(
  runId: string,
  benchmarks: object[],
  name: string,
  { url, model } = { url: endpoint.url, model: 'my-model' },
  fields: object = gsm8k,
): Promise<Record<string, boolean | null>> {
  const task = join(folder, `${runId}.yaml`);
  const prompts = { file: 'prompts.jsonl', field: 'question' };
  writeFileSync(task, stringify({ name: 'gsm8k', prompts, benchmarks, ...fields }));
  const models = { generator: { baseURL: url, model } };
  const { taskSpec, settings, items } = await takeIn({ task, models });
  await createRun(db, { id: runId, task: 'gsm8k', taskSpec, settings, codeVersion: 'test' }, items);
  const { id: checkpointId } = await addCheckpoint(db, {
    runId,
    iterationIndex: 0,
    kind: 'base',
    model,
  });
  const { main, llm } = createActivities({ db });
  const plans = await main.planEvaluations({ runId, checkpointId, roles: ['target', 'guard'] });
  const { evaluationId, total } = plans.find(({ benchmark }) => benchmark === name)!;
  await new MockActivityEnvironment().run(llm.benchmarkItems, { evaluationId, first: 0, count: total });
  await main.closeEvaluation({ evaluationId });
  const found = await db
    .select({ text: benchmarkItems.text, correct: evaluationItems.correct })
    .from(evaluationItems)
    .innerJoin(benchmarkItems, eq(benchmarkItems.id, evaluationItems.itemId))
    .where(eq(evaluationItems.evaluationId, evaluationId))
    .orderBy(asc(benchmarkItems.position));
  return Object.fromEntries(found.map(({ text, correct }) => [text, correct]));
}

const byHash = { answer: { read: 'hash' } };
const others = { name: 'others', role: 'target', file: 'others.jsonl', ...byHash };
const ours = { name: 'ours', role: 'target', file: 'guard.jsonl', ...byHash };
const guard = (script: string, file: string, ...more: string[]) => ({
  name: 'theirs',
  role: 'guard',
  promptField: 'prompt',
  command: [PYTHON, script, file, 'items', ...more],
  harness: { command: [PYTHON, script, file, ...more] },
});
const lmEval = [others, guard('lm_eval_guard.py', 'gsm8k.yaml', '--field', 'question')];

describe.skipIf(!PYTHON)('lm-eval', () => {
  it('asks what our benchmark asks, and finds each problem right or wrong as it does', async () => {
    const own = await measured('own', [ours], 'ours');
    const askedByUs = endpoint.received.splice(0).map(({ body }) => body);
    const theirs = await measured('lm-eval', lmEval, 'theirs');
    expect(theirs).toEqual(own);
    expect(Object.values(own)).toEqual(rows.map((_, i) => WRITINGS[i % WRITINGS.length]!.ours));
    const asked = ({ messages, temperature, max_tokens: tokens }: Record<string, unknown>) =>
      JSON.stringify([messages, temperature, tokens]);
    const askedByThem = endpoint.received.splice(0).map(({ body }) => asked(body));
    expect(askedByThem.toSorted()).toEqual(askedByUs.map(asked).toSorted());
  });

  it('differs where it is known to, in what it reads behind the mark', async () => {
    writings = OTHERWISE;
    const own = await measured('own-otherwise', [ours], 'ours');
    const theirs = await measured('lm-eval-otherwise', lmEval, 'theirs');
    expect(Object.values(own)).toEqual(rows.map((_, i) => OTHERWISE[i % OTHERWISE.length]!.ours));
    expect(Object.values(theirs)).toEqual(rows.map((_, i) => OTHERWISE[i % OTHERWISE.length]!.theirs));
  });
});

it.skipIf(!PYTHON)('Inspect measures by its own solver and scorer', async () => {
  const theirs = await measured('inspect', [others, guard('inspect_guard.py', 'problems.jsonl')], 'theirs');
  expect(Object.values(theirs)).toEqual(rows.map((_, i) => i % 2 === 0));
});

describe.skipIf(!PYTHON)('on our model server', () => {
  /** The model that comes with Ratchet adds, the more digits the worse. */
  const sums = Array.from({ length: 24 }, (_, i) =>
    [1234567 * (i + 3), 7654321 + 91 * i].map((n) => n % 10 ** (4 + (i % 4))),
  );
  const padded = (n: number) => String(n).padStart(10, '0');
  const asSums = {
    template: '{prompt}',
    answer: { read: 'pattern', pattern: '^#(\\d{10})$' },
    maxTokens: 256,
  };
  let server: ModelServer;
  beforeAll(async () => {
    server = await startModelServer();
    const own = sums.map(([a, b]) => ({ question: `${padded(a!)}+${padded(b!)}`, answer: padded(a! + b!) }));
    writeFileSync(join(folder, 'sums.jsonl'), own.map((row) => `${JSON.stringify(row)}\n`).join(''));
    writeFileSync(
      join(folder, 'sums-others.jsonl'),
      JSON.stringify({ question: `${padded(1)}+${padded(1)}`, answer: padded(2) }),
    );
    const theirs = parse(readFileSync(join(folder, 'gsm8k.yaml'), 'utf8')) as { filter_list: object[] };
    const pattern = { function: 'regex', regex_pattern: '#(\\d{10})' };
    writeFileSync(
      join(folder, 'sums.yaml'),
      stringify({
        ...theirs,
        task: 'sums_here',
        dataset_kwargs: { data_files: { test: 'sums.jsonl' } },
        doc_to_text: '{{question}}',
        doc_to_target: '{{answer}}',
        filter_list: [{ name: 'sum', filter: [pattern, { function: 'take_first' }] }],
      }),
    );
  });
  afterAll(() => server?.close());

  it('lm-eval finds right and wrong what our benchmark does', async () => {
    const model = { url: server.url, model: 'arithmetic' };
    const own = await measured(
      'own-sums',
      [{ name: 'ours', role: 'target', file: 'sums.jsonl' }],
      'ours',
      model,
      asSums,
    );
    const one = { name: 'others', role: 'target', file: 'sums-others.jsonl' };
    const command = guard('lm_eval_guard.py', 'sums.yaml', '--field', 'question');
    const theirs = await measured('lm-eval-sums', [one, command], 'theirs', model, asSums);
    expect(theirs).toEqual(own);
    expect(new Set(Object.values(own))).toEqual(new Set([true, false]));
  });
});

/** A small model on two cores takes its time. */
const MOST_ROWS = 20;

it.skipIf(!PYTHON || !REAL_MODEL)(
  'lm-eval finds a real model right and wrong where our benchmark does',
  async () => {
    const file = process.env.RATCHET_TEST_LMEVAL_ROWS ?? join(folder, 'guard.jsonl');
    const lines = readFileSync(file, 'utf8').split('\n').slice(0, MOST_ROWS);
    writeFileSync(join(folder, 'guard.jsonl'), lines.join('\n'));
    const real = { url: REAL_URL!, model: REAL_MODEL! };
    const own = await measured('own-real', [ours], 'ours', real);
    const theirs = await measured('lm-eval-real', lmEval, 'theirs', real);
    const right = Object.values(own).filter(Boolean).length;
    process.stdout.write(`${REAL_MODEL}: ${right} of ${Object.keys(own).length} right by our benchmark\n`);
    expect(theirs).toEqual(own);
  },
  900_000,
);
