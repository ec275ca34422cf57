/** Runs one job in a container of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { containerArguments, findBubblewrap, FIRST_FILE, outsideUser, toolFolders } from './bubblewrap.ts';
import {
  ARCHIVE,
  OUTPUT_CHARACTERS,
  SandboxUnavailable,
  type Ended,
  type Limits,
  type Outcome,
  type SandboxJob,
} from './job.ts';

/** How often the memory of a container is added up. */
const LOOK_MS = 100;
/** Whoever writes more than this is stopped: it would only keep the worker busy. */
const OUTPUT_BYTES = 16 * 2 ** 20;
/** Starting costs some time of its own, which is not the job's. */
const START_MS = 2_000;
/** Of bubblewrap itself, before the command runs: it writes why to stderr. */
const CONTAINER_FAULT = /^bwrap: /m;

/**
 * Runs a job and waits for its end. Nothing of it is left afterwards, nor where this process is killed meanwhile: a container dies
 * with who started it, and its files are in memory.
 *
 * @throws SandboxUnavailable where no container can be made
 * @throws the signal's reason when it is aborted
 */
export async function runInSandbox(job: SandboxJob, limits: Limits, signal?: AbortSignal): Promise<Outcome> {
  signal?.throwIfAborted();
  const names = Object.keys(job.files);
  // Opened here, since the user of the container may not be allowed to.
  const archive = job.archive === undefined ? [] : [openSync(job.archive, 'r')];
  const mounted = [...names.map((name) => join('/task', name)), ...archive.map(() => ARCHIVE)];
  const child = spawn(findBubblewrap(), containerArguments(job.command, mounted, limits, toolFolders()), {
    ...outsideUser(),
    env: { PATH: '/usr/bin:/bin' },
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe', ...names.map(() => 'pipe' as const), ...archive],
  });
  archive.forEach((descriptor) => closeSync(descriptor));
  names.forEach((name, i) => feed(child, FIRST_FILE + i, job.files[name]!));
  feed(child, 0, job.stdin);
  return watch(child, limits, signal);
}

/** What is not read of it by the other side is no fault of ours. */
function feed(child: ChildProcess, descriptor: number, text: string): void {
  const pipe = child.stdio[descriptor] as NodeJS.WritableStream;
  pipe.on('error', () => {});
  pipe.end(text);
}

async function watch(child: ChildProcess, limits: Limits, signal?: AbortSignal): Promise<Outcome> {
  const began = performance.now();
  let killedFor: Ended | undefined;
  const kill = (why?: Ended) => {
    killedFor ??= why;
    // The group is bubblewrap and what it started; with it goes the first process of the container, and so all of them.
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It ended just now.
      }
  };
  const stop = () => kill();
  signal?.addEventListener('abort', stop);
  const late = setTimeout(() => kill('timeout'), limits.seconds * 1000 + START_MS);
  const look = setInterval(() => {
    if (child.pid !== undefined && memoryOf(child.pid) > limits.memoryMb * 2 ** 20) kill('memory');
  }, LOOK_MS);
  const said = [child.stdout!, child.stderr!].map((stream) => tail(stream, () => kill('output')));
  try {
    const [code, by] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      child.once('error', (error) =>
        reject(new SandboxUnavailable(`bubblewrap can't be started: ${error.message}`)),
      );
      child.once('close', (...end) => resolve(end));
    });
    signal?.throwIfAborted();
    const [stdout, stderr] = said.map((text) => text()) as [string, string];
    if (killedFor === undefined && code === 1 && stdout === '' && CONTAINER_FAULT.test(stderr))
      throw new SandboxUnavailable(`no container can be made here: ${stderr.trim()}`);
    const seconds = (performance.now() - began) / 1000;
    return { ...endOf(killedFor, code, by), stdout, stderr, seconds };
  } finally {
    clearTimeout(late);
    clearInterval(look);
    signal?.removeEventListener('abort', stop);
    kill();
  }
}

/** As a shell, bubblewrap ends with 128 and the signal's number for a command that a signal ended. */
const BY_SIGNAL = 128;
const SIGXCPU = 24;

function endOf(
  killedFor: Ended | undefined,
  code: number | null,
  by: NodeJS.Signals | null,
): Pick<Outcome, 'ended' | 'code'> {
  if (killedFor) return { ended: killedFor, code: null };
  if (by !== null || code === null) return { ended: 'crashed', code: null };
  // Processor seconds: the kernel warns, then kills.
  if (code === BY_SIGNAL + SIGXCPU) return { ended: 'timeout', code: null };
  if (code > BY_SIGNAL) return { ended: 'crashed', code: null };
  return { ended: 'exited', code };
}

/** Keeps the end of a stream; `tooMuch` is called where it does not end. */
function tail(stream: NodeJS.ReadableStream, tooMuch: () => void): () => string {
  let kept = Buffer.alloc(0);
  let bytes = 0;
  // A character of UTF-8 has four bytes at most.
  const most = 4 * OUTPUT_CHARACTERS;
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    kept = Buffer.concat([kept, chunk]).subarray(-most);
    if (bytes > OUTPUT_BYTES) tooMuch();
  });
  return () => kept.toString('utf8').slice(-OUTPUT_CHARACTERS);
}

const PAGE = 4096;

/** Resident memory in bytes of a process and all that it started. What ended meanwhile counts for nothing. */
function memoryOf(pid: number): number {
  try {
    const resident = Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * PAGE;
    // A child is listed with the thread that started it.
    const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1').split(' ').filter(Boolean),
    );
    return children.reduce((sum, child) => sum + memoryOf(Number(child)), resident);
  } catch {
    return 0;
  }
}
