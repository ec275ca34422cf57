// Stops the stack, whoever started it, and what a killed one left behind.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeHome, ratchetHome } from './home.ts';
import { tryLock } from '../process/lock.ts';
import { isAlive, sendSignal, stopGroup, waitForDeath } from '../process/process-info.ts';
import { partNames, partTitles, readState, removeState } from './state.ts';
import type { OnStep } from './steps.ts';

/** The stacks of this process by data folder, so that stopStack() need not signal the process it runs in. */
export const ours = new Map<string, { stop(): Promise<void> }>();

/** Whoever holds it starts, watches or stops the stack of the data folder. */
export function lockFile(home: string): string {
  return join(home, 'stack.lock');
}

/** Stops the children of a stack whose supervisor was killed and whose reaper could not (or has not yet). */
export async function stopLeftovers(home: string, onStep: OnStep): Promise<string[]> {
  const state = readState(home);
  const stoppedParts: string[] = [];
  for (const name of [...partNames].reverse()) {
    const part = state?.parts[name];
    if (!part || !isAlive(part.process)) continue;
    await stopGroup(part.process, part.stopSignal ?? 'SIGTERM', 20_000);
    stoppedParts.push(partTitles[name]);
  }
  removeState(home);
  if (stoppedParts.length > 0) {
    onStep({
      name: 'Stack',
      phase: 'info',
      detail: `stopped ${stoppedParts.join(', ')}, left over from process ${state!.supervisor.pid}, which was killed`,
    });
  }
  return stoppedParts;
}

/** Stops the stack of the data folder, whoever started it, and what a killed one left. Answers what was stopped. */
export async function stopStack(
  options: { home?: string; env?: NodeJS.ProcessEnv; onStep?: OnStep } = {},
): Promise<string[]> {
  const { env = process.env, onStep = () => undefined } = options;
  const home = options.home ?? ratchetHome(env);
  makeHome(home);
  const mine = ours.get(home);
  const state = readState(home);
  const names = partNames
    .filter((name) => state?.parts[name]?.kind === 'local')
    .map((name) => partTitles[name]);
  if (mine) {
    await mine.stop();
    return names;
  }
  let wasRunning = false;
  for (;;) {
    const attempt = tryLock(lockFile(home));
    if ('lock' in attempt) {
      try {
        const leftovers = await stopLeftovers(home, onStep);
        return wasRunning ? names : leftovers;
      } finally {
        attempt.lock.release();
      }
    }
    wasRunning = true;
    onStep({ name: 'Stack', phase: 'info', detail: `asking process ${attempt.holder.pid} to stop it` });
    sendSignal(attempt.holder.pid, 'SIGTERM');
    const deadline = Date.now() + 75_000;
    while (isAlive(attempt.holder) && Date.now() < deadline && lockedBy(home, attempt.holder.pid))
      await sleep(50);
    if (isAlive(attempt.holder) && lockedBy(home, attempt.holder.pid)) {
      onStep({
        name: 'Stack',
        phase: 'info',
        detail: `process ${attempt.holder.pid} does not stop: killing it`,
      });
      sendSignal(attempt.holder.pid, 'SIGKILL');
      await waitForDeath(attempt.holder, 5000);
    }
  }
}

/** A supervisor such as `ratchet demo` may let go of the stack and live on. */
function lockedBy(home: string, pid: number): boolean {
  const attempt = tryLock(lockFile(home));
  if ('lock' in attempt) {
    attempt.lock.release();
    return false;
  }
  return attempt.holder.pid === pid;
}

/** What a program needs to reach the stack that runs; undefined when none does. */
export function stackEnvironment(
  options: { home?: string; env?: NodeJS.ProcessEnv } = {},
): Record<string, string> | undefined {
  const state = readState(options.home ?? ratchetHome(options.env));
  return state && state.status === 'running' && isAlive(state.supervisor) ? state.env : undefined;
}
