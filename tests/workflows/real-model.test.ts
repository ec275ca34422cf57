import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TASK_QUEUE } from '../../workflows/names.ts';
import { createTestDatabase } from '../support/database.ts';
import { startModelServer, type ModelServer } from '../support/model-server.ts';
import { startTemporal, startWorkers } from '../support/temporal.ts';

let temporal: TestWorkflowEnvironment;
let server: ModelServer;
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let stopWorkers: () => Promise<void>;

beforeAll(async () => {
  [temporal, server, database] = await Promise.all([
    startTemporal(),
    startModelServer(),
    createTestDatabase(),
  ]);
  stopWorkers = await startWorkers(temporal, database.db);
}, 240_000);

afterAll(async () => {
  await stopWorkers?.();
  await temporal?.teardown();
  await database?.drop();
  await server?.close();
});

/** A small turn of the loop: it shows that the parts fit, not how much a whole run gains. */
it('turns with the built-in model, its critic and our trainer', async () => {
  const result = await temporal.client.workflow.execute('improve', {
    workflowId: 'real',
    taskQueue: TASK_QUEUE.main,
    args: [
      {
        iterations: 1,
        pool: { prompts: 60, rehearsal: 12 },
        benchmark: { size: 'quick', majority: false },
        training: { epochs: 2 },
        models: { generator: { baseURL: server.url } },
      },
    ],
  });
  expect(result).toMatchObject({ runId: 'real', iterations: 1 });
  const rows = async (query: ReturnType<typeof sql>) => (await database.db.execute(query)).rows;

  // The adapter that was measured is the one that was trained, and not the base under another name.
  const checkpoints = await rows(
    sql`select kind, model, fingerprint, path from checkpoints order by iteration_index`,
  );
  expect(checkpoints).toHaveLength(2);
  expect(checkpoints[1]!.fingerprint).not.toBe(checkpoints[0]!.fingerprint);
  const [answered] = await rows(
    sql`select count(distinct i.fingerprint)::int as n, min(i.fingerprint) as fingerprint from evaluation_items i
        join evaluations e on e.id = i.evaluation_id join checkpoints c on c.id = e.checkpoint_id where c.kind = 'adapter'`,
  );
  expect(answered).toEqual({ n: 1, fingerprint: checkpoints[1]!.fingerprint });

  // No example came past a required gate, and none of the truth was in the loop's reach.
  const [ungated] = await rows(
    sql`select count(*)::int as n from examples e join verdicts v on v.sample_id = e.sample_id
        where v.outcome <> 'pass' and not v.advisory`,
  );
  expect(ungated!.n).toBe(0);
  const critiques = await rows(sql`select outcome, count(*)::int as n from critiques group by 1`);
  expect(critiques.find((row) => row.outcome === 'holds')?.n).toBeGreaterThan(10);

  const right = await rows(
    sql`select p.text, e.answer from examples e join prompts p on p.id = e.prompt_id where p.purpose = 'learn'`,
  );
  const correct = right.filter(({ text, answer }) => {
    const [a, b] = String(text).split('+').map(Number) as [number, number];
    return String(a + b) === answer;
  });
  expect(correct.length / right.length).toBeGreaterThan(0.8);
}, 300_000);
