// `ratchet up --detach`: the stack gets a supervisor process of its own, which reports its steps to us until it is ready.
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { logFile } from './home.ts';
import { moduleFile, programFolder } from '../process/program.ts';
import type { PartName } from './state.ts';
import { markReported, type OnStep, type Step } from './steps.ts';

export interface DetachedOptions {
  home: string;
  parts: PartName[];
  models?: string[];
  env: NodeJS.ProcessEnv;
  onStep: OnStep;
  signal?: AbortSignal;
}

export type SupervisorMessage = { step: Step } | { ready: true } | { error: string; reported: boolean };

/** Starts the supervisor and waits until the stack is ready. When we end before that, it stops. */
export async function startDetached({
  home,
  parts,
  models,
  env,
  onStep,
  signal,
}: DetachedOptions): Promise<void> {
  const log = openSync(logFile(home, 'supervisor'), 'a');
  const child = spawn(
    process.execPath,
    [moduleFile('stack/supervisor.ts'), JSON.stringify({ home, parts, models })],
    {
      cwd: programFolder,
      env: { ...env, RATCHET_HOME: home },
      detached: true,
      stdio: ['ignore', log, log, 'ipc'],
    },
  );
  closeSync(log);
  const stop = () => child.kill('SIGTERM');
  signal?.addEventListener('abort', stop, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      child.on('message', (message: SupervisorMessage) => {
        if ('step' in message) onStep(message.step);
        if ('ready' in message) resolve();
        if (!('error' in message)) return;
        const error = new Error(message.error);
        if (message.reported) markReported(error);
        reject(error);
      });
      child.once('error', reject);
      child.once('exit', (code, killed) => {
        reject(
          signal?.aborted
            ? signal.reason
            : new Error(
                `The stack's supervisor ended (${killed ?? `exit code ${code}`}). Its log: ${logFile(home, 'supervisor')}`,
              ),
        );
      });
    });
    if (child.connected) child.disconnect();
    child.unref();
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}
