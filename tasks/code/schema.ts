/** A task that repairs code: one YAML file names repositories and their bugs. This schema is the only description of it. */
import { z } from 'zod';
import { models, name } from '../file/schema.ts';
import { THINKING } from '../task.ts';

const command = z.array(z.string().min(1).max(4000)).min(1).max(50);

/** Test runners that are known by name, and how each writes its report. */
const RUNNERS = {
  unittest: { command: ['python3', '/task/run_unittest.py', '.'], report: 'json' },
  pytest: {
    command: ['python3', '-m', 'pytest', '-q', '-p', 'no:cacheprovider', '--junitxml=/work/report'],
    report: 'junit',
  },
  node: {
    command: [
      'node',
      '--no-warnings',
      '--test',
      '--test-isolation=none',
      '--test-reporter=junit',
      '--test-reporter-destination=/work/report',
    ],
    report: 'junit',
  },
} as const satisfies Record<string, { command: string[]; report: 'json' | 'junit' }>;

const runner = z
  .union([
    z.enum(Object.keys(RUNNERS) as [keyof typeof RUNNERS, ...(keyof typeof RUNNERS)[]]),
    z.strictObject({
      command: command.describe('writes a JUnit report to /work/report'),
    }),
  ])
  .transform((given) =>
    typeof given === 'string' ? RUNNERS[given] : { command: given.command, report: 'junit' as const },
  )
  .describe('unittest, pytest, node (node:test), or a command that writes a JUnit report to /work/report');

const repository = z
  .strictObject({
    name,
    folder: z.string().min(1).optional().describe('path, relative to the YAML file'),
    git: z.string().min(1).optional().describe('URL to clone'),
    ref: z
      .string()
      .regex(/^[A-Za-z0-9_][\w./-]*$/, 'must be a branch, a tag or a commit')
      .optional(),
    install: z
      .string()
      .min(1)
      .optional()
      .describe('run once by a shell in a copy of the repository, on this machine and as you: as `npm ci`'),
    source: z
      .array(z.string().min(1))
      .min(1)
      .describe('globs of the files that a fix may change, as "src/**/*.py"'),
    tests: runner,
    lint: command.optional().describe('must end with 0'),
    seconds: z.number().positive().max(300).default(10).describe('for one run of all tests'),
  })
  .refine(({ folder, git }) => (folder === undefined) !== (git === undefined), 'needs either folder or git')
  .refine(({ git, ref }) => ref === undefined || git !== undefined, {
    path: ['ref'],
    message: 'is of a git URL',
  });
export type Repository = z.output<typeof repository>;

export const codeTaskSchema = z.strictObject({
  kind: z.literal('code-repair'),
  name,
  title: z.string().min(1).optional().describe('default: the name'),
  repositories: z
    .array(repository)
    .min(1)
    .max(100)
    .refine(
      (all) => new Set(all.map((one) => one.name)).size === all.length,
      'two of them have the same name',
    ),
  bugs: z.string().min(1).describe('JSONL file that `ratchet bugs` makes'),
  reports: z
    .string()
    .min(1)
    .optional()
    .describe('JSONL file of bug reports that people wrote: repository, title, text, log'),
  heldOut: z
    .number()
    .min(0.05)
    .max(0.9)
    .default(0.4)
    .describe('share of the functions whose bugs are held out, half of them until the end'),
  perFunction: z.int().min(1).max(100).default(8).describe('most bugs that are made in one function'),
  strength: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe('least share of the mutants of a fix that tests and test ideas must catch'),
  mutants: z.int().min(0).max(50).default(6).describe('most mutants of a fix'),
  originals: z
    .boolean()
    .default(true)
    .describe(
      'of a planted bug that is practised on, the function as it was is an answer beside those of the model',
    ),
  models: models.optional(),
  thinking: z.enum(THINKING).optional(),
  maxTokens: z.int().min(1).max(32_768).default(768).describe('longest answer, in tokens'),
});
export type CodeTask = z.output<typeof codeTaskSchema>;
