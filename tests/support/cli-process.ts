/** `ratchet` as a user types it, in a process of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

export type Ended = { code: number | null; stdout: string; stderr: string };

/**
 * @param options.node flags of Node itself
 * @param options.started called at once, for tests that interrupt it
 */
export function ratchet(
  args: string[],
  options: {
    env: Record<string, string>;
    cwd?: string;
    node?: string[];
    started?: (child: ChildProcess) => void;
  },
): Promise<Ended> {
  const { TEMPORAL_ADDRESS: _, ...inherited } = process.env;
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...(options.node ?? []), main, ...args], {
      cwd: options.cwd,
      env: { ...inherited, NO_COLOR: '1', ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('close', (code) => resolve({ code, stdout, stderr }));
    options.started?.(child);
  });
}
