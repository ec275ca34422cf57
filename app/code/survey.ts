/** Which tests of a repository fail with which text of a file, asked in the sandbox. */
import { z } from 'zod';
import { InvalidInputError } from '../../tasks/errors.ts';
import { checkLimits, checkProgram } from '../../tasks/code/index.ts';
import type { Repository } from '../../tasks/code/schema.ts';
import { archiveFile } from '../../sandbox/archives.ts';
import { runCheck } from '../../sandbox/verdict.ts';

/** As `survey` of tasks/code/check/check.py answers. */
const surveyed = z.object({
  /** By name: null where it passed, else what it said. */
  tests: z.record(z.string(), z.string().nullable()),
  ended: z.number().nullable(),
  output: z.string(),
  probes: z.array(z.string()),
  lint: z.object({ code: z.number().nullable(), output: z.string() }).nullish(),
});
export type Surveyed = z.output<typeof surveyed>;

type Question = {
  repository: Repository;
  digest: string;
  archives: string;
  path: string;
  name: string;
  language: string;
  probes: string[];
};

/** Runs all tests, and calls the probes, with one text in place of a file; null: with the file as it is. */
export async function survey(question: Question, text: string | null): Promise<Surveyed> {
  const { repository, digest, archives, path, name, language, probes } = question;
  const { tests, lint, seconds } = repository;
  // Whether lint passes is asked once, of the repository as it is.
  const asked = text === null && lint ? { lint } : {};
  const input = { text, function: { path, name, language }, tests, seconds, probes, ...asked };
  const check = { ...checkProgram, limits: checkLimits(3 * seconds + 5), runs: 1 };
  const { reason, details } = await runCheck(check, {
    input: JSON.stringify(input),
    archive: archiveFile(digest, archives),
    allDetails: true,
  });
  const found = surveyed.safeParse(details);
  if (!found.success)
    throw new InvalidInputError([`repository ${repository.name}: its tests can't be run: ${reason}`]);
  return found.data;
}
