/** The real stack with a hostile endpoint, trainer and client, for a given time. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { sql } from 'drizzle-orm';
import { usersServices } from '../../../stack/first-state.ts';
import { startStack, type Stack } from '../../../stack/stack.ts';
import { connect, type Db } from '../../../db/connect.ts';
import { random } from '../../../loop/random.ts';
import { inconsistencies } from '../../chaos/harness/consistency.ts';
import { startModelServer, type ModelServer } from '../../support/model-server.ts';
import { freePort } from '../../support/ports.ts';
import { knock, oddRequest, ROUTES, type Door } from './client.ts';
import { startHostileEndpoint, type HostileEndpoint } from './endpoint.ts';
import { hostileRun, type HostileRun } from './runs.ts';

/** The longest that work of its own may hold an event loop. */
export const HELD_MS = 1000;
/** Holds of a run whatever became of it; the rest of a run's consistency only where it completed. */
const ALWAYS =
  /call is another run's|different checkpoints|failed a required gate|holds what is no example|promotes what is not|no training job/;
const LANES = 2;

export type Outcome = {
  runs: HostileRun[];
  /** Requests of the hostile client by door, and how many of them were answered by which class of status. */
  knocks: Record<string, Record<string, number>>;
  ways: [string, number][];
  /** Longest time in ms for which an event loop was held, by process. */
  held: { name: string; longest: number }[];
  broken: string[];
  seconds: number;
};

export type Options = { seed: string; seconds: number; signal?: AbortSignal; onLine?(line: string): void };

export async function runHostile({
  seed,
  seconds,
  signal,
  onLine = () => undefined,
}: Options): Promise<Outcome> {
  const home = mkdtempSync(join(tmpdir(), 'ratchet-hostile-'));
  chmodSync(home, 0o755);
  const loops = join(home, 'loops');
  mkdirSync(loops);
  const watch = new URL('loop-watch.js', import.meta.url);
  watch.searchParams.set('folder', loops);
  let kept = false;
  let endpoint: HostileEndpoint | undefined;
  let models: ModelServer | undefined;
  let stack: Stack | undefined;
  let db: Db | undefined;
  let connection: Connection | undefined;
  try {
    endpoint = await startHostileEndpoint(seed);
    if (process.env.RATCHET_PYTHON) models = await startModelServer();
    stack = await startStack({
      home,
      env: {
        ...process.env,
        ...Object.fromEntries(usersServices.map((name) => [name, ''])),
        ...(await ports()),
        RATCHET_HOME: home,
        MODEL_BASE_URL: endpoint.url('gateway'),
        RATCHET_REQUEST_TIMEOUT_MS: '4000',
        NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import ${watch.href}`.trim(),
      },
      onStep: ({ name, phase, detail }) => phase !== 'start' && onLine(`${name} ${phase} ${detail ?? ''}`),
      signal,
    });
    db = connect(stack.env.DATABASE_URL!, 4);
    connection = await Connection.connect({ address: stack.env.TEMPORAL_ADDRESS! });
    endpoint.behave('gateway', [
      {
        paths: /chat/,
        share: 0.5,
        ways: ['fields of wrong kinds', 'odd texts', 'spoilt bytes', 'a reset', 'no JSON at all'],
      },
    ]);
    const place = { client: new Client({ connection }), db, endpoint };
    writeFileSync(join(loops, 'armed'), '');
    const began = Date.now();
    const until = began + seconds * 1000;
    const failed: string[] = [];
    const [runs, knocks] = await Promise.all([
      runsUntil(place, seed, until, signal, onLine),
      knockUntil(doorsOf(stack, models), seed, until, signal, failed),
    ]);
    signal?.throwIfAborted();
    const broken = [...failed, ...(await examine(stack, models, db, runs))];
    const held = heldLoops(loops);
    for (const { name, longest } of held)
      if (longest > HELD_MS) broken.push(`the event loop of ${name} was held for ${Math.round(longest)} ms`);
    if (broken.length > 0) {
      kept = true;
      onLine(`What was broken may stand in the logs: ${join(home, 'logs')}`);
    }
    return {
      runs,
      knocks,
      ways: [...endpoint.counts].toSorted(([a], [b]) => a.localeCompare(b)),
      held,
      broken,
      seconds: (Date.now() - began) / 1000,
    };
  } finally {
    await connection?.close().catch(() => undefined);
    await db?.$client.end().catch(() => undefined);
    await stack?.stop();
    await models?.close();
    await endpoint?.close();
    if (!kept) rmSync(home, { recursive: true, force: true });
  }
}

async function ports(): Promise<Record<string, string>> {
  const names = ['POSTGRES', 'TEMPORAL', 'TEMPORAL_UI', 'WEB', 'GATEWAY'];
  const found = await Promise.all(
    names.map(async (name) => [`RATCHET_${name}_PORT`, String(await freePort())] as const),
  );
  return Object.fromEntries(found);
}

function doorsOf(stack: Stack, models: ModelServer | undefined): Door[] {
  const portOf = (url: string | undefined) => Number(new URL(url!).port);
  const doors: Door[] = [
    {
      name: 'gateway',
      port: portOf(stack.state.parts.gateway?.address),
      routes: ROUTES.gateway,
      log: stack.state.parts.gateway?.log,
    },
    {
      name: 'web page',
      port: portOf(stack.state.parts.web?.address),
      routes: ROUTES.web,
      log: stack.state.parts.web?.log,
    },
  ];
  if (models) doors.push({ name: 'model server', port: portOf(models.url), routes: ROUTES['model server'] });
  return doors;
}

async function runsUntil(
  place: Parameters<typeof hostileRun>[0],
  seed: string,
  until: number,
  signal: AbortSignal | undefined,
  onLine: (line: string) => void,
): Promise<HostileRun[]> {
  const runs: HostileRun[] = [];
  let number = 0;
  async function lane(): Promise<void> {
    while (Date.now() < until && !signal?.aborted) {
      const mine = ++number;
      const run = await hostileRun(
        place,
        mine,
        random(`${seed} run ${mine}`),
        Math.min(90_000, Math.max(5000, until - Date.now())),
      );
      runs.push(run);
      onLine(
        `${run.broken.length === 0 ? '✓' : '✗'} ${run.id} (${run.kind}): ${[run.ended, ...run.broken].join('; ')}`,
      );
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane));
  return runs;
}

async function knockUntil(
  doors: Door[],
  seed: string,
  until: number,
  signal: AbortSignal | undefined,
  failed: string[],
): Promise<Outcome['knocks']> {
  const knocks: Outcome['knocks'] = {};
  async function at(door: Door): Promise<void> {
    const draw = random(`${seed} ${door.name}`);
    const seen: Record<string, number> = (knocks[door.name] = {});
    while (Date.now() < until && !signal?.aborted) {
      const request = oddRequest(door, draw);
      const status = await knock(door, request, draw);
      if (status === 500)
        failed.push(
          `${door.name} (${lastLine(door.log)}) answers 500 to ${JSON.stringify(request.toString('latin1').slice(0, 300))}`,
        );
      const group = status === 0 ? 'cut' : status === 500 ? '500' : `${Math.floor(status / 100)}xx`;
      seen[group] = (seen[group] ?? 0) + 1;
    }
  }
  await Promise.all(doors.map(at));
  return knocks;
}

const lastLine = (log: string | undefined): string =>
  log === undefined ? 'no log' : (readFileSync(log, 'utf8').trim().split('\n').at(-1) ?? '').slice(0, 300);

/** What must hold afterwards: every part lives and answers, and no row is left half-written. */
async function examine(
  stack: Stack,
  models: ModelServer | undefined,
  db: Db,
  runs: HostileRun[],
): Promise<string[]> {
  const broken = runs.flatMap(({ id, kind, broken: some }) => some.map((what) => `${id} (${kind}): ${what}`));
  for (const [name, part] of Object.entries(stack.state.parts))
    if (part && (part.restarts > 0 || part.status !== 'running'))
      broken.push(`${name} is ${part.status} after ${part.restarts} restarts`);
  for (const part of ['web', 'gateway'] as const) {
    const url =
      part === 'web' ? stack.state.parts.web!.address : `${stack.state.parts.gateway!.address}/health`;
    const answer = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(20_000) }).catch(
      (error: Error) => error,
    );
    if (answer instanceof Error || answer.status >= 500)
      broken.push(
        `${part} does not answer: ${String(answer instanceof Error ? answer.message : answer.status)}`,
      );
  }
  if (models) {
    const answer = await fetch(models.url.replace(/\/v1$/, '/health'), {
      signal: AbortSignal.timeout(20_000),
    }).catch((error: Error) => error);
    const health =
      answer instanceof Error ? { status: answer.message } : ((await answer.json()) as { status: string });
    if (health.status !== 'ok') broken.push(`the model server says: ${JSON.stringify(health)}`);
  }
  for (const { id, status } of runs) {
    const found = await inconsistencies(db, id);
    // An iteration that an accepted message gave up stays as it was.
    const { rows: given } = await db.execute(
      sql`select 1 from messages where run_id = ${id} and accepted and name in ('skipIteration', 'resetCheckpoint')`,
    );
    const whole = status === 'completed' && given.length === 0;
    broken.push(...found.filter((what) => whole || ALWAYS.test(what)).map((what) => `${id}: ${what}`));
  }
  const { rows } = await db.execute<{ n: number }>(
    sql`select count(*)::int as n from pg_stat_activity where state like 'idle in transaction%' and now() - state_change > interval '5 seconds'`,
  );
  if (rows[0]!.n > 0) broken.push(`${rows[0]!.n} transactions were left open`);
  return broken;
}

function heldLoops(folder: string): Outcome['held'] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Outcome['held'][number])
    .toSorted((a, b) => b.longest - a.longest);
}
