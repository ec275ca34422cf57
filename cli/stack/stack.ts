// The local stack: starts what is not configured, uses what is, keeps it running, and stops it.
import { setTimeout as sleep } from 'node:timers/promises';
import { startDetached } from './detached.ts';
import { checkModelNames, ensureModels } from '../models/add.ts';
import { servedName } from '../models/source.ts';
import { builtin } from '../models/store.ts';
import { gatewayPart } from './gateway.ts';
import { makeHome, ratchetHome } from './home.ts';
import { tryLock, type Lock } from './lock.ts';
import { modelserverPart } from './modelserver.ts';
import type { Part, PartContext } from './part.ts';
import { portClaims, type PortClaims } from './port-claims.ts';
import { choosePorts, type PortName } from './ports.ts';
import { postgresPart } from './postgres.ts';
import { processRecord } from './process-info.ts';
import { reaper } from './processes.ts';
import { preparePythonEnv } from './python-env.ts';
import {
  partNames,
  partTitles,
  readState,
  removeState,
  writeState,
  type PartName,
  type StackState,
} from './state.ts';
import { step, type OnStep } from './steps.ts';
import { lockFile, ours, stopLeftovers } from './stop.ts';
import { supervise, type Supervised } from './supervise.ts';
import { temporalPart } from './temporal.ts';
import { webPart } from './web.ts';
import { workerPart } from './worker.ts';

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

const configurable = ['DATABASE_URL', 'TEMPORAL_ADDRESS', 'TEMPORAL_NAMESPACE', 'MODEL_BASE_URL'] as const;

/** Starts the stack, or finds the one that runs. Throws a message for the user when a part cannot be started. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const { env = process.env, onStep = () => undefined, parts = [...partNames] } = options;
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

type Wanted = Required<Pick<StackOptions, 'parts' | 'env'>> & Pick<StackOptions, 'models'>;

function attach(home: string, { parts, env, models }: Wanted): Stack {
  const state = readState(home);
  if (!state) throw new Error('The stack stopped while it was being looked at. Run the command again.');
  const missing = parts.filter((name) => !state.parts[name]);
  if (missing.length > 0) {
    throw new Error(
      `A stack runs (process ${state.supervisor.pid}), but without ${missing.map((name) => partTitles[name]).join(', ')}. Stop it with: ratchet down, then run this again.`,
    );
  }
  const other = configurable.filter((name) => env[name] && env[name] !== state.env[name]);
  if (other.length > 0) {
    throw new Error(
      `A stack runs (process ${state.supervisor.pid}) with another ${other.join(' and ')} than the environment has now. Stop it with: ratchet down, then run this again, or unset ${other.join(' and ')}.`,
    );
  }
  refuseOtherModels(state, models);
  return {
    home,
    env: state.env,
    state,
    owned: false,
    stop: async () => undefined,
    failed: new Promise(() => undefined),
  };
}

/** @throws Error when the stack that runs does not serve these models, or another one as its default */
function refuseOtherModels(state: StackState, models: string[] | undefined): void {
  if (!models) return;
  const asked = models.map((name) => servedName(name, state.home));
  const serves = state.models ?? [];
  if (asked[0] === serves[0] && asked.every((name) => serves.includes(name))) return;
  throw new Error(
    `A stack runs (process ${state.supervisor.pid}) and serves ${serves.join(', ') || 'no models of its own'}. Stop it with: ratchet down, then: ratchet up --model ${models.join(',')}  Runs that are under way go on after that.`,
  );
}

type OwnOptions = StackOptions & Required<Pick<StackOptions, 'env' | 'onStep' | 'parts'>>;

async function own(home: string, lock: Lock, options: OwnOptions): Promise<Stack> {
  const { env, parts } = options;
  const abort = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, abort.signal]) : abort.signal;
  // A part that is stopped because another failed has not failed itself.
  const onStep: OnStep = (event) => {
    if (event.phase !== 'failed' || !signal.aborted) options.onStep(event);
  };
  const running = new Map<PartName, Supervised>();
  const claims = portClaims();
  const starting: Promise<unknown>[] = [];
  let reportFailure: (error: Error) => void = () => undefined;
  const failed = new Promise<Error>((resolve) => (reportFailure = resolve));

  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= stopAll());
  async function stopAll(): Promise<void> {
    abort.abort(new Error('The stack is being stopped.'));
    await Promise.allSettled(starting);
    // The worker lets go first, PostgreSQL goes last.
    await Promise.all([
      running.get('web')?.stop(),
      running.get('gateway')?.stop(),
      running.get('worker')?.stop(),
    ]);
    await Promise.all([running.get('modelserver')?.stop(), running.get('temporal')?.stop()]);
    await running.get('postgres')?.stop();
    ours.delete(home);
    removeState(home);
    claims.release();
    lock.release();
  }

  try {
    await stopLeftovers(home, onStep);
    const state = await firstState(home, options, claims);
    writeState(state);
    const context = (name: PartName): PartContext => ({
      home,
      env,
      ports: state.ports,
      signal,
      info: (detail) => onStep({ name: partTitles[name], phase: 'info', detail }),
    });
    const makers: Record<PartName, () => Promise<Part>> = {
      postgres: () => postgresPart(context('postgres')),
      temporal: () => temporalPart(context('temporal')),
      modelserver: () =>
        modelserverPart(context('modelserver'), {
          python: () => pythonStep(home, env, onStep, signal),
          models: async () => {
            const models = options.models
              ? await ensureModels(options.models, { home, env, onStep, signal })
              : [builtin];
            state.models = models.map(({ name }) => name);
            return models;
          },
        }),
      worker: async () => workerPart(context('worker')),
      web: async () => webPart(context('web')),
      gateway: async () => gatewayPart(context('gateway')),
    };
    const launch = (name: PartName, after: Promise<unknown>[] = []): Promise<void> => {
      if (!parts.includes(name)) return Promise.resolve();
      const work = (async () => {
        await Promise.all(after);
        await launchPart(name, makers[name]);
      })();
      // The first failure stops the others: they need not finish first.
      work.catch((error: unknown) => abort.abort(error));
      starting.push(work);
      return work;
    };
    const launchPart = async (name: PartName, make: () => Promise<Part>): Promise<void> => {
      const title = partTitles[name];
      await step(title, onStep, async () => {
        const part = await make();
        signal.throwIfAborted();
        Object.assign(state.env, part.env);
        state.parts[name] = { kind: part.kind, status: 'starting', address: part.address, restarts: 0 };
        const change = (update: Partial<StackState['parts'][PartName] & object>) => {
          Object.assign(state.parts[name]!, update);
          state.reaper = part.kind === 'local' ? reaper().record() : state.reaper;
          if (!stopped) writeState(state);
        };
        if (part.kind === 'external') {
          change({ status: 'running', version: await part.ready() });
        } else {
          change({ log: part.spec.logFile, stopSignal: part.spec.stopSignal });
          const supervised = await supervise({
            title,
            part,
            env: { ...env, ...state.env },
            signal,
            onChange: change,
            onEvent: (detail) => onStep({ name: title, phase: 'info', detail }),
            onGiveUp: (error) => {
              onStep({ name: title, phase: 'failed', detail: error.message });
              reportFailure(error);
            },
          });
          running.set(name, supervised);
        }
        return { detail: describePart(part, state.parts[name]!.version) };
      });
    };
    const database = launch('postgres');
    const temporal = launch('temporal');
    const models = launch('modelserver');
    // The worker waits for the model server too: a resumed run would spend its attempts on a server not yet there.
    const worker = launch('worker', [database, temporal, models]);
    // It finds the way to both in what their parts have told.
    const web = launch('web', [database, temporal]);
    const gateway = launch('gateway', [database, models]);
    await Promise.all([database, temporal, models, worker, web, gateway]);
    state.status = 'running';
    writeState(state);
    const stack: Stack = { home, env: state.env, state, owned: true, stop, failed };
    ours.set(home, stack);
    return stack;
  } catch (error) {
    await stop();
    // What stopped the others is what the user must read, not that they were stopped.
    throw options.signal?.aborted ? options.signal.reason : error;
  }
}

function describePart(part: Part, version: string | undefined): string {
  const whose = part.kind === 'external' ? ' (yours)' : '';
  const where = part.address ? `at ${part.address}${whose}` : '';
  return [version, where, part.note].filter(Boolean).join(' ');
}

async function pythonStep(
  home: string,
  env: NodeJS.ProcessEnv,
  onStep: OnStep,
  signal: AbortSignal,
): Promise<string> {
  let python = '';
  await step('Python environment', onStep, async (info) => {
    const result = await preparePythonEnv({ home, env, info, signal });
    python = result.python;
    return result.made ? { detail: result.detail } : undefined;
  });
  return python;
}

async function firstState(
  home: string,
  { env, onStep, parts }: OwnOptions,
  claims: PortClaims,
): Promise<StackState> {
  const needed: PortName[] = [];
  if (parts.includes('postgres') && !env.DATABASE_URL) needed.push('postgres');
  if (parts.includes('temporal') && !env.TEMPORAL_ADDRESS) needed.push('temporal', 'temporalUi');
  if (parts.includes('modelserver') && !env.MODEL_BASE_URL) needed.push('modelserver');
  if (parts.includes('web')) needed.push('web');
  if (parts.includes('gateway')) needed.push('gateway');
  const ports: StackState['ports'] = {};
  for (const { name, port, note } of await choosePorts(needed, env, claims)) {
    ports[name] = port;
    if (note)
      onStep({ name: name === 'temporalUi' ? 'Temporal UI' : partTitles[name], phase: 'info', detail: note });
  }
  const given = configurable.filter((name) => env[name]);
  return {
    format: 1,
    status: 'starting',
    home,
    startedAt: new Date().toISOString(),
    supervisor: processRecord(process.pid)!,
    ports,
    configured: given,
    env: { RATCHET_HOME: home, ...Object.fromEntries(given.map((name) => [name, env[name]!])) },
    parts: {},
  };
}
