/**
 * What a run costs the machinery around the model: history events, database bytes, worker memory, connections.
 * A scripted endpoint answers at once, so that nothing but the machinery is measured. docs/scale.md quotes it.
 *
 *   npx node bench/scale.ts [--prompts 320] [--iterations 2]
 *
 * Starts its own PostgreSQL and Temporal dev server; DATABASE_URL and TEMPORAL_ADDRESS name others to use.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import proto from '@temporalio/proto';
import { sql } from 'drizzle-orm';
import type { ImproveInput } from '../loop/input.ts';
import { createTestDatabase } from '../tests/support/database.ts';
import { adder } from '../tests/support/scripted-adder.ts';
import { startScriptedEndpoint } from '../tests/support/scripted-endpoint.ts';
import { startTemporal } from '../tests/support/temporal.ts';
import { startWorkerProcess } from '../tests/support/worker-process.ts';
import { TASK_QUEUE, WORKFLOW } from '../workflows/names.ts';

const { values: options } = parseArgs({
  options: {
    prompts: { type: 'string', default: '320' },
    iterations: { type: 'string', default: '2' },
  },
});

const input = (baseURL: string): ImproveInput => ({
  iterations: Number(options.iterations),
  pool: { prompts: Number(options.prompts) },
  benchmark: { size: 'quick', majority: false },
  gates: { critique: { mode: 'off' } },
  probes: { mode: 'off' },
  models: { generator: { baseURL, model: adder.baseModel } },
});

const History = proto.temporal.api.history.v1.History;
const MB = 1024 * 1024;

/** Memory of a process in MB, now and at its highest. */
function memoryMb(pid: number): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kb = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  return { now: Math.round(kb('VmRSS') / 1024), peak: Math.round(kb('VmHWM') / 1024) };
}

const given = process.env.TEMPORAL_ADDRESS;
const own = given ? undefined : await startTemporal();
const address = given ?? own!.address;
const client = own?.client ?? new Client({ connection: await Connection.connect({ address }) });
const database = await createTestDatabase();
const endpoint = await startScriptedEndpoint(adder);
const { db } = database;

const number = async (query: ReturnType<typeof sql>) => Number((await db.execute(query)).rows[0]!.n);
const bytes = () =>
  number(sql`select sum(pg_total_relation_size(oid)) as n from pg_class
             where relkind = 'r' and relnamespace = 'public'::regnamespace`);

const workers = await Promise.all(
  (['main', 'llm', 'train'] as const).map(async (queue) => ({
    queue,
    process: await startWorkerProcess({
      DATABASE_URL: database.url,
      TEMPORAL_ADDRESS: address,
      TEMPORAL_NAMESPACE: 'default',
      RATCHET_QUEUES: queue,
    }),
  })),
);
await sleep(2000);
const idle = workers.map(({ process: worker }) => memoryMb(worker.pid).now);
const before = await bytes();

let connections = 0;
const watching = setInterval(() => {
  const open = sql`select count(*) as n from pg_stat_activity
                   where datname = current_database() and pid <> pg_backend_pid()`;
  void number(open).then((n) => (connections = Math.max(connections, n)));
}, 250);

const workflowId = `scale-${Date.now()}`;
const began = performance.now();
await client.workflow.execute(WORKFLOW.improve, {
  workflowId,
  taskQueue: TASK_QUEUE.main,
  args: [input(endpoint.url)],
});
const seconds = (performance.now() - began) / 1000;
clearInterval(watching);

async function history(id: string): Promise<{ workflow: string; events: number; kb: number }> {
  const found = await client.workflow.getHandle(id).fetchHistory();
  const kb = Math.round(History.encode(found).finish().length / 1024);
  return { workflow: id.replace(workflowId, 'run'), events: found.events!.length, kb };
}
const children = (
  await db.execute(sql`select index from iterations where run_id = ${workflowId} order by index`)
).rows;
const histories = [await history(workflowId)];
for (const { index } of children) histories.push(await history(`${workflowId}/iteration-${String(index)}`));

await db.execute(sql`vacuum analyze`);
const samples = await number(sql`select count(*) as n from samples`);
const calls = await number(sql`select count(*) as n from model_calls`);
const characters = await number(sql`select avg(length(rationale)) as n from samples`);
const grown = (await bytes()) - before;
const tables =
  await db.execute(sql`select relname as table, round(pg_total_relation_size(oid) / 1048576.0, 1) as mb
  from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace
  order by pg_total_relation_size(oid) desc limit 5`);

console.log(`\n${options.iterations} iterations of ${options.prompts} prompts in ${seconds.toFixed(1)} s`);
console.table(histories);
console.table(
  workers.map(({ queue, process: worker }, i) => ({
    worker: queue,
    'idle MB': idle[i],
    'peak MB': memoryMb(worker.pid).peak,
  })),
);
console.log(`${samples} samples of ${Math.round(characters)} characters, ${calls} model calls`);
console.log(
  `database: ${(grown / MB).toFixed(1)} MB, ${(grown / MB / (samples / 1000)).toFixed(2)} MB per 1,000 samples`,
);
console.table(tables.rows);
console.log(`connections to PostgreSQL, at most: ${connections} (this program's own among them)`);

await Promise.all(workers.map(({ process: worker }) => worker.kill()));
await endpoint.close();
await own?.teardown();
if (!own) await client.connection.close();
await database.drop();
