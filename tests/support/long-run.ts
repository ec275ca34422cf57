/**
 * A run of very many very short iterations on a worker of its own, while a seeded sender tells it things at random moments,
 * above all around those at which it continues as new. Shared by bench/long-run.ts and its test.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { stringify } from 'yaml';
import type { Db } from '../../db/connect.ts';
import type { ImproveInput } from '../../loop/input.ts';
import { TASK_QUEUE, WORKFLOW } from '../../workflows/names.ts';
import { createTestDatabase } from './database.ts';
import { measureHistories, type Histories } from './history-sizes.ts';
import { startSender, type Sent } from './random-sender.ts';
import { startScriptedEndpoint, type ScriptedRequest } from './scripted-endpoint.ts';
import { saveHistory } from './histories.ts';
import { startTemporal } from './temporal.ts';
import { startWorkerProcess } from './worker-process.ts';

export type LongRun = {
  result: { status: string; iterations: number };
  seconds: number;
  /** How many iterations were decided how. */
  decisions: Record<string, number>;
  /** Indexes of the iterations that were given up. */
  skipped: number[];
  histories: Histories;
  sent: Sent[];
  /** Messages in the order in which they were recorded, without those of the iterations (stagnation). */
  recorded: RecordedRow[];
  /** Keys of the stored changes of course. */
  adjustments: string[];
  /** Resident memory of the worker in MB, every other second from its start. */
  rssMb: number[];
  /** Median milliseconds by third of the run. */
  iterationMs: number[];
  decideMs: number[];
};

type RecordedRow = {
  id: string;
  name: string;
  origin: string;
  accepted: boolean;
  answer: string;
  iteration: number;
};

const SAMPLES_EVERY_MS = 2_000;

export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** `values` in three parts of equal length, in order. */
export function thirds<T>(values: readonly T[]): [T[], T[], T[]] {
  const at = (i: number) => Math.floor((i * values.length) / 3);
  return [values.slice(0, at(1)), values.slice(at(1), at(2)), values.slice(at(2))];
}

const numberOf = (text: string) => Number(/number (\d+)/.exec(text)?.[1] ?? 0);

/** Mostly right; which held-out items a model gets wrong differs from model to model, so that some are promoted. */
function answer({ messages, seed, temperature, model }: ScriptedRequest): string {
  const n = numberOf(messages.at(-1)?.content ?? '');
  const name = Buffer.from(model).reduce((sum, byte) => (31 * sum + byte) % 9973, 7);
  const luck = (n * 7919 + name + (temperature === 0 ? 0 : 131 * seed)) % 100;
  const skill = temperature === 0 ? 60 : 85;
  return `It is twice ${n}.\n#### ${luck < skill ? 2 * n : 2 * n + 1}`;
}

/** A task in a folder: one line a problem, far more than are drawn. */
function writeTask(folder: string, baseURL: string): string {
  const problems = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) =>
      JSON.stringify({ prompt: `What is twice the number ${from + i}?`, answer: String(2 * (from + i)) }),
    ).join('\n');
  writeFileSync(join(folder, 'pool.jsonl'), problems(1, 4_000));
  writeFileSync(join(folder, 'held-out.jsonl'), problems(10_001, 18));
  const benchmark = (role: string, from: number) => ({
    name: role,
    role,
    file: 'held-out.jsonl',
    rows: { from, to: from + 5 },
  });
  const path = join(folder, 'task.yaml');
  writeFileSync(
    path,
    stringify({
      name: 'doubling',
      prompts: { file: 'pool.jsonl' },
      benchmarks: [benchmark('target', 1), benchmark('guard', 7), benchmark('final', 13)],
      answer: { read: 'hash', compare: 'numeric' },
      models: { generator: { baseURL, model: 'doubler' } },
    }),
  );
  return path;
}

const input = (task: string, iterations: number, seed: number): ImproveInput => ({
  task,
  iterations,
  seed,
  pool: { prompts: 3, rehearsal: 0 },
  sampling: { samples: 3, cache: false },
  gates: { critique: { mode: 'off' } },
  probes: { mode: 'off' },
  training: { replay: 8 },
  // One item more is enough: promotions are wanted here, not improvement.
  promotion: { alpha: 0.6, correction: 'none', guardMargin: 1 },
  stagnation: { steps: [] },
});

function rssOf(pid: number): number {
  const kb = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Math.round(Number(kb) / 1024);
}

async function rows<T>(db: Db, query: ReturnType<typeof sql>): Promise<T[]> {
  return (await db.execute(query)).rows as T[];
}

/** Starts everything that it needs, runs to the end, and says what came of it. */
export async function longRun(options: {
  iterations: number;
  seed: number;
  info?: (line: string) => void;
}): Promise<LongRun> {
  const { iterations, seed, info = () => {} } = options;
  const folder = mkdtempSync(join(tmpdir(), 'ratchet-long-'));
  const [temporal, endpoint, database] = await Promise.all([
    startTemporal(),
    startScriptedEndpoint({ baseModel: 'doubler', answer, jobMs: 5 }),
    createTestDatabase(),
  ]);
  const { db } = database;
  const worker = await startWorkerProcess({
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace ?? 'default',
  });
  const rssMb: number[] = [];
  const sampling = setInterval(() => {
    rssMb.push(rssOf(worker.pid));
    if (rssMb.length % 15 === 0) {
      void rows<{ n: number }>(db, sql`select count(*)::int as n from decisions`).then(([found]) =>
        info(`${found!.n} of ${iterations} iterations are decided; the worker has ${rssMb.at(-1)} MB`),
      );
    }
  }, SAMPLES_EVERY_MS);

  try {
    const runId = `long-${seed}`;
    const began = performance.now();
    const handle = await temporal.client.workflow.start(WORKFLOW.improve, {
      workflowId: runId,
      taskQueue: TASK_QUEUE.main,
      args: [input(writeTask(folder, endpoint.url), iterations, seed)],
    });
    const sender = startSender(temporal.client, runId, seed, info);
    const result = (await Promise.race([handle.result(), sender.failed])) as LongRun['result'];
    const seconds = (performance.now() - began) / 1000;
    clearInterval(sampling);
    const sent = await sender.stop();

    const decided = await rows<{ index: number; kind: string; ms: number; decide: number }>(
      db,
      sql`select i.index, d.kind, extract(epoch from i.finished_at - i.created_at)::float8 * 1000 as ms,
            extract(epoch from s.finished_at - s.started_at)::float8 * 1000 as decide
          from iterations i join decisions d on d.iteration_id = i.id
          left join stages s on s.iteration_id = i.id and s.name = 'decide'
          where i.run_id = ${runId} order by i.index`,
    );
    // The last execution of the chain: it began with what the one before it carried over.
    await saveHistory(temporal, runId, 'improve-continued');
    const decisions: Record<string, number> = {};
    for (const { kind } of decided) decisions[kind] = (decisions[kind] ?? 0) + 1;
    return {
      result,
      seconds,
      decisions,
      skipped: decided.filter((one) => one.kind === 'skip').map((one) => one.index),
      histories: await measureHistories(
        temporal.client,
        runId,
        handle.firstExecutionRunId,
        decided.map((one) => `${runId}/iteration-${one.index}`),
      ),
      sent,
      recorded: await rows<RecordedRow>(
        db,
        sql`select message_id as id, name, origin, accepted, answer, iteration_index as iteration
            from messages where run_id = ${runId} and name <> 'stagnation' order by messages.id`,
      ),
      adjustments: (
        await rows<{ key: string }>(db, sql`select key from adjustments where run_id = ${runId}`)
      ).map((one) => one.key),
      rssMb,
      iterationMs: thirds(decided).map((part) => Math.round(median(part.map((one) => one.ms)))),
      decideMs: thirds(decided.filter((one) => one.kind !== 'skip')).map((part) =>
        Math.round(median(part.map((one) => one.decide))),
      ),
    };
  } finally {
    clearInterval(sampling);
    await worker.kill();
    await temporal.teardown();
    await endpoint.close();
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  }
}
