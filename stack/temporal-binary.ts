// Finds the `temporal` program, or gets it: from what the machine has, from our cache, by the SDK's official download,
// and where that cannot be reached, built with Go. Each attempt says what it tries and why it failed.
import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { makeFolder } from '../process/folder.ts';
import { logFile } from './home.ts';
import { moduleFile } from '../process/program.ts';
import { withLock } from '../process/lock.ts';
import { removeTree, runToEnd, startChild } from './processes.ts';

export interface FindTemporalOptions {
  env: NodeJS.ProcessEnv;
  home: string;
  info(detail: string): void;
  signal?: AbortSignal;
  /** Look, but get nothing: for `doctor`. */
  onlyLook?: boolean;
}

// The newest release that Go can build from its module alone.
const goModule = 'github.com/temporalio/cli/cmd/temporal@v1.5.1';

/** The path of a `temporal` that runs. Throws with every attempt's reason when there is none. */
export async function findTemporal(options: FindTemporalOptions): Promise<string> {
  const { env, home } = options;
  if (env.TEMPORAL_CLI) {
    const problem = await whyUnusable(env.TEMPORAL_CLI);
    if (problem)
      throw new Error(
        `TEMPORAL_CLI=${env.TEMPORAL_CLI} cannot be used: ${problem}. Correct it, or unset it to let Ratchet find one.`,
      );
    return env.TEMPORAL_CLI;
  }
  const failures: string[] = [];
  const found = await look(options, failures);
  if (found) return found;
  if (options.onlyLook)
    throw new Error(failures.join('; ') || 'no temporal program on PATH, in ~/go/bin or in the cache');

  makeFolder(cacheFolder(options));
  return withLock(
    join(cacheFolder(options), 'temporal.lock'),
    async () => {
      const inTheMeantime = await look(options, []);
      if (inTheMeantime) return inTheMeantime;
      const target = join(cacheFolder(options), 'temporal');
      for (const [title, get] of [
        ['official download', download],
        ['building with Go', buildWithGo],
      ] as const) {
        try {
          const made = await get(options);
          const problem = await whyUnusable(made);
          if (problem) throw new Error(`what it gave does not run: ${problem}`);
          renameSync(made, target);
          options.info(`kept for next time as ${target}`);
          return target;
        } catch (error) {
          options.signal?.throwIfAborted();
          const message = (error as Error).message;
          failures.push(`${title}: ${message}`);
          options.info(`${title} failed: ${message.split('\n')[0]}`);
        } finally {
          removeTree(workFolder(options));
        }
      }
      throw new Error(
        `No temporal program could be found or made:\n${failures.map((line) => `    - ${line}`).join('\n')}\n  Install the Temporal CLI (https://docs.temporal.io/cli) or Go, or set TEMPORAL_CLI to its path, or TEMPORAL_ADDRESS to a server that runs. Logs: ${logFile(home, 'temporal-setup')}`,
      );
    },
    (holder) => options.info(`waiting for process ${holder.pid}, which is getting the temporal program`),
  );
}

/** Places where it may already be, best first. */
export function temporalCandidates(env: NodeJS.ProcessEnv, home: string): string[] {
  const goFolders = [env.GOBIN, env.GOPATH && join(env.GOPATH, 'bin'), join(userHome(env), 'go', 'bin')];
  return [
    ...(env.PATH ?? '')
      .split(delimiter)
      .filter(Boolean)
      .map((folder) => join(folder, 'temporal')),
    join(home, 'bin', 'temporal'),
    join(userCache(env), 'temporal'),
    ...goFolders
      .filter((folder) => folder !== undefined && folder !== '')
      .map((folder) => join(folder!, 'temporal')),
  ];
}

async function look(options: FindTemporalOptions, failures: string[]): Promise<string | undefined> {
  for (const file of temporalCandidates(options.env, options.home)) {
    if (!existsSync(file)) continue;
    const problem = await whyUnusable(file);
    if (!problem) return file;
    failures.push(`${file}: ${problem}`);
    options.info(`${file} cannot be used: ${problem}`);
  }
  return undefined;
}

async function whyUnusable(file: string): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(file, ['--version'], { timeout: 30_000 });
    if (!stdout.includes('temporal version'))
      return `its --version says ${JSON.stringify(stdout.slice(0, 80))}, so it is not the Temporal CLI`;
    return /Server \d/.test(stdout) ? undefined : 'it has no built-in server';
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? 'there is no such file' : message.split('\n')[0];
  }
}

function userHome(env: NodeJS.ProcessEnv): string {
  return env.HOME || homedir();
}

function userCache(env: NodeJS.ProcessEnv): string {
  const base =
    env.XDG_CACHE_HOME ||
    (process.platform === 'darwin'
      ? join(userHome(env), 'Library', 'Caches')
      : join(userHome(env), '.cache'));
  return join(base, 'ratchet', 'bin');
}

/** The user's cache, so that a second clone or package need not get it again; the data folder where that is not writable. */
function cacheFolder({ env, home }: FindTemporalOptions): string {
  const folder = userCache(env);
  try {
    makeFolder(folder);
    accessSync(folder, constants.W_OK);
    return folder;
  } catch {
    return join(home, 'bin');
  }
}

function workFolder(options: FindTemporalOptions): string {
  return join(cacheFolder(options), 'temporal.new');
}

/** The SDK's own download. It runs apart from us because it may neither be interrupted nor given a time limit. */
async function download(options: FindTemporalOptions): Promise<string> {
  const folder = workFolder(options);
  removeTree(folder);
  makeFolder(folder);
  options.info('trying the official download');
  const child = await startChild({
    command: process.execPath,
    args: [moduleFile('stack/temporal-download.ts'), folder],
    logFile: logFile(options.home, 'temporal-setup'),
    graceMs: 1000,
  });
  const stop = () => void child.stop();
  options.signal?.addEventListener('abort', stop, { once: true });
  try {
    let size = -1;
    let lastProgress = Date.now();
    while (!child.hasEnded()) {
      await Promise.race([child.ended, sleep(250)]);
      const now = folderSize(folder);
      if (now !== size) lastProgress = Date.now();
      size = now;
      const patienceMs = size > 0 ? 60_000 : 20_000;
      if (Date.now() - lastProgress > patienceMs) {
        await child.stop();
        throw new Error(size > 0 ? `it stopped coming after ${size} bytes` : 'no answer within 20 s');
      }
    }
    options.signal?.throwIfAborted();
  } finally {
    options.signal?.removeEventListener('abort', stop);
  }
  const [file] = readdirSync(folder).filter((name) => !name.endsWith('.downloading'));
  if (!file) throw new Error(reason(child.output()));
  return join(folder, file);
}

function reason(output: string): string {
  const lines = output.trim().split('\n');
  const line = lines.find((text) => /error/i.test(text))?.trim() ?? lines.at(-1) ?? 'no reason given';
  // The SDK repeats the whole address at each level; the innermost cause comes last.
  return line.length > 160 ? `…${line.slice(-160)}` : line;
}

function folderSize(folder: string): number {
  try {
    return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  } catch {
    return 0;
  }
}

async function buildWithGo(options: FindTemporalOptions): Promise<string> {
  const folder = workFolder(options);
  rmSync(folder, { recursive: true, force: true });
  makeFolder(folder);
  const go = ['go', '/usr/local/go/bin/go', '/opt/homebrew/bin/go'];
  let command: string | undefined;
  for (const candidate of go) {
    const works = await promisify(execFile)(candidate, ['version'], { timeout: 20_000 }).then(
      () => true,
      () => false,
    );
    if (works) {
      command = candidate;
      break;
    }
  }
  if (!command) throw new Error('Go is not installed (https://go.dev/doc/install)');
  options.info(`building it with Go from ${goModule}: about 10 minutes the first time`);
  await runToEnd({
    command,
    args: ['install', goModule],
    env: { CGO_ENABLED: '0', GOBIN: folder },
    cwd: folder,
    logFile: logFile(options.home, 'temporal-setup'),
    timeoutMs: 40 * 60_000,
    signal: options.signal,
  });
  return join(folder, 'temporal');
}
