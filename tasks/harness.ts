/**
 * A benchmark that somebody else's program measures (lm-evaluation-harness, Inspect, a script of yours): it is told where the model
 * answers, asks in its own way and says of each problem whether the answer was right. In: what it wrote and the problems of the benchmark.
 * Out: a score for each problem, or what is wrong with it.
 *
 * Covers: problems that are missing, doubled or none of the benchmark's, lines that are no scores, files of the command that changed.
 * Does not cover: whether it scores rightly; packages that it uses.
 */
import { readFileSync, statSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { z } from 'zod';
import { problemsIn } from '../loop/input.ts';
import { digestOf } from '../process/digest.ts';
import { collectProblems } from './errors.ts';
import { parseExactly } from './exact-json.ts';
import { keyOf } from './file/rows.ts';
import { excerpt } from './jsonl.ts';

/** `files`: digests of those in the folder that the command names, as they were when the run was resolved. */
export type Harness = { command: string[]; folder: string; seconds: number; files: Record<string, string> };

/** The digest of each file in the folder that is an argument of the command. */
export function filesNamedIn(command: readonly string[], folder: string): Record<string, string> {
  const inside = command.filter((name) => !relative(folder, resolve(folder, name)).startsWith('..'));
  return Object.fromEntries(
    inside.flatMap((name) => {
      const path = resolve(folder, name);
      const isFile = statSync(path, { throwIfNoEntry: false })?.isFile();
      return isFile ? [[name, digestOf(readFileSync(path))]] : [];
    }),
  );
}

/** Two checkpoints that were measured by different programs can't be compared. */
export function changedFiles({ command, folder, files }: Harness): string[] {
  const now = filesNamedIn(command, folder);
  return Object.keys(files).filter((name) => now[name] !== files[name]);
}

const line = z
  .strictObject({
    prompt: z.string(),
    ok: z.boolean().nullable(),
    answer: z.union([z.string(), z.number()]).nullish(),
    response: z.string().default(''),
  })
  .refine(({ ok, answer }) => ok === false || ok === null || answer !== null, {
    path: ['answer'],
    message: 'is null, as if none could be read, and yet "ok" is true',
  });

/** `ok` null: not measured. `answer` null: none could be read. */
export type Score = { ok: boolean | null; answer: string | null; response: string };

/**
 * The score of each problem, in their order.
 *
 * @throws InvalidInputError naming every line and every problem that is wrong: the first 20, then how many more
 */
export function readScores(output: string, problemTexts: readonly string[]): Score[] {
  const problems = collectProblems();
  const places = new Map(problemTexts.map((text, i) => [keyOf(text), i]));
  const scores: (Score & { line: number })[] = [];
  for (const [i, written] of output.split('\n').entries()) {
    if (written.trim() === '') continue;
    const { value, problem } = parseExactly(written);
    const bad = (why: string) => problems.add(`line ${i + 1} of its scores ${why}`);
    if (problem !== undefined) {
      bad(`${problem} (only scores may go to standard output)`);
      continue;
    }
    const read = line.safeParse(value);
    if (!read.success) {
      bad(`is no score: ${problemsIn(read.error).join('; ')}`);
      continue;
    }
    const { prompt, ok, answer, response } = read.data;
    const place = places.get(keyOf(prompt));
    if (place === undefined) bad(`has a problem that the benchmark has not: ${excerpt(prompt, 60)}`);
    else if (scores[place])
      bad(`has the problem of line ${scores[place].line} again: ${excerpt(prompt, 60)}`);
    else scores[place] = { ok, answer: shownAnswer(ok, answer), response, line: i + 1 };
  }
  problemTexts.forEach((text, i) => {
    if (!scores[i]) problems.add(`no line has problem ${i + 1} of the benchmark: ${excerpt(text, 60)}`);
  });
  problems.throwIfAny();
  return scores;
}

/** A harness that tells no answers has read one all the same. */
function shownAnswer(ok: boolean | null, answer: string | number | null | undefined): string | null {
  if (ok === null || answer === null) return null;
  return answer === undefined ? (ok ? 'right' : 'wrong') : String(answer);
}
