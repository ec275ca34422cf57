/** Where rogues run: a real Temporal server, PostgreSQL and workers, and an endpoint of its own for each run. */
import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowFailedError } from '@temporalio/client';
import { sql } from 'drizzle-orm';
import type { Db } from '../../../db/connect.ts';
import type { ImproveInput } from '../../../loop/input.ts';
import { merge } from '../../../loop/merge.ts';
import { TASK_QUEUE, WORKFLOW } from '../../../workflows/names.ts';
import { createTestDatabase } from '../../support/database.ts';
import {
  startScriptedEndpoint,
  type Script,
  type ScriptedEndpoint,
} from '../../support/scripted-endpoint.ts';
import { startTemporal, startWorkers } from '../../support/temporal.ts';
import { CRITIC, JUDGE } from './pupil.ts';
import { writeTask } from './world.ts';

/** A scripted endpoint and what a run at it is asked to do, beside what all runs of the gallery have in common. */
export type Arm = {
  script: Script;
  attach?(endpoint: ScriptedEndpoint): void;
  input?: ImproveInput;
};

export type Place = {
  db: Db;
  /** Runs `improve` to its end, or until it is parked. */
  run(runId: string, arm: Arm): Promise<ScriptedEndpoint>;
  stop(): Promise<void>;
};

/** Small, and with every draw made anew; what a rogue does not name is as the product ships it, with all guards asked for. */
const common = (task: string, url: string, model: string): ImproveInput => ({
  task,
  iterations: 1,
  seed: 3,
  pool: { prompts: 24, rehearsal: 0 },
  benchmark: { size: 'quick', majority: false },
  gates: { critique: { mode: 'required' } },
  probes: { mode: 'required' },
  sampling: { cache: false },
  // The questions have one template: their likeness is no leak.
  leaks: { similarity: 1 },
  models: { generator: { baseURL: url, model }, critic: { model: CRITIC }, judge: { model: JUDGE } },
  paging: { promptsPerPage: 12, pagesInFlight: 2 },
});

export async function startPlace(): Promise<Place> {
  const task = writeTask();
  const [temporal, database] = await Promise.all([startTemporal(), createTestDatabase()]);
  const { db } = database;
  const stopWorkers = await startWorkers(temporal, db);
  const endpoints: ScriptedEndpoint[] = [];
  return {
    db,
    async run(runId, { script, attach, input = {} }) {
      const endpoint = await startScriptedEndpoint(script);
      endpoints.push(endpoint);
      attach?.(endpoint);
      const { client } = temporal;
      const handle = await client.workflow.start(WORKFLOW.improve, {
        workflowId: runId,
        taskQueue: TASK_QUEUE.main,
        args: [merge(common(task.file, endpoint.url, script.baseModel), input)],
      });
      const ended = handle.result().catch((error: unknown) => {
        // What became of it stands in its row.
        if (!(error instanceof WorkflowFailedError)) throw error;
      });
      let over = false;
      void ended.finally(() => (over = true)).catch(() => undefined);
      while (!over) {
        const { rows } = await db.execute<{ status: string }>(
          sql`select status from runs where id = ${runId}`,
        );
        if (rows[0]?.status === 'parked') {
          await handle.terminate('the gallery has seen enough');
          break;
        }
        await Promise.race([ended, sleep(100)]);
      }
      await ended;
      return endpoint;
    },
    async stop() {
      await stopWorkers();
      await temporal.teardown();
      await database.drop();
      for (const endpoint of endpoints) await endpoint.close();
      task.remove();
    },
  };
}
