// A stack of our own: starts its parts, each as soon as what it needs is there, keeps them running, and stops them in order.
import { modelserverPart } from './modelserver.ts';
import { environmentOf } from './environment.ts';
import { firstState } from './first-state.ts';
import { gatewayPart } from './gateway.ts';
import { handKeys } from './hand-keys.ts';
import type { Lock } from '../process/lock.ts';
import { ensureModels } from './models/add.ts';
import { builtin } from './models/store.ts';
import type { LocalPart, Part, PartContext } from './part.ts';
import { portClaims } from './port-claims.ts';
import { postgresPart } from './postgres.ts';
import { reaper } from './processes.ts';
import { preparePythonEnv } from './python-env.ts';
import type { Stack, StackOptions } from './stack.ts';
import {
  partTitles,
  removeState,
  writeState,
  type PartName,
  type PartState,
  type StackState,
} from './state.ts';
import { step, type OnStep } from './steps.ts';
import { ours, stopLeftovers } from './stop.ts';
import { supervise, type Supervised } from './supervise.ts';
import { temporalPart } from './temporal.ts';
import { webPart } from './web.ts';
import { sandboxPart, workerPart } from './worker.ts';

type OwnOptions = StackOptions & Required<Pick<StackOptions, 'env' | 'onStep' | 'parts'>>;

export const own = (home: string, lock: Lock, options: OwnOptions): Promise<Stack> =>
  new Own(home, lock, options).start();

class Own {
  private readonly home: string;
  private readonly lock: Lock;
  private readonly options: OwnOptions;
  private readonly abort = new AbortController();
  private readonly signal: AbortSignal;
  private readonly claims = portClaims();
  private readonly running = new Map<PartName, Supervised>();
  private readonly besides: (() => Promise<void>)[] = [];
  private readonly starting: Promise<unknown>[] = [];
  private readonly failed = Promise.withResolvers<Error>();
  private stopped: Promise<void> | undefined;
  private stopHanding: (() => void) | undefined;

  constructor(home: string, lock: Lock, options: OwnOptions) {
    this.home = home;
    this.lock = lock;
    this.options = options;
    this.signal = options.signal ? AbortSignal.any([options.signal, this.abort.signal]) : this.abort.signal;
  }

  async start(): Promise<Stack> {
    try {
      await stopLeftovers(this.home, this.onStep);
      const state = await firstState(this.home, this.options, this.claims);
      writeState(state);
      await this.launchAll(state);
      this.stopHanding = handKeys({ ...this.options.env, ...state.env }, this.home, (keys) => {
        for (const name of ['worker', 'gateway'] as const) this.running.get(name)?.send({ keys });
        state.keys = Object.keys(keys);
        writeState(state);
      });
      state.status = 'running';
      writeState(state);
      const { home, stop } = this;
      const stack: Stack = { home, env: state.env, state, owned: true, stop, failed: this.failed.promise };
      ours.set(home, stack);
      return stack;
    } catch (error) {
      await this.stop();
      // What stopped the others is what the user must read, not that they were stopped.
      throw this.options.signal?.aborted ? this.options.signal.reason : error;
    }
  }

  private readonly stop = (): Promise<void> => (this.stopped ??= this.stopAll());

  private async stopAll(): Promise<void> {
    this.abort.abort(new Error('The stack is being stopped.'));
    this.stopHanding?.();
    await Promise.allSettled(this.starting);
    // The worker lets go first, PostgreSQL goes last.
    const end = (...names: PartName[]) =>
      Promise.all(names.flatMap((name) => this.running.get(name)?.stop() ?? []));
    await end('web', 'gateway', 'worker', 'sandbox');
    await end('modelserver', 'temporal');
    await end('postgres');
    await Promise.all(this.besides.map((stop) => stop()));
    ours.delete(this.home);
    removeState(this.home);
    this.claims.release();
    this.lock.release();
  }

  /** A part that is stopped because another failed has not failed itself. */
  private readonly onStep: OnStep = (event) => {
    if (event.phase !== 'failed' || !this.signal.aborted) this.options.onStep(event);
  };

  private async launchAll(state: StackState): Promise<void> {
    const makers = this.makers(state);
    const launch = (name: PartName, after: Promise<unknown>[] = []): Promise<void> => {
      if (!this.options.parts.includes(name)) return Promise.resolve();
      const work = Promise.all(after).then(() => this.launch(name, makers[name], state));
      // The first failure stops the others: they need not finish first.
      work.catch((error: unknown) => this.abort.abort(error));
      this.starting.push(work);
      return work;
    };
    const database = launch('postgres');
    const temporal = launch('temporal');
    const models = launch('modelserver');
    // The worker waits for the model server too: a resumed run would spend its attempts on a server not yet there.
    const worker = launch('worker', [database, temporal, models]);
    const sandbox = launch('sandbox', [temporal]);
    // It finds the way to both in what their parts have told.
    const web = launch('web', [database, temporal]);
    const gateway = launch('gateway', [database, models]);
    await Promise.all([database, temporal, models, worker, sandbox, web, gateway]);
  }

  private makers(state: StackState): Record<PartName, () => Promise<Part>> {
    const { home, signal, onStep } = this;
    const { env, models } = this.options;
    const context = (name: PartName): PartContext => ({
      home,
      env,
      ports: state.ports,
      signal,
      info: (detail) => onStep({ name: partTitles[name], phase: 'info', detail }),
    });
    return {
      postgres: () => postgresPart(context('postgres')),
      temporal: () => temporalPart(context('temporal')),
      modelserver: () =>
        modelserverPart(context('modelserver'), {
          python: () => this.python(),
          models: async () => {
            const served = models ? await ensureModels(models, { home, env, onStep, signal }) : [builtin];
            state.models = served.map(({ name }) => name);
            return served;
          },
        }),
      worker: async () => workerPart(context('worker')),
      sandbox: async () => sandboxPart(context('sandbox')),
      web: async () => webPart(context('web')),
      gateway: async () => gatewayPart(context('gateway')),
    };
  }

  private async python(): Promise<string> {
    const { home, signal, onStep } = this;
    let python = '';
    await step('Python environment', onStep, async (info) => {
      const result = await preparePythonEnv({ home, env: this.options.env, info, signal });
      python = result.python;
      return result.made ? { detail: result.detail } : undefined;
    });
    return python;
  }

  private async launch(name: PartName, make: () => Promise<Part>, state: StackState): Promise<void> {
    await step(partTitles[name], this.onStep, async () => {
      const part = await make();
      this.signal.throwIfAborted();
      Object.assign(state.env, part.env);
      state.parts[name] = { kind: part.kind, status: 'starting', address: part.address, restarts: 0 };
      const change = (update: Partial<PartState>) => {
        Object.assign(state.parts[name]!, update);
        state.reaper = part.kind === 'local' ? reaper().record() : state.reaper;
        if (!this.stopped) writeState(state);
      };
      if (part.kind === 'external') change({ status: 'running', version: await part.ready() });
      else await this.supervise(name, part, { state, change });
      return { detail: describePart(part, state.parts[name]!.version) };
    });
  }

  private async supervise(
    name: PartName,
    part: LocalPart,
    { state, change }: { state: StackState; change(update: Partial<PartState>): void },
  ): Promise<void> {
    const title = partTitles[name];
    change({ log: part.spec.logFile, stopSignal: part.spec.stopSignal });
    const end = await part.beside?.();
    if (end) this.besides.push(end);
    const supervised = await supervise({
      title,
      part,
      env: () => environmentOf(name, { ...this.options.env, ...state.env }),
      signal: this.signal,
      onChange: change,
      onEvent: (detail) => this.onStep({ name: title, phase: 'info', detail }),
      onGiveUp: (error) => {
        this.onStep({ name: title, phase: 'failed', detail: error.message });
        this.failed.resolve(error);
      },
    });
    this.running.set(name, supervised);
  }
}

function describePart(part: Part, version: string | undefined): string {
  const whose = part.kind === 'external' ? ' (yours)' : '';
  const where = part.address ? `at ${part.address}${whose}` : '';
  return [version, where, part.note].filter(Boolean).join(' ');
}
