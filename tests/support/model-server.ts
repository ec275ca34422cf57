import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../../modelserver/', import.meta.url));

export type ModelServer = {
  /** Base URL ending in /v1. */
  url: string;
  /** Ends it as `kill -9` would, and starts it again on the same data and port. */
  killAndRestart(): Promise<void>;
  close(): Promise<void>;
};

/** Our model server with the built-in model, as the stack starts it. RATCHET_PYTHON names its Python. */
export async function startModelServer(): Promise<ModelServer> {
  const python = process.env.RATCHET_PYTHON;
  if (!python) throw new Error('RATCHET_PYTHON is not set: run these tests with `npm test`.');
  const data = mkdtempSync(join(tmpdir(), 'ratchet-modelserver-'));

  async function start(port: number) {
    const child = spawn(
      python!,
      [
        '-m',
        'ratchet_modelserver',
        '--exit-with-parent',
        '--model',
        'arithmetic=builtin/arithmetic',
        '--adapter',
        'arithmetic-critic=builtin/arithmetic-critic',
        '--data',
        data,
        '--port',
        String(port),
      ],
      { cwd: folder, env: { ...process.env, PYTHONPATH: folder }, stdio: ['pipe', 'pipe', 'pipe'] },
    );
    const exited = once(child, 'exit');
    let output = '';
    const found = await new Promise<number>((resolve, reject) => {
      const collect = (chunk: Buffer) => {
        output += chunk.toString();
        const ready = /^ready http:\/\/127\.0\.0\.1:(\d+)/m.exec(output);
        if (ready) resolve(Number(ready[1]));
      };
      child.stdout.on('data', collect);
      child.stderr.on('data', collect);
      void exited.then(() => reject(new Error(`the model server ended before it was ready:\n${output}`)));
    });
    return { child, exited, port: found };
  }

  let server = await start(0);
  return {
    url: `http://127.0.0.1:${server.port}/v1`,
    async killAndRestart() {
      server.child.kill('SIGKILL');
      await server.exited;
      server = await start(server.port);
    },
    async close() {
      server.child.kill('SIGTERM');
      await server.exited;
      rmSync(data, { recursive: true, force: true });
    },
  };
}
