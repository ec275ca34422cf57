/**
 * A task file without any settings on a model that was not made for it: the run takes the only model that is served, and ends its
 * iteration with a decision, whatever the model makes of it.
 */
import { fileURLToPath } from 'node:url';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildReport } from '../../app/report/report.ts';
import { renderReport } from '../../cli/render/report.ts';
import { TASK_QUEUE } from '../../workflows/names.ts';
import { createTestDatabase } from '../support/database.ts';
import { startModelServer, type ModelServer } from '../support/model-server.ts';
import { startTemporal, startWorkers } from '../support/temporal.ts';

const task = fileURLToPath(new URL('../fixtures/sums-task/task.yaml', import.meta.url));

let temporal: TestWorkflowEnvironment;
let server: ModelServer;
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let stopWorkers: () => Promise<void>;
const before = process.env.MODEL_BASE_URL;

beforeAll(async () => {
  [temporal, server, database] = await Promise.all([
    startTemporal(),
    startModelServer(),
    createTestDatabase(),
  ]);
  // As `ratchet up` tells it to its workers.
  process.env.MODEL_BASE_URL = server.url;
  stopWorkers = await startWorkers(temporal, database.db);
}, 240_000);

afterAll(async () => {
  if (before === undefined) delete process.env.MODEL_BASE_URL;
  else process.env.MODEL_BASE_URL = before;
  await stopWorkers?.();
  await temporal?.teardown();
  await database?.drop();
  await server?.close();
});

it('runs to a decision on the built-in model, which its critic and its adapters do not make ambiguous', async () => {
  // One iteration is enough to see that none of its stages waits for somebody.
  const result = await temporal.client.workflow.execute('improve', {
    workflowId: 'untuned',
    taskQueue: TASK_QUEUE.main,
    args: [{ task, iterations: 1 }],
  });
  expect(result).toMatchObject({ runId: 'untuned', status: 'completed', iterations: 1 });
  const { rows } = await database.db.execute<{ kind: string; reason: string; model: string }>(
    sql`select d.kind, d.reason, r.settings->'models'->'generator'->>'model' as model
        from decisions d join iterations i on i.id = d.iteration_id join runs r on r.id = i.run_id`,
  );
  expect(rows).toHaveLength(1);
  // The model that was found is the run's from now on.
  expect(rows[0]!.model).toBe('arithmetic');
  expect(['promote', 'discard', 'nothing-to-train']).toContain(rows[0]!.kind);
  const { rows: parked } = await database.db.execute(
    sql`select 1 from stages where status = 'failed' union all select 1 from audits where outcome = 'failed'`,
  );
  expect(parked).toEqual([]);

  const text = renderReport(await buildReport(database.db, 'untuned')).replaceAll(/\s+/g, ' ');
  expect(text).toContain(' model arithmetic ');
  if (rows[0]!.kind === 'nothing-to-train') expect(text).toContain('no example passed the gates (of');
}, 240_000);
