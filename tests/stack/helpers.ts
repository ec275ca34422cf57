import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { programFolder } from '../../process/program.ts';
import { stopStack } from '../../stack/stack.ts';
import type { Step } from '../../stack/steps.ts';
import { freePort } from '../support/ports.ts';

/** A data folder of its own, readable by the user postgres; what runs in it is stopped when the test ends. */
export function temporaryHome(): string {
  const home = mkdtempSync(join(tmpdir(), 'ratchet-stack-'));
  onTestFinished(async () => {
    await stopStack({ home });
    rmSync(home, { recursive: true, force: true });
  }, 60_000);
  return home;
}

/** The test's environment without what a developer may have configured, on ports of its own. */
export async function stackEnv(extra: NodeJS.ProcessEnv = {}): Promise<NodeJS.ProcessEnv> {
  return {
    ...process.env,
    DATABASE_URL: '',
    TEMPORAL_ADDRESS: '',
    TEMPORAL_NAMESPACE: '',
    MODEL_BASE_URL: '',
    RATCHET_HOME: '',
    RATCHET_POSTGRES_PORT: String(await freePort()),
    RATCHET_TEMPORAL_PORT: String(await freePort()),
    RATCHET_TEMPORAL_UI_PORT: String(await freePort()),
    ...extra,
  };
}

export function recordSteps(): { steps: Step[]; onStep(step: Step): void; lines(): string[] } {
  const steps: Step[] = [];
  return {
    steps,
    onStep: (step) => void steps.push(step),
    lines: () => steps.map(({ name, phase, detail }) => `${name} ${phase} ${detail ?? ''}`),
  };
}

export interface Command {
  process: ChildProcess;
  output(): string;
  exit: Promise<number | null>;
}

/** The `ratchet` of tests/stack/cli.ts as a process. */
export function ratchet(args: string[], env: NodeJS.ProcessEnv): Command {
  const child = spawn(process.execPath, [join(programFolder, 'tests', 'stack', 'cli.ts'), ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exit = new Promise<number | null>((resolve) => child.on('close', resolve));
  onTestFinished(() => void child.kill('SIGKILL'));
  return { process: child, output: () => output, exit };
}

export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 30_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`${what} did not happen within ${timeoutMs} ms`);
    await sleep(50);
  }
}
