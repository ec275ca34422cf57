// The local stack: starts what is not configured, uses what is; finds the one that runs.
import { setTimeout as sleep } from 'node:timers/promises';
import { withProfile } from '../process/temporal.ts';
import { attach } from './attach.ts';
import { startDetached } from './detached.ts';
import { makeHome, ratchetHome } from './home.ts';
import { tryLock } from '../process/lock.ts';
import { checkModelNames } from './models/add.ts';
import { own } from './own.ts';
import { partNames, readState, type PartName, type StackState } from './state.ts';
import type { OnStep } from './steps.ts';
import { lockFile } from './stop.ts';

export { stackEnvironment, stopStack } from './stop.ts';

export interface StackOptions {
  /** All by default. */
  parts?: PartName[];
  home?: string;
  env?: NodeJS.ProcessEnv;
  onStep?: OnStep;
  /** Stops a start that is under way. */
  signal?: AbortSignal;
  /**
   * What the local model server serves, the default first: names as `ratchet model add` takes them; what is missing is got.
   * The built-in model by default; of a stack that runs, whatever it serves.
   */
  models?: string[];
  /** Leave the stack running in the background, with a process of its own that watches it. */
  detach?: boolean;
}

export interface Stack {
  home: string;
  /** DATABASE_URL, TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_UI_URL, MODEL_BASE_URL, RATCHET_WEB_URL, RATCHET_HOME. */
  env: Record<string, string>;
  state: StackState;
  /** False when the stack runs in another process: it ran before, or it is detached. */
  owned: boolean;
  /** Stops the stack when it is ours; otherwise leaves it alone. */
  stop(): Promise<void>;
  /** Settles when a part is given up after too many restarts; only for a stack of our own. */
  failed: Promise<Error>;
}

/** Starts the stack, or finds the one that runs. Throws a message for the user when a part cannot be started. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const { onStep = () => undefined, parts = [...partNames] } = options;
  const env = withProfile(options.env ?? process.env);
  const home = options.home ?? ratchetHome(env);
  makeHome(home);
  if (options.models && env.MODEL_BASE_URL)
    throw new Error(
      `MODEL_BASE_URL names a model server of yours (${env.MODEL_BASE_URL}), which serves what you started it with. Unset it to serve ${options.models.join(', ')} from here, or leave the model's name out.`,
    );
  if (options.models) checkModelNames(options.models, home);
  let told = false;
  for (;;) {
    const attempt = tryLock(lockFile(home));
    if ('lock' in attempt) {
      if (!options.detach) return own(home, attempt.lock, { ...options, env, onStep, parts });
      attempt.lock.release();
      await startDetached({ ...options, env, onStep, parts, home });
      return attach(home, { parts, env, models: options.models });
    }
    const state = readState(home);
    if (state?.status === 'running' && state.supervisor.pid === attempt.holder.pid)
      return attach(home, { parts, env, models: options.models });
    if (!told)
      onStep({
        name: 'Stack',
        phase: 'info',
        detail: `process ${attempt.holder.pid} is starting or stopping it: waiting`,
      });
    told = true;
    options.signal?.throwIfAborted();
    await sleep(200);
  }
}
