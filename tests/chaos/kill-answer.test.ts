/**
 * Many answers that adapt, while their worker is killed with -9 again and again and every third of them is terminated, at moments spread
 * over its whole course: nothing that was made for an answer stays. RATCHET_CHAOS_ANSWERS has how many (6).
 */
import { asc, sql } from 'drizzle-orm';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import pLimit from 'p-limit';
import { setTimeout as sleep } from 'node:timers/promises';
import { answers, checkpoints } from '../../db/schema.ts';
import { TASK_QUEUE } from '../../workflows/names.ts';
import { addRun } from '../cli/fixture.ts';
import { createTestDatabase } from '../support/database.ts';
import { startModelServer, type ModelServer } from '../support/model-server.ts';
import { oneMore } from '../support/one-more.ts';
import { startTemporal } from '../support/temporal.ts';
import { until } from '../support/wait.ts';
import { startWorkerProcess, type WorkerProcess } from '../support/worker-process.ts';

const ANSWERS = Number(process.env['RATCHET_CHAOS_ANSWERS'] ?? 6);
const AT_ONCE = 3;
/** One answer takes about so long here; a kill or a termination comes somewhere in it. */
const COURSE_MS = 4_000;

let temporal: TestWorkflowEnvironment;
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let server: ModelServer;
let worker: WorkerProcess;
const startWorker = () =>
  startWorkerProcess({
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace ?? 'default',
  });

beforeAll(async () => {
  [temporal, database, server] = await Promise.all([
    startTemporal(),
    createTestDatabase(),
    startModelServer(),
  ]);
  await addRun(database.db, 'owner', { models: { generator: { baseURL: server.url, model: 'arithmetic' } } });
  await database.db
    .insert(checkpoints)
    .values({ runId: 'owner', iterationIndex: 0, kind: 'base', model: 'arithmetic' });
  worker = await startWorker();
}, 180_000);

afterAll(async () => {
  await worker?.kill();
  await temporal?.teardown();
  await database?.drop();
  await server?.close();
});

it('leaves no adapter, no job and no file behind, whatever is killed when', async () => {
  const models = new OpenAI({ baseURL: server.url, apiKey: 'none' });
  const fingerprint = async () => {
    const request = {
      model: 'arithmetic',
      max_tokens: 1,
      messages: [{ role: 'user' as const, content: '0' }],
    };
    return (await models.chat.completions.create(request)).system_fingerprint;
  };
  const served = async () => (await models.models.list()).data.map(({ id }) => id);
  const files = async () => (await models.files.list()).data.length;
  const before = { models: await served(), files: await files(), fingerprint: await fingerprint() };
  const { demonstrations, queries } = oneMore('chaos', 8, ANSWERS);
  let ended = false;
  const killing = (async () => {
    for (let kill = 1; !ended; kill++) {
      // The golden ratio spreads the moments evenly, however many there are.
      await sleep(COURSE_MS * (1 + ((kill * 0.618) % 1)));
      await worker.kill();
      worker = await startWorker();
    }
  })();
  const limit = pLimit(AT_ONCE);
  const outcomes = await Promise.all(
    queries.map(({ prompt }, i) =>
      limit(async () => {
        const handle = await temporal.client.workflow.start('answer', {
          workflowId: `answer-${i}`,
          taskQueue: TASK_QUEUE.main,
          args: [{ task: 'arithmetic', prompt, adapt: { demonstrations, steps: 20, seconds: 60 } }],
        });
        if (i % 3 < 2) return handle.result().then(() => 'answered', String);
        await sleep(COURSE_MS * ((i * 0.618) % 1));
        return handle.terminate('as an operator does').then(
          () => 'terminated',
          () => 'answered',
        );
      }),
    ),
  );
  ended = true;
  await killing;
  expect(outcomes.filter((one) => one !== 'answered' && one !== 'terminated')).toEqual([]);

  const held = () => database.db.$count(answers, sql`${answers.adapterState} = 'held'`);
  await until('the sweeper to free what terminated answers held', async () => (await held()) === 0, 120_000);
  const { data } = await models.fineTuning.jobs.list({ limit: 1000 });
  const rows = await database.db.select().from(answers).orderBy(asc(answers.createdAt));
  expect({ models: await served(), files: await files(), fingerprint: await fingerprint() }).toEqual(before);
  const running = data.filter(({ status }) => !['succeeded', 'cancelled', 'failed'].includes(status));
  expect(running).toEqual([]);
  const unanswered = rows.filter(
    ({ id, finishedAt }) =>
      finishedAt === null && outcomes[Number(id.slice('answer-'.length))] === 'answered',
  );
  expect(unanswered).toEqual([]);
}, 3_600_000);
