// Child processes that never outlive their parent, with their output in a log file.
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeFolder } from '../process/folder.ts';
import { moduleFile, programFolder } from '../process/program.ts';
import { processRecord, sendSignal, stopGroup, type ProcessRecord } from '../process/process-info.ts';
import { systemEnvironment } from './system-environment.ts';

export interface ChildSpec {
  command: string;
  args: string[];
  /** Over this process's own; see `bare`. */
  env?: NodeJS.ProcessEnv;
  /** `env` is all that it gets. */
  bare?: boolean;
  /** It takes messages (`send`). */
  channel?: boolean;
  cwd?: string;
  uid?: number;
  gid?: number;
  logFile: string;
  stopSignal?: NodeJS.Signals;
  /** How long it may take to stop before it is killed. */
  graceMs?: number;
}

export interface Child {
  record: ProcessRecord;
  /** Settles when the process has ended: "exit code 1" or "killed by SIGKILL". */
  ended: Promise<string>;
  hasEnded(): boolean;
  /** What it has written since it started, at most the last 64 KB. */
  output(): string;
  /** To a process with a channel, while it runs. */
  send(message: object): void;
  stop(): Promise<void>;
}

const maxLogBytes = 20_000_000;

/** Starts a process in its own group, so that Ctrl-C in the terminal reaches only us and we choose the order of stopping. */
export async function startChild(spec: ChildSpec): Promise<Child> {
  const { logFile, stopSignal = 'SIGTERM', graceMs = 10_000 } = spec;
  // Whoever only looks for a program has made no data folder yet.
  makeFolder(dirname(logFile), 0o700);
  if (existsSync(logFile) && statSync(logFile).size > maxLogBytes) renameSync(logFile, `${logFile}.1`);
  const log = openSync(logFile, 'a', 0o600);
  const title = `--- ${new Date().toISOString()} ${spec.command} ${spec.args.join(' ')}\n`;
  writeSync(log, title);
  const from = statSync(logFile).size;
  let child: ChildProcess;
  try {
    child = spawn(spec.command, spec.args, {
      cwd: spec.cwd ?? programFolder,
      env: spec.bare ? spec.env : { ...process.env, ...spec.env },
      uid: spec.uid,
      gid: spec.gid,
      detached: true,
      stdio: ['ignore', log, log, ...(spec.channel ? (['ipc'] as const) : [])],
    });
  } finally {
    closeSync(log);
  }
  const started = new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => reject(new Error(`${spec.command} cannot be started: ${error.message}.`)));
  });
  let end: string | undefined;
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => {
      end = signal ? `killed by ${signal}` : `exit code ${code}`;
      resolve(end);
    });
  });
  await started;
  // Neither keeps the other alive.
  child.channel?.unref();
  // A process that has ended already has no start time any more: nothing is left to watch then.
  const record = processRecord(child.pid!) ?? { pid: child.pid!, startTime: 'ended' };
  reaper().add(record, stopSignal, graceMs);
  void ended.then(() => {
    // What it had started itself goes with it.
    try {
      sendSignal(-record.pid, 'SIGKILL');
    } catch {
      // EPERM: only zombies are left.
    }
    reaper().remove(record);
  });
  return {
    record,
    ended,
    hasEnded: () => end !== undefined,
    output: () => readFrom(logFile, from),
    send: (message) => {
      // One that has just ended is started again with what it would have been told.
      if (child.connected) child.send(message, () => undefined);
    },
    stop: async () => {
      if (end !== undefined) return;
      await stopGroup(record, stopSignal, graceMs);
      await ended;
    },
  };
}

/** Waits until `ready` answers; throws with the last log lines when the process ends first or the time is over. */
export async function waitUntilReady<T>(
  title: string,
  child: Child,
  options: { ready(): Promise<T>; timeoutMs: number; logFile: string; signal?: AbortSignal },
): Promise<T> {
  const deadline = Date.now() + options.timeoutMs;
  let lastError = '';
  for (;;) {
    options.signal?.throwIfAborted();
    if (child.hasEnded()) throw new Error(deathMessage(title, child, await child.ended, options.logFile));
    try {
      return await options.ready();
    } catch (error) {
      lastError = (error as Error).message;
    }
    if (Date.now() > deadline) {
      throw new Error(
        `${title} was not ready after ${Math.round(options.timeoutMs / 1000)} s (${lastError}). ${lastLines(child.output(), options.logFile)}`,
      );
    }
    await sleep(100);
  }
}

export function deathMessage(title: string, child: Child, how: string, logFile: string): string {
  return `${title} ended: ${how}. ${lastLines(child.output(), logFile)}`;
}

function lastLines(output: string, logFile: string): string {
  const lines = output.trim().split('\n').slice(-12);
  if (lines.join('') === '') return `It wrote nothing to its log, ${logFile}.`;
  return `Last lines of ${logFile}:\n${lines.map((line) => `    ${line}`).join('\n')}`;
}

function readFrom(file: string, from: number): string {
  try {
    const size = statSync(file).size;
    const start = Math.max(from, size - 65_536);
    const buffer = Buffer.alloc(Math.max(0, size - start));
    const descriptor = openSync(file, 'r');
    try {
      readSync(descriptor, buffer, 0, buffer.length, start);
    } finally {
      closeSync(descriptor);
    }
    return buffer.toString('utf8');
  } catch {
    return '';
  }
}

/** Runs a set-up command to its end; it stops with us too. Throws with its last lines when it fails. */
export async function runToEnd(
  spec: Omit<ChildSpec, 'logFile'> & { logFile: string; timeoutMs?: number; signal?: AbortSignal },
): Promise<string> {
  const child = await startChild({ graceMs: 2000, ...spec });
  const timer = new AbortController();
  const stop = () => void child.stop();
  spec.signal?.addEventListener('abort', stop, { once: true });
  try {
    const how = await Promise.race([
      child.ended,
      ...(spec.timeoutMs ? [sleep(spec.timeoutMs, 'timeout', { signal: timer.signal })] : []),
    ]);
    spec.signal?.throwIfAborted();
    if (how === 'timeout') {
      await child.stop();
      throw new Error(
        `${spec.command} did not finish in ${Math.round(spec.timeoutMs! / 1000)} s. ${lastLines(child.output(), spec.logFile)}`,
      );
    }
    if (how !== 'exit code 0')
      throw new Error(`${spec.command} ended with ${how}. ${lastLines(child.output(), spec.logFile)}`);
    return child.output();
  } finally {
    timer.abort();
    spec.signal?.removeEventListener('abort', stop);
  }
}

interface Reaper {
  add(record: ProcessRecord, signal: NodeJS.Signals, graceMs: number): void;
  remove(record: ProcessRecord): void;
  record(): ProcessRecord | undefined;
}

let theReaper: Reaper | undefined;

/** This process's reaper, started with its first child, and started again should someone kill it. */
export function reaper(): Reaper {
  if (theReaper) return theReaper;
  const watched = new Map<number, string>();
  let current: ChildProcess;
  const send = (line: string) => {
    if (current.stdin?.writable) current.stdin.write(line);
  };
  const start = () => {
    current = spawn(process.execPath, [moduleFile('stack/reaper.ts')], {
      detached: true,
      cwd: '/',
      env: { ...systemEnvironment(process.env), NODE_OPTIONS: '' },
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    // It must not keep us from ending: the pipe closes when we end, and that is the message.
    current.unref();
    const stdin = current.stdin as unknown as {
      unref(): void;
      on(event: 'error', listener: () => void): void;
    };
    stdin.unref();
    stdin.on('error', () => undefined);
    current.once('exit', () => {
      if (watched.size > 0) start();
      else theReaper = undefined;
    });
    current.once('error', () => undefined);
    for (const line of watched.values()) send(line);
  };
  start();
  theReaper = {
    add: (record, signal, graceMs) => {
      const line = `${JSON.stringify({ add: { ...record, signal, graceMs } })}\n`;
      watched.set(record.pid, line);
      send(line);
    },
    remove: ({ pid }) => {
      watched.delete(pid);
      send(`${JSON.stringify({ remove: pid })}\n`);
    },
    record: () => (current.pid ? processRecord(current.pid) : undefined),
  };
  return theReaper;
}

/** Removes what a set-up step left half-made. */
export function removeTree(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 3 });
}
