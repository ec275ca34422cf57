/** What tests of kills need: Temporal, a database, a scripted endpoint, and a worker that is a process of its own. */
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { SQL } from 'drizzle-orm';
import { afterAll, beforeAll } from 'vitest';
import { createTestDatabase } from './database.ts';
import { startScriptedEndpoint, type Script, type ScriptedEndpoint } from './scripted-endpoint.ts';
import { startTemporal } from './temporal.ts';
import { startWorkerProcess, type WorkerProcess } from './worker-process.ts';

export type Killable = {
  temporal: TestWorkflowEnvironment;
  database: Awaited<ReturnType<typeof createTestDatabase>>;
  endpoint: ScriptedEndpoint;
  start(): Promise<void>;
  kill(): Promise<void>;
  /** The column `n` of the query's one row. */
  count(query: SQL): Promise<number>;
  /** How often the endpoint was asked again for samples that it was asked for before. */
  repeated(): number;
};

/** Starts everything but the worker before the tests of the file and stops it after them; fields are there from the first test on. */
export function useKillable(script: Script): Killable {
  const killable = {} as Killable;
  let worker: WorkerProcess | undefined;
  beforeAll(async () => {
    [killable.temporal, killable.endpoint, killable.database] = await Promise.all([
      startTemporal(),
      startScriptedEndpoint(script),
      createTestDatabase(),
    ]);
  }, 120_000);
  afterAll(async () => {
    await worker?.kill();
    await killable.temporal?.teardown();
    await killable.database?.drop();
    await killable.endpoint?.close();
  });
  killable.start = async () => {
    const { database, temporal } = killable;
    worker = await startWorkerProcess({
      DATABASE_URL: database.url,
      TEMPORAL_ADDRESS: temporal.address,
      TEMPORAL_NAMESPACE: temporal.namespace ?? 'default',
    });
  };
  killable.kill = async () => worker!.kill();
  killable.count = async (query) => Number((await killable.database.db.execute(query)).rows[0]!.n);
  killable.repeated = () => {
    const asked = new Map<string, number>();
    for (const request of killable.endpoint.requests) asked.set(request, (asked.get(request) ?? 0) + 1);
    // Without a seed: a benchmark's, which may well be asked of several checkpoints.
    const generating = [...asked].filter(([request]) => !request.includes(',null,'));
    return generating.reduce((sum, [, times]) => sum + times - 1, 0);
  };
  return killable;
}
