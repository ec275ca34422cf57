/**
 * Runs a command that a task file names, outside of any sandbox: whoever may have code imported by this process may have it run
 * (access.ts). In: arguments, a folder, text. Out: what it writes, or why there is nothing.
 *
 * Covers: commands that do not end, write without end or fail; of the environment they get what a program needs to start, and what
 * RATCHET_PASS names. Does not cover: what the command itself does.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InvalidInputError } from '../errors.ts';

export type CommandRun = {
  command: readonly string[];
  /** Where it runs. */
  folder: string;
  seconds: number;
  /** Most bytes that it may write. */
  bytes: number;
  stdin?: string;
  /** Variables beside those of every command. */
  env?: Record<string, string>;
  signal?: AbortSignal;
  /** It and what it started end with this process, however that ends. */
  untilWeEnd?: true;
};

/** What a program needs to find itself, its packages and its caches. */
const USUAL = ['PATH', 'HOME', 'USER', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'VIRTUAL_ENV', 'SSL_CERT_FILE'];
/** Where `ratchet_tasks` is, so that a script may import it as it is. */
const PACKAGE = join(dirname(fileURLToPath(import.meta.url)), '../python');
const MAX_SAID = 2000;

/** Waits for the end of a pipe that only we hold, and then kills the group; the command itself takes the shell's place. */
const UNTIL_WE_END = '(cat <&3; kill -KILL 0) >/dev/null 2>&1 & exec "$@" 3<&-';

export const shownCommand = (command: readonly string[]): string => `\`${command.join(' ')}\``;

/** What RATCHET_PASS names. */
export function passedVariables(): Record<string, string | undefined> {
  const names = (process.env.RATCHET_PASS ?? '').split(/[\s,]+/).filter(Boolean);
  return Object.fromEntries(names.map((name) => [name, process.env[name]]));
}

function environment(more: Record<string, string> = {}): NodeJS.ProcessEnv {
  const usual = Object.fromEntries(USUAL.map((name) => [name, process.env[name]]));
  return {
    ...usual,
    ...passedVariables(),
    PYTHONPATH: PACKAGE,
    PYTHONUNBUFFERED: '1',
    PYTHONIOENCODING: 'utf-8',
    ...more,
  };
}

/**
 * @param what names the command in errors
 * @param take gets its output, piece by piece
 * @throws InvalidInputError where it can't be started, fails, or reaches a limit: with the end of what it said on stderr
 */
export async function runCommand(
  what: string,
  { command, folder, seconds, bytes, stdin, env, signal, untilWeEnd }: CommandRun,
  take: (chunk: Buffer) => void,
): Promise<void> {
  signal?.throwIfAborted();
  const [program, ...args] = untilWeEnd ? ['/bin/sh', '-c', UNTIL_WE_END, 'sh', ...command] : command;
  // A group of its own, so that what it starts ends with it.
  const child = spawn(program!, args, {
    cwd: folder,
    env: environment(env),
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe', ...(untilWeEnd ? ['pipe' as const] : [])],
  }) as ChildProcessWithoutNullStreams;
  child.stdio[3]?.on('error', () => {});
  child.once('exit', () => child.stdio[3]?.destroy());
  let said = '';
  let written = 0;
  let stopped: string | undefined;
  const stop = (why: string) => {
    stopped ??= why;
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It ended just now.
      }
  };
  const late = setTimeout(() => stop(`was not done in ${seconds} s`), seconds * 1000);
  const abort = () => stop('was cancelled');
  signal?.addEventListener('abort', abort);
  child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-MAX_SAID)));
  child.stdout.on('data', (chunk: Buffer) => {
    written += chunk.length;
    if (written > bytes) stop(`wrote more than ${bytes} bytes`);
    else if (stopped === undefined) take(chunk);
  });
  // What is not read of it by the other side is no fault of ours.
  child.stdin.on('error', () => {});
  child.stdin.end(stdin ?? '');
  try {
    const ended = await new Promise<string | undefined>((resolve) => {
      child.once('error', (error) => resolve(`can't be started: ${error.message}`));
      child.once('close', (code, by) =>
        resolve(by ? `was ended by ${by}` : code === 0 ? undefined : `ended with code ${code}`),
      );
    });
    signal?.throwIfAborted();
    const why = stopped ?? ended;
    if (why === undefined) return;
    const last = said.trim() === '' ? ' and said nothing' : `; it said:\n${said.trim()}`;
    throw new InvalidInputError([`${what}: ${shownCommand(command)} ${why}${last}`]);
  } finally {
    clearTimeout(late);
    signal?.removeEventListener('abort', abort);
    stop('is no longer wanted');
  }
}

/** All that it writes, as text. */
export async function outputOf(what: string, run: CommandRun): Promise<string> {
  const chunks: Buffer[] = [];
  await runCommand(what, run, (chunk) => chunks.push(chunk));
  return Buffer.concat(chunks).toString('utf8');
}
