/** An adapter that our trainer made is taken away whole, loads in PEFT as it was measured, and carries its proof. */
import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { eq } from 'drizzle-orm';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exportAdapter } from '../../app/exports/adapter/write.ts';
import { checkHub, uploadToHub } from '../../app/exports/adapter/hub.ts';
import * as t from '../../db/schema.ts';
import type { Job } from '../../models/job.ts';
import { createTestDatabase } from '../support/database.ts';
import { addExportRun, asked } from '../support/exports.ts';
import { startModelServer, type ModelServer } from '../support/model-server.ts';
import { longAddition } from '../support/scripted-adder.ts';
import { until } from '../support/wait.ts';
import { addDecision } from '../cli/fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'ratchet-adapter-'));
const base = fileURLToPath(new URL('../../modelserver/builtin/arithmetic', import.meta.url));
const script = fileURLToPath(new URL('../support/check_adapter.py', import.meta.url));
const PROMPT = asked('1234+4321');
const ID = 'some-org/adder-0.5m';
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let server: ModelServer;
let client: OpenAI;
let job: Job;
let checkpointId: number;

const out = (name: string) => join(folder, name);
const read = (name: string, file: string) => readFileSync(join(folder, name, file), 'utf8');
const sameFile = (a: string, b: string) => expect(readFileSync(a).equals(readFileSync(b))).toBe(true);

async function train(): Promise<Job> {
  const lines = Array.from({ length: 24 }, (_, i) => {
    const request = asked(`${1234 + 71 * i}+${4321 + 37 * i}`);
    const messages = [
      { role: 'user', content: request },
      { role: 'assistant', content: longAddition(request) },
    ];
    return JSON.stringify({ messages });
  });
  const file = await client.files.create({
    file: await OpenAI.toFile(Buffer.from(lines.join('\n')), 'train.jsonl'),
    purpose: 'fine-tune',
  });
  const made = await client.fineTuning.jobs.create({
    model: 'arithmetic',
    training_file: file.id,
    method: { type: 'supervised', supervised: { hyperparameters: { n_epochs: 2, batch_size: 8 } } },
  });
  return until(
    'the job to end',
    async () => {
      const now = (await client.fineTuning.jobs.retrieve(made.id)) as Job;
      return now.status === 'succeeded' && now;
    },
    120_000,
  );
}

/** The run as the loop would have stored it around this job. */
async function addRun(): Promise<number> {
  const { db } = database;
  const problem = { text: '1234+1111', truth: '2345' };
  const { base: start, iterationId } = await addExportRun(
    db,
    'adapters',
    [{ ...problem, samples: [{ request: asked(problem.text), answer: problem.truth, outcome: 'accepted' }] }],
    { seed: 7, models: { generator: { baseURL: server.url } } },
  );
  const [dataset] = await db
    .insert(t.datasets)
    .values({ iterationId, digest: 'd'.repeat(64), examples: 24, bytes: 1 })
    .returning();
  const [stored] = await db
    .insert(t.trainingJobs)
    .values({
      key: 'key',
      datasetId: dataset!.id,
      parentCheckpointId: start.id,
      parentModel: 'arithmetic',
      parameters: { epochs: 2, batchSize: 8 },
      remoteId: job.id,
      status: 'succeeded',
    })
    .returning();
  const [checkpoint] = await db
    .insert(t.checkpoints)
    .values({
      runId: 'adapters',
      iterationIndex: 1,
      kind: 'adapter',
      model: job.fine_tuned_model!,
      parentId: start.id,
      trainingJobId: stored!.id,
      fingerprint: job.system_fingerprint,
      path: job.adapter_path,
      trainedTokens: job.trained_tokens,
    })
    .returning();
  const callId = (await db.query.modelCalls.findFirst())!.id;
  const items = await db.query.benchmarkItems.findMany();
  for (const [role, correct] of [
    ['target', 30],
    ['guard', 20],
  ] as const) {
    const mine = items.filter((item) => item.role === role);
    const [evaluation] = await db
      .insert(t.evaluations)
      .values({
        checkpointId: checkpoint!.id,
        benchmark: role,
        total: mine.length,
        correct,
        unparsable: 0,
        finishedAt: new Date(),
      })
      .returning();
    await db.insert(t.evaluationItems).values(
      mine.map((item) => ({
        evaluationId: evaluation!.id,
        itemId: item.id,
        rationale: '#2',
        answer: '2',
        correct: item.position < correct,
        callId,
      })),
    );
  }
  const ids = { candidateId: checkpoint!.id, bestId: checkpoint!.id };
  await addDecision(db, iterationId, 'promote', ids, { pValue: 1e-6 });
  return checkpoint!.id;
}

beforeAll(async () => {
  [server, database] = await Promise.all([startModelServer(), createTestDatabase()]);
  client = new OpenAI({ baseURL: server.url, apiKey: 'none', maxRetries: 0 });
  job = await train();
  checkpointId = await addRun();
}, 300_000);

afterAll(async () => {
  await server?.close();
  await database?.drop();
  rmSync(folder, { recursive: true });
});

test('PEFT loads the folder and answers as the server did', async () => {
  const done = await exportAdapter(database.db, { folder: out('whole'), base: ID });
  expect(done).toMatchObject({
    checkpoint: checkpointId,
    run: 'adapters',
    base: ID,
    measured: { same: true },
  });
  expect(readdirSync(out('whole')).toSorted()).toEqual([
    'README.md',
    'adapter_config.json',
    'adapter_model.safetensors',
    'ratchet.json',
  ]);
  const reply = await client.chat.completions.create({
    model: job.fine_tuned_model!,
    messages: [{ role: 'user', content: PROMPT }],
    temperature: 0,
    max_tokens: 130,
  });
  const { stdout } = await promisify(execFile)(
    process.env.RATCHET_PYTHON!,
    [script, out('whole'), base, PROMPT],
    {
      env: { ...process.env, HF_HOME: out('hf'), HF_HUB_OFFLINE: '1', CUDA_VISIBLE_DEVICES: '' },
    },
  );
  const found = JSON.parse(stdout.trimEnd().split('\n').at(-1)!);
  expect(found.answer).toBe(reply.choices[0]!.message.content);
  expect(found.base_answer).not.toBe(found.answer);
  expect(found.base_in_config).toBe(ID);
  expect(found.card).toMatchObject({
    base_model: ID,
    library_name: 'peft',
    results: [
      ['guard', 'accuracy', 1],
      ['target', 'accuracy', 0.75],
    ].toSorted((a, b) => (a[0]! < b[0]! ? 1 : -1)),
  });
}, 120_000);

test('the card has the proof and no path of this machine', () => {
  const card = read('whole', 'README.md');
  expect(card).toContain(
    '| target | 10.0 % [4.0–23.1], 4/40 | 75.0 % [59.8–85.8], 30/40 | +65.0 | 26 | 0 | 1.5e-8 |',
  );
  expect(card).toContain(`24 examples, SHA-256 of the file \`${'d'.repeat(64)}\``);
  expect(card).toContain('| agreement | required | 1 | 0 | 0 |');
  expect(card).toContain('seed 7');
  expect(card).toContain(`which is that of the measured weights`);
  expect(card).toContain('A final set: the target set decided, so its gain may flatter.');
  expect(card).toContain(`--enable-lora --max-lora-rank 32 --lora-modules whole=ADAPTER`);
  const note = JSON.parse(read('whole', 'ratchet.json'));
  expect(note).toMatchObject({
    base: { id: ID },
    run: 'adapters',
    checkpoint: { id: checkpointId, fingerprint: job.system_fingerprint },
    training: { dataset: 'd'.repeat(64), job: job.id },
    settings: { seed: 7 },
    lineage: [{ checkpoint: checkpointId }, { iteration: 0 }],
  });
  for (const file of ['README.md', 'ratchet.json', 'adapter_config.json'])
    for (const path of [job.adapter_path!, base, tmpdir()]) expect(read('whole', file)).not.toContain(path);
});

test('an adapter whose folder lies elsewhere comes through the server, the same', async () => {
  await setPath('/on/another/machine');
  try {
    const done = await exportAdapter(database.db, {
      folder: out('fetched'),
      what: `checkpoint:${checkpointId}`,
      base: ID,
    });
    expect(done.from).toContain(server.url);
    expect(done.measured).toEqual({ same: true });
    sameFile(
      join(out('fetched'), 'adapter_model.safetensors'),
      join(job.adapter_path!, 'adapter_model.safetensors'),
    );
  } finally {
    await setPath(job.adapter_path!);
  }
});

const setPath = (path: string) =>
  database.db.update(t.checkpoints).set({ path }).where(eq(t.checkpoints.id, checkpointId));

describe('refused, with nothing left behind', () => {
  const refusal = (options: Parameters<typeof exportAdapter>[1]) =>
    exportAdapter(database.db, options).then(
      () => 'it was written',
      (error: Error) => error.message,
    );

  test('a folder that holds something', async () => {
    mkdirSync(out('full'));
    writeFileSync(join(out('full'), 'mine.txt'), 'mine');
    expect(await refusal({ folder: out('full'), base: ID })).toMatch(/is not empty/);
    expect(readdirSync(out('full'))).toEqual(['mine.txt']);
  });

  test.each([
    ['no public id is known', undefined, /public id of the base is not known .*--base Qwen/],
    ['a path is given', base, /and no path/],
  ])('a base when %s', async (_, given, message) => {
    expect(await refusal({ folder: out('nameless'), base: given })).toMatch(message);
    expect(existsSync(out('nameless'))).toBe(false);
  });

  test('the base of a run, which has no adapter', async () => {
    expect(await refusal({ folder: out('base'), what: `checkpoint:${checkpointId - 1}`, base: ID })).toMatch(
      /is a base model/,
    );
  });

  test('weights other than those that were measured, and weights without numbers', async () => {
    cpSync(job.adapter_path!, out('changed'), { recursive: true });
    const file = join(out('changed'), 'adapter_model.safetensors');
    const bytes = readFileSync(file);
    bytes[bytes.length - 4]! ^= 1;
    writeFileSync(file, bytes);
    await setPath(out('changed'));
    expect(await refusal({ folder: out('other'), base: ID })).toMatch(/not the weights that were measured/);
    bytes.fill(0xff, bytes.length - 4);
    writeFileSync(file, bytes);
    expect(await refusal({ folder: out('other'), base: ID })).toMatch(/no finite numbers: 1 of /);
    await setPath(job.adapter_path!);
    expect(readdirSync(folder).filter((name) => name.startsWith('other'))).toEqual([]);
  });
});

test('an upload without a token, or without a network, says so and leaves the folder', async () => {
  const hub = { repository: 'some-org/adder', public: false };
  expect(() => checkHub(hub, { RATCHET_PYTHON: process.env.RATCHET_PYTHON })).toThrow(/set HF_TOKEN/);
  const env = {
    ...process.env,
    HF_TOKEN: 'hf_secret',
    HF_ENDPOINT: 'http://127.0.0.1:9',
    HF_HOME: out('hf'),
  };
  const failed = uploadToHub(out('whole'), hub, undefined, env).catch((error: Error) => error.message);
  expect(await failed).toMatch(/http:\/\/127\.0\.0\.1:9 can't be reached .*complete: .*whole/);
  expect(await failed).not.toContain('hf_secret');
}, 60_000);
