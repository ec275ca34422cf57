/** What tests of whole runs need: Temporal, a database, a scripted endpoint and workers, all real, for one test file. */
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { SQL } from 'drizzle-orm';
import { afterAll, beforeAll } from 'vitest';
import type { ImproveInput } from '../../loop/input.ts';
import { TASK_QUEUE } from '../../workflows/names.ts';
import { createTestDatabase } from './database.ts';
import { startScriptedEndpoint, type Script, type ScriptedEndpoint } from './scripted-endpoint.ts';
import { startTemporal, startWorkers } from './temporal.ts';

export type Loop = {
  temporal: TestWorkflowEnvironment;
  database: Awaited<ReturnType<typeof createTestDatabase>>;
  endpoint: ScriptedEndpoint;
  /** Starts `improve` and answers its handle. */
  start(
    workflowId: string,
    input: ImproveInput,
  ): ReturnType<TestWorkflowEnvironment['client']['workflow']['start']>;
  /** Runs `improve` to its end. */
  improve(workflowId: string, input: ImproveInput): Promise<unknown>;
  rows<T>(query: SQL): Promise<T[]>;
  /** Stops the workers, as a restart of their process does, and starts others. */
  restartWorkers(): Promise<void>;
  /** An input that takes seconds, with changes. */
  small(changes?: ImproveInput): ImproveInput;
};

/** Starts everything before the tests of the file and stops it after them; fields are there from the first test on. */
export function useLoop(script: Script): Loop {
  const loop = {} as Loop;
  let stopWorkers: (() => Promise<void>) | undefined;
  beforeAll(async () => {
    [loop.temporal, loop.endpoint, loop.database] = await Promise.all([
      startTemporal(),
      startScriptedEndpoint(script),
      createTestDatabase(),
    ]);
    stopWorkers = await startWorkers(loop.temporal, loop.database.db);
  }, 180_000);
  afterAll(async () => {
    await stopWorkers?.();
    await loop.temporal?.teardown();
    await loop.database?.drop();
    await loop.endpoint?.close();
  });
  loop.restartWorkers = async () => {
    await stopWorkers!();
    stopWorkers = await startWorkers(loop.temporal, loop.database.db);
  };
  const options = (workflowId: string, input: ImproveInput) => ({
    workflowId,
    taskQueue: TASK_QUEUE.main,
    args: [input],
  });
  loop.start = (id, input) => loop.temporal.client.workflow.start('improve', options(id, input));
  loop.improve = (id, input) => loop.temporal.client.workflow.execute('improve', options(id, input));
  loop.rows = async <T>(query: SQL) => (await loop.database.db.execute(query)).rows as T[];
  loop.small = (changes = {}) => ({
    iterations: 1,
    check: 'off',
    pool: { prompts: 24, rehearsal: 4 },
    benchmark: { size: 'quick', majority: false },
    gates: { critique: { mode: 'off' } },
    // Without a critic nothing looks at the steps, so the gates would not pass their test.
    probes: { mode: 'off' },
    models: { generator: { baseURL: loop.endpoint.url, model: script.baseModel } },
    // A sample that an earlier test of the file drew must be drawn again.
    sampling: { cache: false },
    paging: { promptsPerPage: 4, pagesInFlight: 2, callsInFlight: 4 },
    ...changes,
  });
  return loop;
}
