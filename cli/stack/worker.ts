// The worker: one process that serves every task queue.
import { join } from 'node:path';
import { logFile, repoRoot } from './home.ts';
import type { LocalPart, PartContext } from './part.ts';

export function workerPart({ home }: PartContext): LocalPart {
  return {
    kind: 'local',
    address: '',
    note: 'serves every task queue',
    env: {},
    spec: {
      command: process.execPath,
      args: [join(repoRoot, 'workers', 'main.ts')],
      logFile: logFile(home, 'worker'),
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
