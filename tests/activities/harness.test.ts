/** A guard that a command measures: a real process asks a real endpoint, and whatever it does wrong is named and counts nothing. */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { asc, eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { createActivities } from '../../activities/index.ts';
import type { Db } from '../../db/connect.ts';
import { addCheckpoint, createRun } from '../../db/queries/runs.ts';
import { evaluationItems, modelCalls, shownAnswers } from '../../db/schema.ts';
import { checkRun } from '../../engine/check/check.ts';
import { takeIn } from '../../engine/intake.ts';
import { FAILURE } from '../../loop/failures.ts';
import { createTestDatabase } from '../support/database.ts';
import { isAlive } from '../support/processes.ts';
import { startScriptedEndpoint, type Script, type ScriptedEndpoint } from '../support/scripted-endpoint.ts';
import { until } from '../support/wait.ts';

const folder = mkdtempSync(join(tmpdir(), 'ratchet-guard-'));
const endpoints: ScriptedEndpoint[] = [];
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Db;

beforeAll(async () => {
  database = await createTestDatabase();
  db = database.db;
  cpSync(fileURLToPath(new URL('../fixtures/guard/guard.mjs', import.meta.url)), join(folder, 'guard.mjs'));
  const line = (n: number) => `${JSON.stringify({ prompt: `What is ${n} - 1?`, answer: String(n - 1) })}\n`;
  writeFileSync(join(folder, 'prompts.jsonl'), [21, 22, 23].map(line).join(''));
  writeFileSync(join(folder, 'target.jsonl'), [31, 32].map(line).join(''));
}, 120_000);

afterAll(async () => {
  await Promise.all(endpoints.map((endpoint) => endpoint.close()));
  await database?.drop();
  rmSync(folder, { recursive: true, force: true });
});

/** Doubles up to 4, and does not know more. */
const doubles: Script = {
  baseModel: 'adder',
  answer({ messages }) {
    const n = Number(/(\d+)\?$/.exec(messages.at(-1)!.content)?.[1]);
    return n < 5 ? `It is ${2 * n}` : n === 5 ? 'It is 11' : 'I do not know.';
  },
};

const guard = (mode: string, ...more: string[]) => [process.execPath, 'guard.mjs', mode, ...more];
let runs = 0;

type Guarded = {
  mode: string;
  script?: Partial<Script>;
  seconds?: number;
  note?: string;
  task?: object;
  keyed?: true;
};

/** A stored run with its base, whose guard is to be measured. */
async function start({ mode, script, seconds, note, task, keyed }: Guarded) {
  const endpoint = await startScriptedEndpoint({ ...doubles, ...script });
  endpoints.push(endpoint);
  const runId = `guarded-${++runs}`;
  const path = join(folder, `${runId}.yaml`);
  const harness = { command: guard(mode, ...(note ? [note] : [])), ...(seconds ? { seconds } : {}) };
  writeFileSync(
    path,
    stringify({
      name: 'minus-one',
      prompts: { file: 'prompts.jsonl' },
      benchmarks: [
        { name: 'target', role: 'target', file: 'target.jsonl' },
        { name: 'guarded', role: 'guard', command: guard('items'), harness },
      ],
      answer: { read: 'last-number' },
      ...task,
    }),
  );
  const key = keyed ? { apiKeyEnv: 'GATEWAY_TEST_KEY' } : {};
  const models = { generator: { baseURL: endpoint.url, model: 'adder', ...key } };
  const { taskSpec, settings, items } = await takeIn({ task: path, models, paging: { callsInFlight: 3 } });
  await createRun(db, { id: runId, task: 'minus-one', taskSpec, settings, codeVersion: 'test' }, items);
  const base = await addCheckpoint(db, { runId, iterationIndex: 0, kind: 'base', model: 'adder' });
  const { main, llm } = createActivities({ db });
  const [plan] = await main.planEvaluations({ runId, checkpointId: base.id, roles: ['guard'] });
  const { evaluationId } = plan!;
  const environment = new MockActivityEnvironment();
  return {
    endpoint,
    runId,
    evaluationId,
    environment,
    measure: (first = 0) => environment.run(llm.benchmarkItems, { evaluationId, first, count: 2 }),
    close: () => main.closeEvaluation({ evaluationId }),
    scores: () =>
      db
        .select()
        .from(evaluationItems)
        .where(eq(evaluationItems.evaluationId, evaluationId))
        .orderBy(asc(evaluationItems.itemId)),
    calls: () => db.select().from(modelCalls).where(eq(modelCalls.runId, runId)),
  };
}

describe('a measurement', () => {
  it('is one run of the command for all pages, stored item by item with one call, and never repeated', async () => {
    const { endpoint, evaluationId, measure, scores, calls, close } = await start({ mode: 'scores' });
    await measure(2);
    expect(endpoint.requests).toEqual([]);
    await measure(0);
    await measure(4);
    await measure(0);
    expect(endpoint.requests).toHaveLength(6);
    expect((await scores()).map(({ correct, answer }) => [correct, answer])).toEqual([
      [true, '2'],
      [true, '4'],
      [true, '6'],
      [true, '8'],
      [false, '11'],
      [false, null],
    ]);
    const [call, ...others] = await calls();
    expect(others).toEqual([]);
    expect(call).toMatchObject({ stage: 'benchmark', role: 'generator', requests: 6, error: null });
    expect(call!.promptTokens).toBeGreaterThan(0);
    expect(new Set((await scores()).map(({ callId }) => callId))).toEqual(new Set([call!.id]));
    expect((await scores())[0]).toMatchObject({ rationale: 'It is 2', evaluationId });
    expect(await close()).toEqual({ correct: 4, total: 6 });
  });

  it('asks by way of a relay, which has the key and the task’s further fields', async () => {
    process.env.GATEWAY_TEST_KEY = 'the-secret';
    const models = { generator: { extra: { top_k: 1, temperature: 0.5 } } };
    const { endpoint, measure, scores } = await start({ mode: 'scores', task: { models }, keyed: true });
    await measure();
    expect(await scores()).toHaveLength(6);
    const { body, headers } = endpoint.received[0]!;
    // What the harness says goes before what the task says; the key that it was given is `none`.
    expect(body).toMatchObject({ model: 'adder', top_k: 1, temperature: 0 });
    expect(headers.authorization).toBe('Bearer the-secret');
  });

  it('is the same in both forms where worked examples stand in samples only', async () => {
    const examples = [{ prompt: 'What is 9 - 1?', answer: 'It is 8' }];
    const { measure, scores, close } = await start({
      mode: 'scores',
      task: { examples, examplesIn: 'sampling' },
    });
    await measure();
    const items = (await scores()).map(({ itemId, correct }) => ({ itemId, correct }));
    const shown = await db.query.shownAnswers.findMany({ orderBy: asc(shownAnswers.itemId) });
    expect(shown.map(({ itemId, correct }) => ({ itemId, correct }))).toEqual(items);
    expect(await close()).toEqual({ correct: 4, total: 6 });
  });

  it('needs no answers and no responses, and takes any text', async () => {
    const bare = await start({ mode: 'bare' });
    await bare.measure();
    const answers = (await bare.scores()).map(({ answer }) => answer);
    expect(answers).toEqual(['right', 'right', 'right', 'right', 'wrong', 'wrong']);
    const odd = await start({ mode: 'odd' });
    await odd.measure();
    expect((await odd.scores())[0]!.rationale).toBe('NUL \uFFFD, half \uFFFD');
  });

  it('may leave out what the endpoint refused, which is then neither right nor wrong', async () => {
    const refuse: Script['fault'] = ({ messages }) =>
      messages[0]!.content.includes('2 + 2') ? { status: 400, message: 'content filter' } : undefined;
    const { measure, scores } = await start({ mode: 'null-refused', script: { fault: refuse } });
    await measure();
    expect((await scores()).map(({ correct }) => correct)).toEqual([true, null, true, true, false, false]);
  });

  it('waits for an endpoint that has too much to do', async () => {
    const fault: Script['fault'] = (_, count) =>
      count < 3 ? { status: 429, headers: { 'retry-after-ms': '20' } } : undefined;
    const { measure, scores } = await start({ mode: 'scores', script: { fault } });
    await measure();
    expect(await scores()).toHaveLength(6);
  });
});

describe('nothing counts and the run parks', () => {
  it.each<[string, Guarded, RegExp[]]>([
    [
      'when it fails',
      { mode: 'fails' },
      [
        /^measuring adder on guarded: its harness: `.*guard\.mjs fails` ended with code 3; it said:\nloading\nno module named lm_eval$/,
      ],
    ],
    [
      'when it takes too long',
      { mode: 'hangs', note: join(folder, 'late'), seconds: 1 },
      [/was not done in 1 s/],
    ],
    ['when it writes without end', { mode: 'floods' }, [/wrote more than 67108864 bytes/]],
    [
      'when problems are missing',
      { mode: 'missing' },
      [/no line has problem 2 of the benchmark: "Guarded: what is 2 \+ 2\?"/, /no line has problem 3/],
    ],
    [
      'when a problem is doubled',
      { mode: 'double' },
      [/line 7 of its scores has the problem of line 1 again/],
    ],
    [
      'when a problem is unknown',
      { mode: 'unknown' },
      [/line 7 of its scores has a problem that the benchmark has not: "What is not/],
    ],
    [
      'when it writes something else',
      { mode: 'chatty' },
      [/line 1 of its scores .*\(only scores may go to standard output\)/],
    ],
    ['when a line is no score', { mode: 'no-score' }, [/line 3 of its scores is no score: ok: .*extra/]],
    [
      'when it asks another model',
      { mode: 'other-model' },
      [/the model to measure is "adder" \(RATCHET_MODEL\)/],
    ],
    ['when it comes by another way', { mode: 'outside' }, [/404: .*a harness may ask for/]],
    ['when it wants a stream', { mode: 'streams' }, [/answers are not streamed/]],
    [
      'when a refusal would have counted as wrong',
      { mode: 'swallow', script: { fault: () => ({ status: 400, message: 'content filter' }) } },
      [/6 requests were refused, and yet it scored every problem/, /content filter/],
    ],
  ])('%s', async (_, guarded, said) => {
    const { measure, scores, calls } = await start(guarded);
    const error = await measure().then(
      () => expect.unreachable('it was measured'),
      (failure: ApplicationFailure) => failure,
    );
    expect(error).toMatchObject({ type: FAILURE.harnessFailed, nonRetryable: true });
    for (const part of said) expect(error.message).toMatch(part);
    expect(await scores()).toEqual([]);
    // What it asked is paid for all the same.
    expect(await calls()).toMatchObject([{ error: expect.any(String) as string }]);
  });

  it('when a file that the command names has changed', async () => {
    const { measure, scores } = await start({ mode: 'scores' });
    const file = join(folder, 'guard.mjs');
    const before = readFileSync(file, 'utf8');
    writeFileSync(file, `${before}\n`);
    await expect(measure()).rejects.toThrow(/guard\.mjs changed since the run began: put it back/);
    writeFileSync(file, before);
    await measure();
    expect(await scores()).toHaveLength(6);
  });
});

it.each<[string, Script['fault'], RegExp, boolean]>([
  [
    'does not know the model',
    () => ({ status: 404, code: 'model_not_found' }),
    /does not serve checkpoint/,
    true,
  ],
  [
    'is away for a while',
    () => ({ status: 500, headers: { 'retry-after-ms': '1' } }),
    /^measuring adder on guarded: 500/,
    false,
  ],
])(
  'an endpoint that %s is the cause, whatever the command makes of it',
  async (_, fault, said, nonRetryable) => {
    const { measure, scores } = await start({ mode: 'swallow', script: { fault } });
    await expect(measure()).rejects.toMatchObject({
      type: FAILURE.modelUnavailable,
      message: expect.stringMatching(said) as string,
      nonRetryable,
    });
    expect(await scores()).toEqual([]);
  },
);

it('cancelling ends the command and what it started', async () => {
  const note = join(folder, 'cancelled');
  const { measure, environment, scores } = await start({ mode: 'hangs', note });
  const measuring = measure();
  const pid = await until(
    'the command to be under way',
    async () => existsSync(note) && Number(readFileSync(note)),
  );
  environment.cancel();
  await expect(measuring).rejects.toThrow(/CANCEL/i);
  await until('its child to end', async () => !isAlive(pid), 5_000);
  expect(await scores()).toEqual([]);
});

it('is checked before a run without being run', async () => {
  const endpoint = await startScriptedEndpoint({ ...doubles, answer: () => 'It is 7' });
  endpoints.push(endpoint);
  const { endpoint: _, ...stored } = await start({ mode: 'fails' });
  const models = { generator: { baseURL: endpoint.url, model: 'adder' } };
  const gates = { critique: { mode: 'off' as const } };
  const task = join(folder, `${stored.runId}.yaml`);
  const { findings } = await checkRun({ task, models, gates });
  expect(findings.filter(({ ok }) => !ok).map(({ what }) => what)).toEqual([]);
  expect(endpoint.requests.some((request) => request.includes('Guarded'))).toBe(false);
});

describe('a task file', () => {
  const write = (name: string, benchmark: object) => {
    const path = join(folder, name);
    const target = { name: 'target', role: 'target', file: 'target.jsonl' };
    const own = { name: 'own', ...benchmark };
    const task = { name: 'x', prompts: { file: 'prompts.jsonl' }, benchmarks: [target, own] };
    writeFileSync(path, stringify({ ...task, answer: { read: 'last-number' } }));
    return takeIn({ task: path });
  };

  it('has a harness of guards alone', async () => {
    const harness = { command: guard('scores') };
    await expect(write('f.yaml', { role: 'final', command: guard('items'), harness })).rejects.toThrow(
      /benchmarks\.1\.harness: measures guards only/,
    );
    await expect(write('h.yaml', { role: 'guard', harness })).rejects.toThrow(/needs a file, a command/);
  });

  it('takes the answers of a guard as they stand, whatever the task compares', async () => {
    writeFileSync(
      join(folder, 'letters.jsonl'),
      `${JSON.stringify({ prompt: 'Which? A or B', answer: 'B' })}\n`,
    );
    const harness = { command: guard('scores') };
    const { items } = await write('letters.yaml', { role: 'guard', file: 'letters.jsonl', harness });
    expect(items.at(-1)).toMatchObject({ benchmark: 'own', text: 'Which? A or B', answer: 'B' });
  });
});
