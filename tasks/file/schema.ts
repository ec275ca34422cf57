/**
 * A task without code: one YAML file. This schema is the only description of it; unknown fields are errors, so
 * that a misspelt one is not ignored.
 */
import { z } from 'zod';
import { endpointSchema } from '../../process/endpoint-input.ts';
import { commandSchema, oneSource, source, type Source } from '../data/source.ts';
import type { Harness } from '../harness.ts';
import { THINKING } from '../task.ts';
import { EXAMPLES_IN } from '../task.ts';
import { BUILT_IN_STRATEGIES } from './strategies.ts';
import { verify } from './verify-schema.ts';

export const name = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
    'must be 1 to 64 letters, digits, ".", "_" or "-", and begin with a letter or a digit',
  );
const text = z.string().min(1).max(100_000);
const field = z.string().min(1).describe('name of a field of each JSON line, or of a column');
const template = text.refine((value) => value.includes('{prompt}'), 'must contain {prompt}');
const rows = z
  .strictObject({ from: z.int().min(1).optional(), to: z.int().min(1).optional() })
  .refine(({ from = 1, to = Infinity }) => from <= to, '"from" must not be after "to"')
  .describe('rows of the file to use, counted from 1, both included');

const pattern = text.superRefine((value, context) => {
  try {
    // With an empty alternative the pattern matches anything and the match tells how many groups there are.
    const groups = new RegExp(`${value}|`, 'gmu').exec('')!.length - 1;
    if (groups !== 1) {
      context.addIssue({ code: 'custom', message: `must have exactly one capturing group, has ${groups}` });
    }
  } catch (error) {
    context.addIssue({ code: 'custom', message: `is no regular expression: ${(error as Error).message}` });
  }
});

const patternWhereRead = <T extends { read: string; pattern?: string }>(
  value: T,
  context: z.RefinementCtx,
): void => {
  if (value.read === 'pattern' && value.pattern === undefined) {
    context.addIssue({ code: 'custom', path: ['pattern'], message: 'is needed to read by pattern' });
  }
  if (value.read !== 'pattern' && value.pattern !== undefined) {
    context.addIssue({
      code: 'custom',
      path: ['pattern'],
      message: `is not used when reading by ${value.read}`,
    });
  }
};

const unit = z
  .string()
  .max(40)
  .regex(/^[\p{L}\p{Sc}%‰°]/u, 'must be a unit or a currency sign, as "km" or "$"');

/** Where the models of a task answer, as every kind of task file says it. */
export const models = z.strictObject({
  generator: endpointSchema.optional(),
  critic: endpointSchema.optional(),
  trainer: endpointSchema.optional(),
});

const answered = {
  ...source,
  rows: rows.optional(),
  promptField: field.optional().describe('default: the field of the prompts'),
  answerField: field.default('answer'),
  answer: z
    .strictObject({
      read: z.enum(['value', 'last-number', 'hash', 'boxed', 'pattern']),
      pattern: pattern.optional(),
    })
    .superRefine(patternWhereRead)
    .prefault({ read: 'value' })
    .describe('how the known answer is read out of its field; default: the field is the answer'),
};

const harness = z
  .strictObject({
    command: commandSchema,
    seconds: z.int().min(1).max(18_000).default(3600).describe('beyond them it is stopped'),
  })
  .describe(
    'a program that measures a guard: it asks the model at RATCHET_BASE_URL and writes a JSON line for each problem (docs/tasks.md)',
  );

const benchmark = z
  .strictObject({
    name,
    role: z.enum(['target', 'guard', 'final']),
    ...answered,
    prompts: z
      .strictObject({ ...source, field: field.optional(), rows: rows.optional() })
      .superRefine(oneSource)
      .optional()
      .describe(
        "of a target: what is drawn in place of the task's prompts in its stage of a curriculum (curriculum.targets); the field is " +
          'by default that of the prompts',
      ),
    harness: harness.optional(),
  })
  .superRefine(oneSource)
  .refine((one) => one.harness === undefined || one.role === 'guard', {
    path: ['harness'],
    message: 'measures guards only: what is to improve is asked as it is trained',
  })
  .refine(({ role, prompts }) => prompts === undefined || role === 'target', {
    path: ['prompts'],
    message: 'only a target has prompts of its own',
  });

/** `left 5 because` has a word behind its number, too. */
const UNITS_NEED_A_STATEMENT = "can't be told from other words behind the last number of a text";

const fields = z.strictObject({
  name,
  title: text.optional().describe('default: the name'),
  prompts: z
    .strictObject({ ...source, field: field.default('prompt'), rows: rows.optional() })
    .superRefine(oneSource),
  benchmarks: z
    .array(benchmark)
    .min(1)
    .superRefine((list, context) => {
      list.forEach((one, i) => {
        if (list.findIndex((other) => other.name === one.name) < i) {
          context.addIssue({ code: 'custom', path: [i, 'name'], message: `"${one.name}" is used twice` });
        }
      });
      if (!list.some((one) => one.role === 'target')) {
        context.addIssue({ code: 'custom', message: 'one must have the role target' });
      }
    }),
  calibration: z
    .strictObject(answered)
    .superRefine(oneSource)
    .optional()
    .describe(
      'problems with known answers, apart from prompts and benchmarks, on which the precision of votes is measured',
    ),
  template: template.default('{prompt}').describe('what the model is asked; {prompt} stands for the prompt'),
  system: text.optional().describe('system message'),
  strategies: z
    .array(
      z.union([
        z.enum(Object.keys(BUILT_IN_STRATEGIES) as [string, ...string[]]),
        z.strictObject({ name, template }),
      ]),
    )
    .min(1)
    .optional()
    .describe(
      'ways of asking; {prompt} in a strategy stands for the filled-in template. Benchmarks use the first',
    ),
  examples: z
    .array(z.strictObject({ prompt: text, answer: text }))
    .min(1)
    .max(64)
    .optional()
    .describe(
      'worked examples (few-shot), shown before the question, each asked as the question is; the answer is the whole rationale ' +
        'as the model should write it',
    ),
  examplesIn: z
    .enum(EXAMPLES_IN)
    .optional()
    .describe(
      'where the examples stand. everywhere (the default): in samples, benchmarks and training alike. sampling: in samples only; ' +
        'benchmarks and training use the plain question, and the starting model is measured in both forms',
    ),
  noise: z
    .boolean()
    .default(true)
    .describe(
      'sampling.noise may put labels and blank lines around a prompt; its own characters stay as they are',
    ),
  answer: z
    .strictObject({
      read: z.enum(['last-number', 'hash', 'boxed', 'pattern']),
      pattern: pattern.optional().describe('regular expression with one group, the answer'),
      compare: z
        .enum(['exact', 'numeric', 'normalised', 'math'])
        .optional()
        .describe('default: numeric for last-number, else exact'),
      units: z
        .array(unit)
        .max(100)
        .optional()
        .describe(
          'units and currency signs that may stand beside a number and say nothing; any other makes another answer. ' +
            'Default: none is looked at',
        ),
    })
    .superRefine(patternWhereRead)
    .superRefine(({ read, compare, units }, context) => {
      if (units === undefined) return;
      const issue = (message: string) => context.addIssue({ code: 'custom', path: ['units'], message });
      if (read === 'last-number') issue(`${UNITS_NEED_A_STATEMENT}; read by hash, boxed or pattern`);
      else if (compare !== 'numeric') issue('is used with compare: numeric only');
    })
    .transform((answer) => {
      return {
        ...answer,
        compare: answer.compare ?? (answer.read === 'last-number' ? 'numeric' : 'exact'),
      } as const;
    }),
  verify: verify.optional().describe('what can be verified without a known answer'),
  models: models.extend({ judge: endpointSchema.optional() }).optional(),
  thinking: z
    .enum(THINKING)
    .optional()
    .describe(
      'of a model that thinks: `keep` (default) trains on thinking and answer, `strip` on the answer alone, `off` asks it not to think',
    ),
  maxTokens: z.int().min(1).max(32_768).default(1024).describe('longest rationale, in tokens'),
  rewrites: z
    .enum(['none', 'paraphrases'])
    .default('none')
    .describe('equivalent forms of a prompt: `paraphrases` that the model makes, or none'),
});

export const fileTaskSchema = fields.superRefine((task, context) => {
  const { answer, benchmarks, calibration, examples, examplesIn } = task;
  if (examplesIn !== undefined && examples === undefined) {
    const message = 'says where examples stand, but there are none';
    context.addIssue({ code: 'custom', path: ['examplesIn'], message });
  }
  if (answer.units === undefined) return;
  const sources = [
    ...benchmarks.map((one, i) => ({ at: ['benchmarks', i], read: one.answer.read })),
    { at: ['calibration'], read: calibration?.answer.read },
  ];
  for (const { at, read } of sources) {
    if (read !== 'last-number') continue;
    context.addIssue({
      code: 'custom',
      path: [...at, 'answer', 'read'],
      message: `answer.units ${UNITS_NEED_A_STATEMENT}; read by value, hash, boxed or pattern`,
    });
  }
});

type Parsed = z.output<typeof fileTaskSchema>;
type Prompts = Parsed['prompts'] & Source;
export type FileBenchmark = Omit<Parsed['benchmarks'][number], 'prompts' | 'harness'> &
  Source & {
    prompts?: Omit<Prompts, 'field'> & { field?: string };
    harness?: Omit<Harness, 'folder' | 'files'> & Partial<Pick<Harness, 'files'>>;
  };
/** Problems with known answers: a benchmark, or the calibration set. */
export type AnsweredFile = NonNullable<Parsed['calibration']> & Source;

/** The contents of a task file, with defaults filled in and, once resolved, absolute paths and digests of rows. */
export type FileTask = Omit<Parsed, 'prompts' | 'benchmarks' | 'calibration'> & {
  prompts: Prompts;
  benchmarks: FileBenchmark[];
  calibration?: AnsweredFile;
};

/** Every source of prompts that a task names: its own, and those of its targets. */
export const promptSources = ({ prompts, benchmarks }: FileTask): Prompts[] => [
  prompts,
  ...benchmarks.flatMap((one) => (one.prompts ? sourceOf(one.prompts, prompts) : [])),
];

/** Every source of rows. */
export const allSources = (task: FileTask): Source[] => [
  ...promptSources(task),
  ...task.benchmarks,
  ...(task.calibration ? [task.calibration] : []),
];

export const sourceOf = (own: NonNullable<FileBenchmark['prompts']>, prompts: Prompts): Prompts => ({
  ...own,
  field: own.field ?? prompts.field,
});
