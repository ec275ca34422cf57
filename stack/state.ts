// stack.json: what runs, where, and under which pids. Whoever starts the stack writes it; every other command reads it.
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessRecord } from '../process/process-info.ts';

export const partNames = [
  'postgres',
  'temporal',
  'modelserver',
  'worker',
  'sandbox',
  'web',
  'gateway',
] as const;
export type PartName = (typeof partNames)[number];

export const partTitles: Record<PartName, string> = {
  postgres: 'PostgreSQL',
  temporal: 'Temporal',
  modelserver: 'Model server',
  worker: 'Worker',
  sandbox: 'Sandbox',
  web: 'Web page',
  gateway: 'Gateway',
};

export interface PartState {
  kind: 'local' | 'external';
  /** `failed`: it died too often and is not started again. */
  status: 'starting' | 'running' | 'restarting' | 'failed';
  address: string;
  version?: string;
  process?: ProcessRecord;
  log?: string;
  restarts: number;
  stopSignal?: NodeJS.Signals;
}

export interface StackState {
  format: 1;
  status: 'starting' | 'running';
  home: string;
  startedAt: string;
  /** The process that keeps the others running. */
  supervisor: ProcessRecord;
  /** The process that stops the others when the supervisor is killed. */
  reaper?: ProcessRecord;
  ports: Partial<Record<string, number>>;
  /** The variables that the user had set (DATABASE_URL and so on) when the stack started. */
  configured: string[];
  /** What every child gets, and what other commands need to reach the stack. Secrets included: the file is 0600. */
  env: Record<string, string>;
  parts: Partial<Record<PartName, PartState>>;
  /** Names of the variables with endpoints' keys that its worker and its gateway have. */
  keys?: string[];
  /** Names of the models that the local model server serves, the default first. */
  models?: string[];
}

function stateFile(home: string): string {
  return join(home, 'stack.json');
}

export function readState(home: string): StackState | undefined {
  try {
    const state = JSON.parse(readFileSync(stateFile(home), 'utf8')) as StackState;
    return state.format === 1 ? state : undefined;
  } catch {
    return undefined;
  }
}

export function writeState(state: StackState): void {
  const file = stateFile(state.home);
  const temporary = `${file}.${process.pid}`;
  writeFileSync(temporary, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  renameSync(temporary, file);
}

export function removeState(home: string): void {
  rmSync(stateFile(home), { force: true });
}
