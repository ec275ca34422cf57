/** Exported files go where they are meant to go, unchanged: into `datasets` and TRL, and into our own trainer. */
import { execFile } from 'node:child_process';
import { createReadStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exportLines } from '../../app/exports/export.ts';
import { DATASETS } from '../../app/exports/lines.ts';
import { fileSink } from '../../app/exports/sink.ts';
import { createTestDatabase } from '../support/database.ts';
import { addExportRun, asked } from '../support/exports.ts';
import { startModelServer, type ModelServer } from '../support/model-server.ts';
import { longAddition } from '../support/scripted-adder.ts';
import { until } from '../support/wait.ts';

const folder = mkdtempSync(join(tmpdir(), 'ratchet-round-trip-'));
const model = fileURLToPath(new URL('../../modelserver/builtin/arithmetic', import.meta.url));
const script = fileURLToPath(new URL('../support/check_exports.py', import.meta.url));
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let server: ModelServer | undefined;

const fileOf = (format: string) => join(folder, `${format}.jsonl`);
const PROMPTS = 16;

beforeAll(async () => {
  database = await createTestDatabase();
  const problems = Array.from({ length: PROMPTS }, (_, i) => ({
    text: `${1234 + 71 * i}+${4321 + 37 * i}`,
    truth: String(5555 + 108 * i),
  }));
  await addExportRun(
    database.db,
    'trip',
    problems.map(({ text, truth }) => ({
      text,
      truth,
      samples: [
        { request: asked(text), answer: truth, outcome: 'accepted' as const },
        {
          request: asked(text),
          answer: '1',
          rationale: longAddition(asked(text), 3),
          outcome: 'failed' as const,
        },
      ],
    })),
  );
  for (const format of DATASETS) {
    const sink = await fileSink(fileOf(format), format === 'openai');
    await exportLines(database.db, 'trip', { format }, sink);
    await sink.finish();
  }
}, 180_000);

afterAll(async () => {
  await server?.close();
  await database?.drop();
  rmSync(folder, { recursive: true });
});

test('datasets loads them, OpenAI’s checks pass, and TRL trains on them', async () => {
  const python = process.env.RATCHET_PYTHON;
  if (!python) throw new Error('RATCHET_PYTHON is not set: run these tests with `npm test`.');
  const files = DATASETS.map(fileOf);
  const { stdout } = await promisify(execFile)(python, [script, ...files, model, folder], {
    env: { ...process.env, HF_HOME: join(folder, 'hf'), HF_HUB_OFFLINE: '1', CUDA_VISIBLE_DEVICES: '' },
    maxBuffer: 64 * 1024 * 1024,
  });
  const found = JSON.parse(stdout.trimEnd().split('\n').at(-1)!);
  expect(found).toMatchObject({
    openai_errors: {},
    openai_keys: ['messages'],
    openai_last_roles: ['assistant'],
    openai: { rows: PROMPTS, columns: ['messages'], steps: 2 },
    sft: { rows: PROMPTS, columns: ['prompt', 'completion', 'metadata'], steps: 2 },
    preference: { rows: PROMPTS, columns: ['prompt', 'chosen', 'rejected', 'metadata'], steps: 2 },
    jsonl: { rows: PROMPTS },
    metadata: { rows: PROMPTS },
  });
  // The published checks do find what is wrong.
  expect(found.broken_errors).toEqual({
    data_type: 1,
    example_missing_assistant_message: 1,
    message_missing_key: 1,
    message_unrecognized_key: 1,
    missing_content: 2,
    missing_messages_list: 1,
    unrecognized_role: 1,
  });
  // TRL learns the answer with its end, not the question.
  const [line] = readFileSync(fileOf('trl-sft'), 'utf8').split('\n');
  expect(found.sft.trained_text).toBe(`${JSON.parse(line!).completion[0].content}<eos>`);
  for (const losses of [found.sft.losses, found.openai.losses, found.preference.losses])
    expect(losses).toEqual([expect.any(Number), expect.any(Number)]);
}, 600_000);

test('our own trainer takes the openai file and makes a model of it', async () => {
  server = await startModelServer();
  const client = new OpenAI({ baseURL: server.url, apiKey: 'none', maxRetries: 0 });
  const file = await client.files.create({
    file: createReadStream(fileOf('openai')),
    purpose: 'fine-tune',
  });
  const job = await client.fineTuning.jobs.create({
    model: 'arithmetic',
    training_file: file.id,
    suffix: 'export',
    method: { type: 'supervised', supervised: { hyperparameters: { n_epochs: 1, batch_size: 8 } } },
  });
  const done = await until(
    'the job to end',
    async () => {
      const now = await client.fineTuning.jobs.retrieve(job.id);
      return ['succeeded', 'failed', 'cancelled'].includes(now.status) && now;
    },
    300_000,
  );
  expect(done).toMatchObject({ status: 'succeeded', error: null });
  expect(done.trained_tokens).toBeGreaterThan(PROMPTS * 100);
}, 600_000);
