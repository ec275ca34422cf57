/**
 * Processor time of this process and of the sessions of a PostgreSQL server beside it: what a request costs, whatever else the machine
 * does. Read from /proc, so on Linux and with the server on the same machine only.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { sql } from 'drizzle-orm';
import type { Db } from '../db/connect.ts';

/** Milliseconds of processor time since they began; `database` is undefined where its processes are not to be seen. */
export type Cost = { process: number; database: number | undefined };

/** Nanoseconds on a processor, without the time spent waiting for one. */
const onProcessor = (pid: number) =>
  Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
const TICK_MS = 10;

function statOf(pid: number): { parent: number; ended: number } {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  // Of children that have ended: sessions that were closed, and the workers of parallel queries.
  return { parent: Number(fields[1]), ended: (Number(fields[13]) + Number(fields[14])) * TICK_MS };
}

/** All children of the server that stand up now, and those that have ended. */
function costOfServer(postmaster: number): number {
  let total = statOf(postmaster).ended;
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      if (statOf(Number(name)).parent === postmaster) total += onProcessor(Number(name));
    } catch {
      // Ended while it was looked at.
    }
  }
  return total;
}

export async function createMeter(db: Db): Promise<() => Cost> {
  const { rows } = await db.execute<{ pid: number }>(sql`select pg_backend_pid() as pid`);
  let postmaster: number | undefined;
  try {
    const { parent } = statOf(rows[0]!.pid);
    if (readFileSync(`/proc/${parent}/comm`, 'utf8').startsWith('postgres')) postmaster = parent;
  } catch {
    // Another machine, or not Linux.
  }
  return () => {
    const { user, system } = process.cpuUsage();
    return {
      process: (user + system) / 1000,
      database: postmaster === undefined ? undefined : costOfServer(postmaster),
    };
  };
}
