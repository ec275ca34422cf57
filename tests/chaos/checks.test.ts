/** The chaos suite proves something only if its checks can fail: here they are shown what they must find. */
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TASK_QUEUE } from '../../workflows/names.ts';
import { createTestDatabase } from '../support/database.ts';
import { adder } from '../support/scripted-adder.ts';
import { startScriptedEndpoint, type ScriptedEndpoint } from '../support/scripted-endpoint.ts';
import { startTemporal, startWorkers } from '../support/temporal.ts';
import { inconsistencies } from './harness/consistency.ts';
import { differences } from './harness/invariants.ts';
import { chosen, killCells } from './harness/plan.ts';
import { callsAfterTheirStage, compareCalls } from './harness/repeats.ts';
import { takeSnapshot, type StageTimes } from './harness/snapshot.ts';
import { faultTable, killTable } from './harness/table.ts';

const RUN = 'of-a-piece';
let temporal: TestWorkflowEnvironment;
let endpoint: ScriptedEndpoint;
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let stopWorkers: () => Promise<void>;

beforeAll(async () => {
  [temporal, endpoint, database] = await Promise.all([
    startTemporal(),
    startScriptedEndpoint(adder),
    createTestDatabase(),
  ]);
  stopWorkers = await startWorkers(temporal, database.db);
  const run = await temporal.client.workflow.start('improve', {
    workflowId: RUN,
    taskQueue: TASK_QUEUE.main,
    args: [
      {
        iterations: 1,
        pool: { prompts: 24, rehearsal: 6 },
        benchmark: { size: 'quick' },
        gates: { critique: { mode: 'off' } },
        probes: { mode: 'off' },
        models: { generator: { baseURL: endpoint.url, model: adder.baseModel } },
      },
    ],
  });
  await run.result();
}, 120_000);

afterAll(async () => {
  await stopWorkers?.();
  await temporal?.teardown();
  await database?.drop();
  await endpoint?.close();
});

class Undo extends Error {}

/** What the checks say after the damage, which is undone. */
async function damaged(statement: string, look: typeof inconsistencies): Promise<string[]> {
  let found: string[] = [];
  await database.db
    .transaction(async (tx) => {
      await tx.execute(sql.raw(statement));
      found = await look(tx, RUN);
      throw new Undo();
    })
    .catch((error: unknown) => {
      if (!(error instanceof Undo)) throw error;
    });
  return found;
}

const base = `(select id from checkpoints where iteration_index = 0)`;
const one = (table: string) => `(select ctid from ${table} limit 1)`;

describe('rows of a piece', () => {
  it('are found so in a run that nothing has disturbed', async () => {
    expect(await inconsistencies(database.db, RUN)).toEqual([]);
  });

  it.each([
    ['the run is not closed', `update runs set status = 'running'`],
    ['an iteration is not finished', `delete from stages where name = 'filter'`],
    ['an iteration is not finished', `delete from decisions`],
    ['a stage is not done', `update stages set status = 'failed' where name = 'adapt'`],
    ['a prompt lacks its vote', `delete from votes where ctid = ${one('votes')}`],
    ['a vote was not taken', `update votes set samples = samples - 1 where ctid = ${one('votes')}`],
    ["a sample's call", `update model_calls set error = 'x' where id in (select call_id from samples)`],
    [
      'samples of one prompt',
      `update samples set checkpoint_id = (select max(id) from checkpoints) where index = 0`,
    ],
    ['a judged sample lacks', `delete from verdicts where ctid = ${one('verdicts')}`],
    [
      'a sample was not judged',
      `delete from verdicts where sample_id = (select min(sample_id) from verdicts)`,
    ],
    ['an example failed', `update examples set answer = '-1' where ctid = ${one('examples')}`],
    ['an example failed', `update verdicts set outcome = 'fail'`],
    ['a dataset holds', `delete from dataset_examples where ctid = ${one('dataset_examples')}`],
    ['an evaluation is open', `delete from evaluation_items where ctid = ${one('evaluation_items')}`],
    ['a decision promotes', `update decisions set best_id = ${base}`],
    ['an adapter has no', `update checkpoints set training_job_id = null`],
    [
      'a prompt is a benchmark item',
      `update prompts set key = (select min(key) from benchmark_items) where position = 0`,
    ],
    [
      'a reservation',
      `insert into reservations (run_id, key, tokens, cost) values ('${RUN}', 'generate/0', 1, 0)`,
    ],
  ])('are missed: %s', async (what, statement) => {
    expect(await damaged(statement, inconsistencies)).toContainEqual(expect.stringContaining(what));
  });
});

describe('the comparison with the undisturbed run', () => {
  it.each([
    [
      'accepted triples',
      `delete from dataset_examples; delete from examples where ctid = ${one('examples')}`,
    ],
    ['dataset digests', `update datasets set digest = 'other'`],
    ['decisions', `update decisions set kind = 'discard'`],
    [
      'benchmark answers',
      `update evaluation_items set answer = '-1' where ctid = ${one('evaluation_items')}`,
    ],
  ])('sees other %s', async (what, statement) => {
    const reference = await takeSnapshot(database.db, RUN);
    expect(differences(reference, reference)).toEqual([]);
    const seen = await damaged(statement, async (db, runId) =>
      differences(await takeSnapshot(db, runId), reference),
    );
    expect(seen).toEqual([expect.stringContaining(what)]);
  });

  it('counts calls that are repeated, that are not its own, and that are missing', () => {
    const calls = (keys: string) => keys.split('').map((key, i) => ({ key, atMs: i }));
    expect(compareCalls(calls('abca'), calls('aabc'))).toEqual({ repeated: 0, foreign: 0, missing: 0 });
    expect(compareCalls(calls('aabbbx'), calls('abc'))).toEqual({ repeated: 3, foreign: 1, missing: 1 });
  });

  it('finds calls of a stage after its end, however often other stages ask the same', () => {
    const stage = (name: StageTimes['name'], startedMs: number, finishedMs: number): StageTimes => ({
      index: 1,
      name,
      status: 'done',
      startedMs,
      finishedMs,
    });
    const reference = {
      stages: [stage('generate', 10, 20), stage('benchmark', 20, 30)],
      calls: [
        { key: 'before', atMs: 5 },
        { key: 'generated', atMs: 15 },
        { key: 'both', atMs: 16 },
        { key: 'both', atMs: 25 },
      ],
    };
    const late = (key: string, atMs: number) =>
      callsAfterTheirStage([{ key, atMs }], reference.stages, reference);
    expect(late('generated', 18)).toEqual([]);
    expect(late('generated', 22)).toEqual(['a call of 1/generate 2 ms after its end']);
    expect(late('both', 22)).toEqual([]);
    expect(late('before', 40)).toEqual([]);
  });
});

describe('the tables', () => {
  it('show what held, what broke, and what was left out', () => {
    const [cell] = chosen(killCells(1), 'worker/generate/50');
    const done = { cell: cell!, repeated: 3, inFlight: 8, seconds: 31.2 };
    expect(killTable([{ ...done, broken: [] }])).toMatch(/\| generate, 50 % +\| ✓ 3\/8, 31 s \| – /);
    expect(killTable([{ ...done, broken: ['two jobs'] }])).toContain('✗ two jobs');
    const fault = { name: '500', expected: 'completes', run: async () => [] };
    expect(faultTable([{ cell: fault, broken: [], seconds: 2 }])).toContain(
      '| 500          | completes | ✓ 2 s  |',
    );
  });
});
