/** What is to be run in a sandbox, and what may come of it. */
import { z } from 'zod';
import type { Finding } from './finding.ts';

export const limitsSchema = z.strictObject({
  seconds: z
    .number()
    .positive()
    .max(600)
    .default(10)
    .describe('wall-clock seconds, processor seconds as well'),
  memoryMb: z.int().min(16).max(16_384).default(512).describe('memory of all processes together'),
  processes: z.int().min(1).max(1024).default(32).describe('processes and threads at once'),
  diskMb: z
    .int()
    .min(1)
    .max(4096)
    .default(16)
    .describe('what may be written, in memory, to /work and to /tmp'),
});
export type Limits = z.output<typeof limitsSchema>;

export type SandboxJob = {
  /** Program and arguments; the program is looked up on the sandbox's PATH. Runs in /work, which is empty. */
  command: readonly string[];
  /** Texts by name, read-only below /task. */
  files: Readonly<Record<string, string>>;
  /** A file of this machine by its path, read-only as ARCHIVE: what is too large for `files`. */
  archive?: string;
  stdin: string;
};

/** Where a job finds its archive. */
export const ARCHIVE = '/task/archive.tar';

/**
 * A verification that runs what a model wrote, or is not to be trusted itself: a command in a container of its own for each sample.
 * On standard input it gets one line of JSON, `{token, prompt, request, rationale, answer}`; the verdict is a line of its output,
 * `{"token": …, "ok": true | false | null, "score": 0…1, "reason": "…"}` with the same token, and `finding`, `behaviour` and `details`
 * where it has them. Whatever ends without one does not hold.
 */
export type SandboxedCheck = Pick<SandboxJob, 'command' | 'files'> & {
  limits: Limits;
  /** How often it is run: where the verdicts differ, nothing holds. */
  runs: number;
  /** It gives a reward in place of a verdict (reward.ts). */
  reward?: { threshold: number };
};

/**
 * `ok` null: there was nothing to verify. `score`: 0…1, where the check gives one. `finding`: the reason in one word, where
 * the check knows a word for it. `behaviour`: what the work does, in words that are equal where it does the same. `details`: JSON of the check's own, for people.
 */
export type Verdict = {
  ok: boolean | null;
  score: number | null;
  reason: string;
  finding?: Finding;
  behaviour?: string;
  details?: unknown;
};

/**
 * `exited`: by itself, with `code`. `crashed`: by a signal, its own or the kernel's. All others were killed for a limit.
 * Nothing is kept of one that could not be started: that is an error, not an outcome.
 */
export type Ended = 'exited' | 'crashed' | 'timeout' | 'memory' | 'output';

export type Outcome = {
  ended: Ended;
  /** Exit code; null unless `exited`. */
  code: number | null;
  /** The last OUTPUT_CHARACTERS of each. */
  stdout: string;
  stderr: string;
  seconds: number;
};

export const OUTPUT_CHARACTERS = 500_000;

/** There is no sandbox, so what a model wrote is not run. */
export class SandboxUnavailable extends Error {
  override name = 'SandboxUnavailable';
}
