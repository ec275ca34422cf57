import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { TASK_QUEUE } from '../../workflows/names.ts';
import { createTestDatabase } from '../support/database.ts';
import {
  startScriptedEndpoint,
  type ScriptedEndpoint,
  type ScriptedRequest,
} from '../support/scripted-endpoint.ts';
import { startTemporal, startWorkers } from '../support/temporal.ts';

let temporal: TestWorkflowEnvironment;
let endpoint: ScriptedEndpoint;
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let stopWorkers: () => Promise<void>;
const folder = mkdtempSync(join(tmpdir(), 'ratchet-gsm8k-'));

/** Rows in the dataset's own shape, with thousands separators and negative answers among the gold. */
function row(i: number) {
  const apples = 1100 + 7 * i;
  const sold = i % 9 === 0 ? 2 * apples : 3 * i;
  const left = apples - sold;
  const question = `Shop number ${i} has ${apples} apples and sells ${sold} of them. How many are left, by its books?`;
  const gold = Math.abs(left) >= 1000 ? left.toLocaleString('en-US') : String(left);
  return {
    question,
    answer: `It has ${apples} - ${sold} = <<${apples}-${sold}=${left}>>${left} apples left.\n#### ${gold}`,
    left,
  };
}
const rows = Array.from({ length: 260 }, (_, i) => row(i + 1));

/** The shop is found in whatever template the question stands; a critic is known by its schema. */
function answer({ messages, seed, generation, temperature, body }: ScriptedRequest): string {
  const text = messages.at(-1)?.content ?? '';
  const shop = Number(/Shop number (\d+)/.exec(text)?.[1]);
  const known = rows[shop - 1];
  if (!known) return 'I do not know.';
  if (/You rewrite problems/.test(messages[0]?.content ?? '')) {
    return `${['Look:', 'Consider this.', 'Well:'][seed % 3]} ${text.replace('How many are left, by its books?', 'By its books, how many are left?')}`;
  }
  if (body.response_format) {
    const holds = text.includes(`#### ${known.left}`);
    return JSON.stringify({
      first_error: holds ? '' : 'the last step',
      verdict: holds ? 'holds' : 'fails',
      confidence: 0.9,
    });
  }
  const luck = ((shop * 7919 + (temperature === 0 ? 0 : seed)) % 1000) / 1000;
  const right = luck < 0.55 + 0.35 * generation;
  const stated = right ? known.left : known.left + 1 + (seed % 5);
  return `The shop has apples and sells some.\nSo ${stated} are left.\n#### ${stated}`;
}

beforeAll(async () => {
  [temporal, endpoint, database] = await Promise.all([
    startTemporal(),
    startScriptedEndpoint({ baseModel: 'my-model', answer }),
    createTestDatabase(),
  ]);
  stopWorkers = await startWorkers(temporal, database.db);
  const lines = (part: typeof rows) =>
    part.map(({ question, answer }) => JSON.stringify({ question, answer })).join('\n');
  writeFileSync(join(folder, 'train.jsonl'), lines(rows.slice(0, 60)));
  writeFileSync(join(folder, 'test.jsonl'), lines(rows.slice(60)));
  const example = new URL('../../examples/gsm8k/task.yaml', import.meta.url);
  const task = parse(readFileSync(example, 'utf8')) as {
    benchmarks: { rows: { from: number; to: number } }[];
    calibration: { rows: { from: number } };
    models: { generator: { baseURL: string } };
  };
  task.benchmarks[0]!.rows = { from: 1, to: 120 };
  task.benchmarks[1]!.rows = { from: 121, to: 180 };
  task.calibration.rows = { from: 181 };
  task.models.generator.baseURL = endpoint.url;
  writeFileSync(join(folder, 'task.yaml'), stringify(task));
}, 120_000);

afterAll(async () => {
  await stopWorkers?.();
  await temporal?.teardown();
  await database?.drop();
  await endpoint?.close();
  rmSync(folder, { recursive: true, force: true });
});

it('improves on a task that is described by files alone', async () => {
  const result = await temporal.client.workflow.execute('improve', {
    workflowId: 'gsm8k',
    taskQueue: TASK_QUEUE.main,
    args: [
      { task: join(folder, 'task.yaml'), iterations: 1, pool: { prompts: 50 }, probes: { mode: 'advisory' } },
    ],
  });
  expect(result).toMatchObject({ runId: 'gsm8k', promoted: 1 });

  const evaluations = (
    await database.db.execute<{
      benchmark: string;
      index: number;
      correct: number;
      total: number;
      unparsable: number;
    }>(
      sql`select e.benchmark, c.iteration_index as index, e.correct, e.total, e.unparsable
          from evaluations e join checkpoints c on c.id = e.checkpoint_id order by 1, 2`,
    )
  ).rows;
  expect(
    evaluations.map(({ benchmark, index, total, unparsable }) => [benchmark, index, total, unparsable]),
  ).toEqual([
    ['final', 0, 60, 0],
    ['final', 1, 60, 0],
    ['target', 0, 120, 0],
    ['target', 1, 120, 0],
  ]);
  // Read once, for base and best, when all decisions were made.
  const read = await database.db.execute<{ early: number }>(
    sql`select count(*)::int as early from evaluations
        where benchmark = 'final' and created_at <= (select max(created_at) from decisions)`,
  );
  expect(read.rows).toEqual([{ early: 0 }]);

  // Votes are over the prompt and its paraphrases, and are measured on problems with known answers.
  const votes = await database.db.execute<{ purpose: string; n: number; ways: number }>(
    sql`select p.purpose, count(*)::int as n, min(jsonb_array_length(v.tallies::jsonb))::int as ways
        from votes v join prompts p on p.id = v.prompt_id group by 1 order by 1`,
  );
  expect(votes.rows.map(({ purpose, n }) => [purpose, n])).toEqual([
    ['calibrate', 15],
    ['learn', 50],
  ]);
  for (const { ways } of votes.rows) expect(ways).toBeGreaterThan(1);

  // What the model may know of the prompts' file are the questions: no gold answer was ever sent.
  expect(endpoint.requests.some((request) => request.includes('<<'))).toBe(false);
  const trained = [...endpoint.files.values()].join('');
  expect(trained).toContain('####');

  const critiques = await database.db.execute(
    sql`select outcome, count(*)::int as n from critiques group by 1`,
  );
  expect(critiques.rows.length).toBeGreaterThan(0);
}, 120_000);
