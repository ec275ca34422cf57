/**
 * The stack under test: what `ratchet up` starts (PostgreSQL, Temporal, worker), with the scripted model as its
 * endpoint. What is killed is restarted by the product's own supervision.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { sendSignal } from '../../../process/process-info.ts';
import { usersServices } from '../../../stack/first-state.ts';
import { startStack, type Stack } from '../../../stack/stack.ts';
import { connect, type Db } from '../../../db/connect.ts';
import { freePort } from '../../support/ports.ts';
import { startModelProcess, type ModelProcess, type ModelSettings } from './model-process.ts';
import { slowWrites } from './slow.ts';

export const VICTIMS = ['worker', 'model server', 'PostgreSQL', 'Temporal'] as const;
export type Victim = (typeof VICTIMS)[number];

export type Harness = {
  home: string;
  db: Db;
  client: Client;
  model: ModelProcess;
  /** How long the trainer takes. */
  jobMs: number;
  /** Kills the process with -9; resolves with the time of the kill. */
  kill(victim: Victim): number;
  /** Waits until every part answers again. */
  healthy(): Promise<void>;
  /** Waits until a kill of this part counts as its first: one that dies again and again is given up. */
  settled(victim: Victim): Promise<void>;
  stop(): Promise<void>;
};

export type HarnessOptions = Pick<ModelSettings, 'jobMs' | 'latencyMs'> & {
  /** How long the writes of stages that make no calls are held up, so that a kill can land inside. */
  writeMs: number;
  onLine?(line: string): void;
};

/** A part that ran this long has its deaths forgiven by the supervisor. */
const FORGIVEN_MS = 31_000;

const partOf = { worker: 'worker', PostgreSQL: 'postgres', Temporal: 'temporal' } as const;

export async function startHarness(options: HarnessOptions): Promise<Harness> {
  const { writeMs, onLine = () => undefined, ...modelSettings } = options;
  const home = mkdtempSync(join(tmpdir(), 'ratchet-chaos-'));
  // As root, PostgreSQL runs as another user, who must be able to enter.
  chmodSync(home, 0o755);
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    ...Object.fromEntries(usersServices.map((name) => [name, ''])),
    RATCHET_HOME: home,
    RATCHET_POSTGRES_PORT: String(await freePort()),
    RATCHET_TEMPORAL_PORT: String(await freePort()),
    RATCHET_TEMPORAL_UI_PORT: String(await freePort()),
    // An answer that never comes must not hold up the suite for as long as a real model may think.
    RATCHET_REQUEST_TIMEOUT_MS: '8000',
  };
  let model: ModelProcess | undefined;
  let stack: Stack | undefined;
  let db: Db | undefined;
  let connection: Connection | undefined;
  async function stop() {
    await connection?.close().catch(() => undefined);
    await db?.$client.end().catch(() => undefined);
    await stack?.stop();
    await model?.stop();
    rmSync(home, { recursive: true, force: true });
  }
  try {
    model = await startModelProcess(
      { ...modelSettings, folder: join(home, 'model'), port: await freePort() },
      env,
    );
    stack = await startStack({
      home,
      env: { ...env, MODEL_BASE_URL: model.baseURL('stack') },
      onStep: ({ name, phase, detail }) => {
        if (phase !== 'start') onLine(`${name} ${phase} ${detail ?? ''}`);
      },
    });
    db = connect(stack.env.DATABASE_URL!, 4);
    await slowWrites(db, writeMs);
    connection = await Connection.connect({ address: stack.env.TEMPORAL_ADDRESS! });
  } catch (error) {
    await stop();
    throw error;
  }
  const running = { model, stack };
  const stateOf = (victim: Victim) =>
    victim === 'model server' ? running.model.state : running.stack.state.parts[partOf[victim]]!;
  const readyAt = new Map<Victim, number>();
  const restartsSeen = new Map<Victim, number>();

  return {
    home,
    db,
    client: new Client({ connection }),
    model,
    jobMs: options.jobMs,
    kill(victim) {
      const { process: record, restarts } = stateOf(victim);
      if (!record) throw new Error(`${victim} is not running: there is nothing to kill.`);
      restartsSeen.set(victim, restarts);
      sendSignal(record.pid, 'SIGKILL');
      return Date.now();
    },
    async healthy() {
      const deadline = Date.now() + 60_000;
      for (const victim of VICTIMS) {
        const before = restartsSeen.get(victim);
        for (;;) {
          const { status, restarts } = stateOf(victim);
          if (status === 'running' && (before === undefined || restarts > before)) break;
          if (Date.now() > deadline) throw new Error(`${victim} did not come back: it is ${status}`);
          await sleep(50);
        }
        if (before !== undefined) readyAt.set(victim, Date.now());
        restartsSeen.delete(victim);
      }
    },
    async settled(victim) {
      const since = readyAt.get(victim);
      if (since !== undefined) await sleep(Math.max(0, since + FORGIVEN_MS - Date.now()));
    },
    stop,
  };
}
