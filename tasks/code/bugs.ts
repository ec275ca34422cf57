/** A bug as a row of a JSONL file: what `ratchet bugs` finds out about it, once, and all that a run needs to know. */
import { z } from 'zod';
import { digestOf } from '../../process/digest.ts';
import { InvalidInputError } from '../errors.ts';
import { textProblem } from '../jsonl.ts';
import { readText } from '../yaml.ts';
import { readRows } from './rows.ts';

const text = z.string().max(200_000);
const some = z.array(text).max(10_000);

const bugSchema = z.strictObject({
  id: z.string().min(1).max(300).describe('unique in the file'),
  repository: z.string(),
  archive: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .describe('digest of the repository as it was packed'),
  set: z.enum(['practice', 'target', 'final']),
  language: z.enum(['python', 'javascript', 'typescript']),
  path: z.string().min(1).max(1000),
  function: z.string().min(1).max(300).describe('qualified name'),
  title: text,
  text: text.describe('the report'),
  log: text.optional().describe('failing call, traceback'),
  shown: z
    .array(z.strictObject({ path: z.string(), name: z.string(), text }))
    .min(1)
    .describe('the code that goes with the report, the most likely function first'),
  file: text.describe('the file with the bug'),
  must: some.describe('tests that fail with the bug'),
  keep: some.describe('tests that pass with it'),
  calls: some.describe('what the tests of the function write: calls and expected values'),
  asserted: z
    .array(z.strictObject({ call: text, expected: text }))
    .max(100)
    .describe('assertions of those tests that hold without the bug'),
  expects: z
    .array(z.strictObject({ call: text, expected: text }))
    .max(20)
    .describe('what must hold, as whoever reported the bug says'),
  probes: some.describe('other calls of the function'),
  stale: some.describe('what they give with the bug'),
  planted: z.boolean().describe('the repository does not have it as it is'),
  sound: some.optional().describe('what they give without the bug, as far as it is known'),
  mended: text.optional().describe('the function without the bug, as far as it is known'),
  operator: z.string().optional().describe('how the bug was made'),
  change: z.string().optional().describe('what was made of what'),
});
export type Bug = z.output<typeof bugSchema>;

/** Code of a bug's language as prompts and answers hold it. */
export const inBlock = ({ language }: Bug, code: string): string =>
  `\`\`\`${language}\n${code.trimEnd()}\n\`\`\``;

/** What calls give stands in the order of the calls. */
function countProblem({ probes, stale, sound = stale }: Bug): string | undefined {
  const wrong = [stale, sound].find((values) => values.length !== probes.length);
  return wrong && `has ${probes.length} probes, and ${wrong.length} values of them in stale or sound`;
}

/**
 * All bugs of a file.
 *
 * @throws InvalidInputError naming bad rows, ids that stand there twice, and a file without any
 */
async function readBugs(file: string): Promise<Bug[]> {
  const bugs = await readRows(
    'bugs file',
    file,
    bugSchema,
    'is not as `ratchet bugs` writes it',
    (bug) => textProblem('file', bug.file) ?? textProblem('text', bug.text) ?? countProblem(bug),
  );
  if (bugs.length === 0) throw new InvalidInputError([`bugs file ${file} has no rows`]);
  return bugs;
}

const read = new Map<string, Bug[]>();

/**
 * Reads the bugs of a run, once per process.
 *
 * @param digest of the file as it was when the run was started; undefined: it is being started
 * @returns the digest
 * @throws InvalidInputError as `readBugs`, and where they are not those with which the run was started
 */
export async function prepareBugs(file: string, digest?: string): Promise<string> {
  if (digest !== undefined && read.has(digest)) return digest;
  const now = digestOf(await readText('bugs file', file));
  if (digest !== undefined && now !== digest)
    throw new InvalidInputError([
      `bugs file ${file} has changed since the run was started: put it back, or start another run`,
    ]);
  if (!read.has(now)) read.set(now, await readBugs(file));
  return now;
}

/** Bugs that `prepareBugs` has read. */
export function bugsOf(digest: string): Bug[] {
  const bugs = read.get(digest);
  if (!bugs) throw new Error(`The bugs ${digest} have not been read.`);
  return bugs;
}

/** @throws InvalidInputError where there is nothing to practise on, or nothing to measure by */
export function refuseTooFew(file: string, bugs: readonly Bug[]): void {
  const missing = (['practice', 'target'] as const).filter((set) => !bugs.some((bug) => bug.set === set));
  if (missing.length > 0)
    throw new InvalidInputError(
      missing.map(
        (set) => `bugs file ${file} has no bugs of the set ${set}: more functions with tests are needed`,
      ),
    );
}
