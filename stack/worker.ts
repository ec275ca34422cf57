// The workers: one process for every task queue with the database, one for the sandbox.
import { join } from 'node:path';
import { findBubblewrap } from '../sandbox/bubblewrap.ts';
import { logFile, repoRoot } from './home.ts';
import type { LocalPart, PartContext } from './part.ts';

export const workerPart = ({ home }: PartContext): LocalPart =>
  polling('main.ts', 'serves every task queue but that of the sandbox', logFile(home, 'worker'));

/** What a model wrote runs in a process that knows neither the database nor a key. */
export const sandboxPart = ({ home }: PartContext): LocalPart =>
  polling('sandbox.ts', sandboxNote(), logFile(home, 'sandbox'));

function sandboxNote(): string {
  try {
    findBubblewrap();
    return 'runs what a model wrote, in containers';
  } catch {
    return 'refuses what a model wrote: there is no bubblewrap here (docs/sandbox.md)';
  }
}

function polling(file: string, note: string, log: string): LocalPart {
  return {
    kind: 'local',
    address: '',
    note,
    env: {},
    spec: {
      command: process.execPath,
      args: [join(repoRoot, 'workers', file)],
      channel: true,
      logFile: log,
      // Activities that run are given the time to write what they have.
      graceMs: 20_000,
    },
    readyTimeoutMs: 120_000,
    // It has no port: it says on its output that it polls.
    ready: async (output) => {
      if (!output.includes('worker ready')) throw new Error('the line "worker ready" has not come');
      return '';
    },
  };
}
