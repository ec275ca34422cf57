/** The scripted model as a part of the stack under test: watched and restarted as the stack's own parts are. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ProcessRecord } from '../../../process/process-info.ts';
import type { PartState } from '../../../stack/state.ts';
import { supervise } from '../../../stack/supervise.ts';

export type ModelSettings = {
  folder: string;
  port: number;
  /** How long a fine-tuning job takes. */
  jobMs: number;
  /** How long a completion takes: benchmarks of the base and of a candidate, first and second samples. */
  latencyMs: { base: number; candidate: number; sample: number; resample: number };
};

export type ModelProcess = {
  folder: string;
  /** The endpoint for one run; its calls are logged under this label. */
  baseURL(label: string): string;
  state: { status: PartState['status']; process?: ProcessRecord; restarts: number };
  stop(): Promise<void>;
};

export async function startModelProcess(
  settings: ModelSettings,
  env: NodeJS.ProcessEnv,
): Promise<ModelProcess> {
  const { folder, port } = settings;
  mkdirSync(folder, { recursive: true });
  const state: ModelProcess['state'] = { status: 'starting', restarts: 0 };
  const address = `http://127.0.0.1:${port}`;
  const supervised = await supervise({
    title: 'Scripted model',
    env,
    part: {
      kind: 'local',
      address,
      env: {},
      spec: {
        command: process.execPath,
        args: [fileURLToPath(new URL('model-main.ts', import.meta.url)), JSON.stringify(settings)],
        logFile: join(folder, 'model.log'),
        graceMs: 2000,
      },
      readyTimeoutMs: 30_000,
      ready: async () => {
        const response = await fetch(`${address}/v1/models`, { signal: AbortSignal.timeout(2000) });
        if (!response.ok) throw new Error(`it answers ${response.status}`);
        return '';
      },
    },
    onChange: (change) => void Object.assign(state, change),
    onEvent: () => undefined,
    onGiveUp: () => undefined,
  });
  return { folder, state, baseURL: (label) => `${address}/r/${label}/v1`, stop: () => supervised.stop() };
}
