// The process that outlives us by a moment. It holds the reading end of a pipe from the process that started the
// children; when that process dies, however it dies, the pipe closes and the children that are left are stopped.
// Lines on the pipe: {"add": {pid, startTime, signal, graceMs}} or {"remove": pid}.
import { createInterface } from 'node:readline';
import { stopGroup, type ProcessRecord } from '../process/process-info.ts';

interface Watched extends ProcessRecord {
  signal: NodeJS.Signals;
  graceMs: number;
}

const watched = new Map<number, Watched>();

const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  const message = JSON.parse(line) as { add?: Watched; remove?: number };
  if (message.add) watched.set(message.add.pid, message.add);
  if (message.remove !== undefined) watched.delete(message.remove);
});
lines.on('close', () => void stopAll());
process.stdin.on('error', () => lines.close());

// Only the end of the pipe ends this process; a signal meant for the terminal's whole group must not.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

/** The last started first: a worker lets go of its database before the database goes. */
async function stopAll(): Promise<void> {
  for (const child of [...watched.values()].reverse()) {
    await stopGroup(child, child.signal, child.graceMs).catch((error: unknown) => console.error(error));
  }
  process.exit(0);
}
