// Keeps one local part running: a child that dies is started again, a little later each time, on the same port, so that
// durable runs go on. One that keeps dying soon after its start is given up.
import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalPart } from './part.ts';
import { deathMessage, startChild, waitUntilReady, type Child } from './processes.ts';
import type { PartState } from './state.ts';

// A part that ran this long before it died has its failures forgiven.
const quickDeathMs = 30_000;
const maxQuickDeaths = 5;

export interface SuperviseOptions {
  title: string;
  part: LocalPart;
  /** Over this process's own environment; or all that the child gets beside what the part itself adds, asked at each start. */
  env: NodeJS.ProcessEnv | (() => NodeJS.ProcessEnv);
  signal?: AbortSignal;
  onChange(change: Partial<PartState>): void;
  onEvent(line: string): void;
  onGiveUp(error: Error): void;
}

export interface Supervised {
  version: string;
  /** To the process, where it takes messages. */
  send(message: object): void;
  stop(): Promise<void>;
}

/** Starts the part and waits until it is ready; throws with its last log lines when it is not. Then watches it. */
export async function supervise(options: SuperviseOptions): Promise<Supervised> {
  const { title, part, onChange, onEvent } = options;
  const { logFile } = part.spec;
  const stopping = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stopping.signal]) : stopping.signal;
  let restarts = 0;

  const version = { current: '' };
  let child = await start(signal);
  const watching = watch();
  return {
    get version() {
      return version.current;
    },
    send: (message) => child.send(message),
    stop: async () => {
      stopping.abort(new Error(`${title} is being stopped.`));
      await child.stop();
      await watching;
    },
  };

  async function start(abort: AbortSignal): Promise<Child> {
    await part.beforeStart?.();
    abort.throwIfAborted();
    const { env } = options;
    const bare = typeof env === 'function';
    const fresh = await startChild({
      ...part.spec,
      env: { ...(bare ? env() : env), ...part.spec.env },
      bare,
    });
    try {
      onChange({ status: restarts > 0 ? 'restarting' : 'starting', process: fresh.record, restarts });
      version.current = await waitUntilReady(title, fresh, {
        ready: () => part.ready(fresh.output()),
        timeoutMs: part.readyTimeoutMs,
        logFile,
        signal: abort,
      });
    } catch (error) {
      await fresh.stop();
      throw error;
    }
    onChange({ status: 'running', version: version.current });
    return fresh;
  }

  async function watch(): Promise<void> {
    let quickDeaths = 0;
    for (;;) {
      const readyAt = Date.now();
      const how = await child.ended;
      if (stopping.signal.aborted) return;
      quickDeaths = Date.now() - readyAt < quickDeathMs ? quickDeaths + 1 : 1;
      let problem = deathMessage(title, child, how, logFile);
      let short = `it ended (${how})`;
      for (;;) {
        if (quickDeaths >= maxQuickDeaths) {
          onChange({ status: 'failed', process: undefined });
          options.onGiveUp(
            new Error(`${title} failed ${quickDeaths} times in a row and is not started again. ${problem}`),
          );
          return;
        }
        const delayMs = 500 * 2 ** (quickDeaths - 1);
        restarts += 1;
        onChange({ status: 'restarting', process: undefined, restarts });
        onEvent(`${short}: starting it again in ${delayMs / 1000} s (log: ${logFile})`);
        try {
          await sleep(delayMs, undefined, { signal: stopping.signal });
          child = await start(stopping.signal);
          onEvent(`runs again`);
          break;
        } catch (error) {
          if (stopping.signal.aborted) return;
          quickDeaths += 1;
          problem = (error as Error).message;
          short = problem.split('\n')[0]!;
        }
      }
    }
  }
}
