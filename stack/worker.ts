// The workers: one process for every task queue with the database, one for the sandbox.
import { findBubblewrap } from '../sandbox/bubblewrap.ts';
import { archivesOf, logFile } from './home.ts';
import { moduleFile } from '../process/program.ts';
import type { LocalPart, PartContext } from './part.ts';

export const workerPart = ({ home }: PartContext): LocalPart =>
  polling('main.ts', 'serves every task queue but that of the sandbox', logFile(home, 'worker'));

/** What a model wrote runs in a process that knows neither the database nor a key. */
export const sandboxPart = ({ home, env }: PartContext): LocalPart =>
  polling('sandbox.ts', sandboxNote(), logFile(home, 'sandbox'), {
    RATCHET_SANDBOX_ARCHIVES: env.RATCHET_SANDBOX_ARCHIVES ?? archivesOf(home),
  });

function sandboxNote(): string {
  try {
    findBubblewrap();
    return 'runs what a model wrote, in containers';
  } catch {
    return 'refuses what a model wrote: there is no bubblewrap here (docs/sandbox.md)';
  }
}

function polling(file: string, note: string, log: string, env: Record<string, string> = {}): LocalPart {
  return {
    kind: 'local',
    address: '',
    note,
    env: {},
    spec: {
      env,
      command: process.execPath,
      args: [moduleFile(`workers/${file}`)],
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
