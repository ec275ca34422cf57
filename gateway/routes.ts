/**
 * Which checkpoint answers for each task, as the database has it: read when a promotion or a person's choice is announced,
 * and every so often in case an announcement was missed. Requests read it from memory, so one that began on the old
 * checkpoint ends there, and the next one begins on the new.
 */
import pg from 'pg';
import { endpointOf, readRun, taskOf } from '../engine/context.ts';
import { servingOfTask } from '../engine/serving.ts';
import type { Db } from '../db/connect.ts';
import type { Checkpoint } from '../db/queries/runs.ts';
import { baseOfNewestRun, SERVING_CHANNEL, servingMark, taskNames } from '../db/queries/serving.ts';
import type { Endpoint } from '../models/endpoint.ts';
import { errorText } from '../models/errors.ts';
import type { Task } from '../tasks/task.ts';
import type { Log } from './log.ts';

/** A checkpoint and where it answers. */
export type Target = { checkpoint: Checkpoint; task: Task; endpoint: Endpoint; trainer: Endpoint };

export type Route = {
  task: string;
  /** A text: why the task can't be served. */
  target: Target | string;
  /** The checkpoint served before it, which answers where this one is gone from its endpoint. */
  before: Target | undefined;
  /** Is it a promoted checkpoint, or the base since nothing was promoted yet? */
  promoted: boolean;
};

export type Routes = {
  find(task: string): Route | undefined;
  all(): Route[];
  /** Reads everything anew. */
  refresh(): Promise<void>;
  close(): Promise<void>;
};

async function targetOf(db: Db, checkpoint: Checkpoint): Promise<Target> {
  const run = await readRun(db, checkpoint.runId);
  const task = taskOf(run);
  return {
    checkpoint,
    task,
    endpoint: endpointOf('generator', run.settings, task, checkpoint),
    trainer: endpointOf('trainer', run.settings, task),
  };
}

async function routeOf(db: Db, task: string): Promise<Route | undefined> {
  const { checkpoint, before } = await servingOfTask(db, task);
  const chosen = checkpoint ?? (await baseOfNewestRun(db, task));
  if (!chosen) return undefined;
  const promoted = checkpoint !== undefined;
  try {
    const target = await targetOf(db, chosen);
    // Without what it needs it can't stand in; the task is served all the same.
    const fallback = before && (await targetOf(db, before).catch(() => undefined));
    return { task, target, before: fallback, promoted };
  } catch (error) {
    return { task, target: errorText(error), before: undefined, promoted };
  }
}

/** Reads what is served and keeps it current until it is closed. @throws Error when the database can't be read at first */
export async function openRoutes(
  db: Db,
  settings: { databaseUrl: string; refreshMs: number },
  log: Log,
): Promise<Routes> {
  let routes = new Map<string, Route>();
  let mark = '';
  let running: Promise<void> | undefined;
  let again = false;
  let closed = false;

  async function read(): Promise<void> {
    const now = await servingMark(db);
    if (now === mark) return;
    const found = new Map<string, Route>();
    for (const task of await taskNames(db)) {
      const route = await routeOf(db, task);
      if (!route) continue;
      found.set(task, route);
      const old = routes.get(task)?.target;
      const { target } = route;
      if (typeof target === 'string') log.error({ task, problem: target }, 'this task cannot be served');
      else if (typeof old !== 'object' || old.checkpoint.id !== target.checkpoint.id)
        log.info({ task, checkpoint: target.checkpoint.id, model: target.checkpoint.model }, 'serves');
    }
    routes = found;
    mark = now;
  }

  /** One at a time; what is announced meanwhile is read right after. */
  function refresh(): Promise<void> {
    again = true;
    running ??= (async () => {
      try {
        while (again) {
          again = false;
          await read();
        }
      } finally {
        running = undefined;
      }
    })();
    return running;
  }

  const quietly = () =>
    refresh().catch((error: unknown) =>
      log.warn({ error: errorText(error) }, 'what is served could not be read: the last known stays'),
    );

  let listener: pg.Client | undefined;
  async function listen(): Promise<void> {
    const client = new pg.Client({ connectionString: settings.databaseUrl, connectionTimeoutMillis: 10_000 });
    const lost = () => {
      if (listener === client) listener = undefined;
    };
    client.on('error', lost);
    client.on('end', lost);
    client.on('notification', () => void quietly());
    try {
      await client.connect();
      await client.query(`listen ${SERVING_CHANNEL}`);
      if (closed) await client.end();
      else listener = client;
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
  }

  await refresh();
  await listen();
  let timer: NodeJS.Timeout | undefined;
  async function tick(): Promise<void> {
    // Without a connection nothing is heard; the polling goes on.
    if (!listener) await listen().catch(() => undefined);
    await quietly();
    if (!closed) timer = setTimeout(() => void tick(), settings.refreshMs);
  }
  timer = setTimeout(() => void tick(), settings.refreshMs);

  return {
    find: (task) => routes.get(task),
    all: () => [...routes.values()],
    refresh,
    async close() {
      closed = true;
      clearTimeout(timer);
      await listener?.end().catch(() => undefined);
    },
  };
}
