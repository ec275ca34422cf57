/**
 * One run of a simulator in the sandbox. It gets a line of JSON, `{"key": …, "settings": {"x": 1.5, …}}`, and the last line of its output
 * is `{"measured": 2.25}`, with `"sigma": 0.1` where it knows that. Whatever ends without one has failed, and says why.
 */
import { z } from 'zod';
import type { Limits, Outcome } from '../../sandbox/job.ts';
import { runInSandbox } from '../../sandbox/run.ts';
import type { Simulator } from './schema.ts';

export type Simulation = { command: string[]; files: Record<string, string>; limits: Limits; stdin: string };
export type Simulated = { measured: number; sigma?: number } | { failed: string };

export function simulation(
  { command, files, limits }: Simulator,
  quantities: readonly { name: string }[],
  settings: readonly number[],
  key: string,
): Simulation {
  const named = Object.fromEntries(quantities.map(({ name }, i) => [name, settings[i]!]));
  return { command, files, limits, stdin: `${JSON.stringify({ key, settings: named })}\n` };
}

const saidSchema = z.object({ measured: z.number(), sigma: z.number().positive().optional() });

/** @throws SandboxUnavailable where no container can be made */
export async function simulate({ limits, ...job }: Simulation, signal?: AbortSignal): Promise<Simulated> {
  const outcome = await runInSandbox(job, limits, signal);
  if (outcome.ended !== 'exited' || outcome.code !== 0) return { failed: howItEnded(outcome, limits) };
  const last = outcome.stdout.trim().split('\n').at(-1) ?? '';
  const said = saidSchema.safeParse(jsonOf(last));
  if (said.success) return said.data;
  return { failed: `its last line is not {"measured": number}: ${JSON.stringify(last.slice(0, 80))}` };
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function howItEnded({ ended, code, stderr }: Outcome, limits: Limits): string {
  const how = {
    exited: `ended with code ${code}`,
    crashed: 'crashed',
    timeout: `timeout: not done in ${limits.seconds} s`,
    memory: `needs more than ${limits.memoryMb} MB`,
    output: 'wrote without end',
  }[ended];
  const last = stderr.trim().split('\n').at(-1)?.slice(0, 200);
  return last ? `${how}: ${last}` : how;
}
