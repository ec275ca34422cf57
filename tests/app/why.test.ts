/** `why` and `revoke` over a real run: the loop made the history, the commands are typed. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { renderWhy } from '../../cli/render/why.ts';
import { exampleIds, planRevocation } from '../../app/lineage/revoke.ts';
import { findTarget } from '../../app/lineage/target.ts';
import { explain } from '../../app/lineage/why.ts';
import type { CheckpointWhy, PieceWhy, PromptWhy } from '../../app/lineage/types.ts';
import type { ImproveInput } from '../../loop/input.ts';
import { TASK_QUEUE } from '../../workflows/names.ts';
import { ratchet as runRatchet } from '../support/cli-process.ts';
import { createTestDatabase } from '../support/database.ts';
import { adder } from '../support/scripted-adder.ts';
import {
  startScriptedEndpoint,
  type ScriptedEndpoint,
  type ScriptedJob,
} from '../support/scripted-endpoint.ts';
import { startTemporal, startWorkers } from '../support/temporal.ts';

const folder = mkdtempSync(join(tmpdir(), 'ratchet-why-'));
let temporal: TestWorkflowEnvironment;
let endpoint: ScriptedEndpoint;
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let stopWorkers: () => Promise<void>;

/** Two iterations with an advisory critic, which gets no verdict out of this model. */
const input = (): ImproveInput => ({
  iterations: 2,
  pool: { prompts: 30, rehearsal: 4 },
  benchmark: { size: 'quick' },
  gates: { critique: { mode: 'advisory' } },
  // Nobody would catch what is planted.
  probes: { mode: 'advisory' },
  models: { generator: { baseURL: endpoint.url, model: 'adder' }, critic: { model: 'adder' } },
  paging: { promptsPerPage: 10 },
});

const improve = (workflowId: string, changes: ImproveInput = {}) =>
  temporal.client.workflow.execute('improve', {
    workflowId,
    taskQueue: TASK_QUEUE.main,
    args: [{ ...input(), ...changes }],
  });

/** The trainer says where it puts adapters. */
function outcome(job: ScriptedJob) {
  job.adapter_path = join(folder, 'adapters', job.id);
  return { status: 'succeeded' as const };
}

beforeAll(async () => {
  [temporal, endpoint, database] = await Promise.all([
    startTemporal(),
    startScriptedEndpoint({ ...adder, outcome }),
    createTestDatabase(),
  ]);
  stopWorkers = await startWorkers(temporal, database.db);
  await improve('demo');
}, 240_000);

afterAll(async () => {
  await stopWorkers?.();
  await temporal?.teardown();
  await database?.drop();
  await endpoint?.close();
  rmSync(folder, { recursive: true });
});

const ratchet = (...args: string[]) =>
  runRatchet(args, { cwd: folder, env: { DATABASE_URL: database.url, RATCHET_HOME: join(folder, 'home') } });

/** The answer as data, as `--json` writes it. */
async function asked<T>(what: string, count = 3): Promise<T> {
  const target = await findTarget(database.db, what);
  const answer = await explain(database.db, target, { count, from: 0, verify: false });
  return JSON.parse(JSON.stringify(answer)) as T;
}

async function rows<T extends Record<string, unknown>>(query: ReturnType<typeof sql>): Promise<T[]> {
  return (await database.db.execute(query)).rows as T[];
}

describe('why', () => {
  test("the best checkpoint's answer names all that made it", async () => {
    const why = await asked<CheckpointWhy>('best:demo', 500);
    expect(why.checkpoint).toMatchObject({ run: 'demo', kind: 'adapter', best: true, promoted: true });
    expect(why.checkpoint.fingerprint).toMatch(/^fp_[0-9a-f]{16}$/);
    const [run] = await rows<{ code_version: string }>(sql`select code_version from runs where id = 'demo'`);
    expect(why.run).toMatchObject({
      codeVersion: run!.code_version,
      task: 'arithmetic',
      status: 'completed',
    });
    expect(why.chain.at(-1)).toMatchObject({ kind: 'base', model: 'adder', iteration: 0 });
    expect(why.training).toMatchObject({
      checkpoint: why.checkpoint.id,
      status: 'succeeded',
      parameters: { epochs: 3, loraRank: 32 },
      dataset: { check: 'verified', revoked: [] },
    });
    expect(endpoint.jobs.get(why.training!.job)?.fine_tuned_model).toBe(why.checkpoint.model);
    expect(why.decision).toMatchObject({ kind: 'promote', numbers: { pValue: expect.any(Number) } });
    expect(why.scores.map((one) => one.benchmark)).toContain('target');

    // Every example of the training set, and the counts add up to it.
    const { items, total, next } = why.examples;
    expect([items.length, next]).toEqual([total, null]);
    expect(why.counts.reduce((sum, one) => sum + one.examples, 0)).toBe(total);
    expect(new Set(items.map((one) => one.example!.kind))).toContain('rehearsal');
    for (const item of items) {
      expect(item.vote!.trusted).toBe(true);
      expect(item.judged.verdicts.map((one) => one.gate)).toEqual(
        expect.arrayContaining(['agreement', 'coherence', 'critique', 'format', 'length']),
      );
      const { vote } = item;
      expect(vote!.answers.flatMap((one) => one.samples)).toHaveLength(vote!.samples);
      expect(vote!.answers.find((one) => one.answer === vote!.answer)?.samples.length).toBeGreaterThanOrEqual(
        vote!.votes,
      );
      expect(vote!.tallies.reduce((sum, one) => sum + one.votes, 0)).toBe(vote!.votes);
      expect(item.generator.fingerprint).toBe(item.generator.answeredBy);
      expect(item.asked).toMatchObject({ draw: 'matches', messages: [{ role: 'user' }] });
      // As it was sent: the endpoint has seen exactly these messages under this seed.
      const { messages } = item.asked as { messages: unknown };
      const sent = JSON.stringify([item.generator.answeredAs, messages, item.sample.seed]).slice(0, -1);
      expect(endpoint.requests.some((request) => request.startsWith(`${sent},`))).toBe(true);
    }
    const critiques = items.flatMap((item) => item.judged.critiques);
    expect(critiques[0]).toMatchObject({ outcome: 'unscored', model: 'adder' });
    expect(critiques[0]!.promptVersion).toMatch(/^[0-9a-f]{12}$/);
  });

  test('in words, it fits a terminal and leads to the next page', async () => {
    const { stdout } = await ratchet('why', 'best:demo', '--examples', '2');
    for (const part of [
      'promoted, best now',
      'digest verified',
      'Chain, down to the base',
      'What it was trained on',
      'Examples 1–2 of',
      'the very request',
      'agreement pass: agreement',
      'prompt version',
      '--from 2',
    ])
      expect(stdout).toContain(part);
    const second = await ratchet('why', 'best:demo', '--examples', '1', '--from', '1');
    const names = (text: string) => text.match(/^example:\d+/gm);
    expect(names(second.stdout)).toEqual(names(stdout)!.slice(1));
  });

  test('it is found by model, fingerprint, job, adapter folder and weight file', async () => {
    const { checkpoint, training } = await asked<CheckpointWhy>('best:demo', 0);
    mkdirSync(checkpoint.path!, { recursive: true });
    const weights = join(checkpoint.path!, 'adapter_model.safetensors');
    writeFileSync(weights, '');
    const moved = join('elsewhere', training!.job, 'adapter_model.safetensors');
    const names = [
      `checkpoint:${checkpoint.id}`,
      checkpoint.model,
      checkpoint.fingerprint!,
      training!.job,
      checkpoint.path!,
      weights,
      moved,
    ];
    for (const name of names) {
      expect(await findTarget(database.db, name), name).toEqual({ kind: 'checkpoint', id: checkpoint.id });
    }
    const number = await findTarget(database.db, String(checkpoint.id), { checkpoint: true });
    expect(number).toEqual({ kind: 'checkpoint', id: checkpoint.id });
    // Every run of a base has a checkpoint of its own for it.
    expect(await findTarget(database.db, 'adder')).toEqual({ kind: 'checkpoint', id: 1 });
  });

  test('a bare number, an unknown name and a strange file are explained, not guessed', async () => {
    expect(await ratchet('why', '1')).toMatchObject({
      code: 2,
      stderr: '✗ 1 alone does not say of what. Say which: checkpoint:1, example:1, sample:1, prompt:1\n',
    });
    const strange = join(folder, 'strange.safetensors');
    writeFileSync(strange, '');
    for (const [given, answer] of [
      ['987654', 'There is no checkpoint, example, sample, prompt or feedback 987654.'],
      ['sample:x', '"x" is no id'],
      ['ft:nobody', 'Nothing is known as "ft:nobody"'],
      [strange, `No checkpoint has its adapter at ${strange}`],
      ['best:nowhere', 'There is no run "nowhere"'],
    ] as const)
      await expect(findTarget(database.db, given)).rejects.toThrow(answer);
    expect(await ratchet('why', 'example:987654')).toMatchObject({
      code: 2,
      stderr: '✗ There is no example 987654.\n',
    });
  });

  test('every example of a checkpoint comes one a line', async () => {
    const { stdout } = await ratchet('why', 'best:demo', '--all', '--json');
    const whole = await ratchet('why', 'best:demo', '--json', '--examples', '1');
    expect(JSON.parse(whole.stdout)).toEqual(await asked<CheckpointWhy>('best:demo', 1));
    const [head, ...items] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(items).toHaveLength((head as unknown as CheckpointWhy).examples.total);
    expect(items.map((item) => item.position)).toEqual(items.map((_, i) => i));
  });

  test('an example says what it trained, a sample that is none says why', async () => {
    const best = await asked<CheckpointWhy>('best:demo', 1);
    const item = best.examples.items[0]!;
    const example = await asked<PieceWhy>(`example:${item.example!.id}`);
    expect(example.piece.sample.id).toBe(item.sample.id);
    expect(example.datasets).toContainEqual(
      expect.objectContaining({ checkpoint: best.checkpoint.id, position: 0 }),
    );
    expect(example.reached).toContainEqual(
      expect.objectContaining({ id: best.checkpoint.id, best: true, promoted: true, how: 'trained on it' }),
    );
    const [failed] = await rows<{ id: string }>(
      sql`select sample_id as id from verdicts where outcome = 'fail' and not advisory and gate = 'agreement' limit 1`,
    );
    const { stdout } = await ratchet('why', `sample:${failed!.id}`);
    expect(stdout).toMatch(/^sample:\d+[\s\S]*It is no example: .*agreement fail/);
    const prompt = await asked<PromptWhy>(`prompt:${item.prompt.id}`, 2);
    expect(prompt).toMatchObject({ what: 'prompt', total: expect.any(Number) });
    expect(prompt.samples.map((one) => one.prompt.id)).toEqual([item.prompt.id, item.prompt.id]);
  });

  test('another way of asking than the one that was used does not pass for it', async () => {
    const best = await asked<CheckpointWhy>('best:demo', 1);
    const sampleId = best.examples.items[0]!.sample.id;
    const before = await asked<PieceWhy>(`sample:${sampleId}`);
    await database.db.execute(sql`update samples set request = request || ' ' where id = ${sampleId}`);
    const after = await asked<PieceWhy>(`sample:${sampleId}`);
    expect([before, after].map((why) => (why.piece.asked as { draw: string }).draw)).toEqual([
      'matches',
      'differs',
    ]);
    const changed = await asked<CheckpointWhy>('best:demo', 0);
    expect(changed.training!.dataset.check).toBe('differs');
    await database.db.execute(sql`update samples set request = trim(request) where id = ${sampleId}`);
  });

  test('what a model wrote cannot steer the terminal', async () => {
    const why = await asked<PieceWhy>('sample:1');
    why.piece.sample.rationale = 'fine\u001b[2J\u001b]0;title\u0007\u202e';
    why.piece.judged.verdicts[0]!.reason = 'ok\u001b[31m\r\nforged line';
    const text = renderWhy(why, false);
    for (const control of ['\u001b', '\u0007', '\u202e', '\r']) expect(text).not.toContain(control);
    expect(text).not.toMatch(/^forged/m);
    expect(text).toContain('fine');
  });
});

describe('revoke', () => {
  const revoked = () => rows<{ id: string; by: string }>(sql`select example_id as id, "by" from revocations`);

  test('asks before it stores, and refuses what is unknown or unsaid', async () => {
    const [{ id } = { id: '' }] = await rows<{ id: string }>(sql`select min(id) as id from examples`);
    await expect(planRevocation(database.db, exampleIds([id, '987654']))).rejects.toThrow(
      'There is no example:987654. Nothing was revoked.',
    );
    expect(() => exampleIds([id, 'sample:1'])).toThrow('"sample:1": give ids of examples');
    for (const [args, answer] of [
      [[id, '--yes'], "required option '--reason <text>' not specified"],
      [[id, '--reason', ' ', '--yes'], 'what is wrong with the examples'],
      [[id, '--reason', 'r'], 'no terminal to ask at. Add --yes.'],
    ] as const) {
      const { code, stderr } = await ratchet('revoke', ...args);
      expect([code, stderr]).toEqual([2, expect.stringContaining(answer)]);
    }
    expect(await revoked()).toEqual([]);
  });

  test('lists what was touched, offers the way back, and no later run trains on it again', async () => {
    const best = await asked<CheckpointWhy>('best:demo', 500);
    const id = best.examples.items.find((item) => item.prompt.iteration === 1)!.example!.id;
    const first = await ratchet('revoke', `example:${id}`, '--reason', 'carry \u001b[2Jlost', '--yes');
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toContain(`checkpoint:${best.checkpoint.id}`);
    expect(first.stdout).toMatch(/It touched \d checkpoint[\s\S]*trained on it +best now/);
    expect(first.stdout).toContain('Revoked 1');
    expect(first.stdout).toContain('ratchet run arithmetic --set start=base');
    const again = await ratchet('revoke', String(id), '--reason', 'other', '--yes');
    expect(again.stdout).toContain('nothing changed');
    expect(await revoked()).toEqual([{ id: String(id), by: expect.any(String) }]);

    const why = await ratchet('why', `example:${id}`);
    expect(why.stdout).toMatch(/REVOKED +\d{4}-\d\d-\d\d by .*: carry lost/);
    const after = await asked<CheckpointWhy>('best:demo', 0);
    expect(after.training!.dataset).toMatchObject({ check: 'verified', revoked: [id] });

    // The same seed draws, judges and accepts the same again; only the revoked one trains no more.
    await improve('later', { iterations: 1 });
    const accepted = (run: string) =>
      rows<{ request: string; rationale: string }>(sql`select s.request, s.rationale from examples e
        join samples s on s.id = e.sample_id join iterations i on i.id = e.iteration_id
        where e.run_id = ${run} and i.index = 1 order by s.request, s.rationale`);
    expect(await accepted('later')).toEqual(await accepted('demo'));
    const trained = await rows<{ n: number; hits: number }>(sql`
      select count(*)::int as n, count(*) filter (where s.request = w.request and s.rationale = w.rationale)::int as hits
      from dataset_examples m join examples e on e.id = m.example_id join samples s on s.id = e.sample_id
      cross join (select s.* from samples s join examples e on e.sample_id = s.id where e.id = ${id}) w
      where e.run_id = 'later'`);
    // Draws of the first run, taken over: still the very requests, wherever the model answered.
    await database.db.execute(
      sql`update runs set settings = settings #- '{models,generator,baseURL}' where id = 'later'`,
    );
    const later = await asked<CheckpointWhy>('best:later', 1);
    expect(later.examples.items[0]).toMatchObject({
      asked: { draw: 'matches' },
      sample: { cached: true },
      generator: { run: 'later', drawnIn: 'demo' },
    });
    await expect(findTarget(database.db, 'adder')).rejects.toThrow('2 checkpoints are known as "adder"');
    expect(trained[0]).toEqual({ n: (await accepted('demo')).length - 1, hits: 0 });
  }, 120_000);
});
