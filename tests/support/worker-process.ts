import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export type WorkerProcess = {
  pid: number;
  /** Ends it as `kill -9` would. */
  kill(): Promise<void>;
  output(): string;
};

/** How a process of the program is started. */
export type Command = { argv: [string, ...string[]]; cwd: string };

const repository = fileURLToPath(new URL('../../', import.meta.url));

/** A worker as users run it: a process of its own, which can be killed with -9. Resolves when it is ready. */
export async function startWorkerProcess(
  env: Record<string, string>,
  command: Command = { argv: [process.execPath, 'workers/main.ts'], cwd: repository },
): Promise<WorkerProcess> {
  const [program, ...args] = command.argv;
  const child: ChildProcess = spawn(program, args, {
    cwd: command.cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const exited = once(child, 'exit');
  await new Promise<void>((resolve, reject) => {
    const collect = (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes('worker ready')) resolve();
    };
    child.stdout!.on('data', collect);
    child.stderr!.on('data', collect);
    void exited.then(() => reject(new Error(`the worker ended before it was ready:\n${output}`)));
  });
  return {
    pid: child.pid!,
    output: () => output,
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
