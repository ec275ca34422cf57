/**
 * The input of the `improve` workflow: one zod schema, from which the CLI, the Temporal UI's input, the
 * stored configuration and the documentation derive. Every field has a default, so `{}` is a legal input.
 */
import { z } from 'zod';
import { gatesSchema } from '../gates/index.ts';
import { curriculumSchema } from './curriculum-input.ts';
import { endpointSchema } from '../process/endpoint-input.ts';
import { budgetSchema, driftSchema, pricesSchema, roiSchema, stagnationSchema } from './policy-input.ts';
import { memorySchema } from './memory-input.ts';
import { PRESET_NAMES } from './presets.ts';
import { MAX_MISSING } from './promotion.ts';
import { probesSchema } from './probes-input.ts';
import { reviewSchema } from './review-input.ts';
import { strategySchema } from './strategy-input.ts';

const share = z.number().min(0).max(1);

/** Left out of a job that nobody set it for. */
const TRAINERS = 'unset: the trainer chooses, by the size of the model and the number of examples';

export const improveInputSchema = z.strictObject({
  task: z
    .string()
    .min(1)
    .default('arithmetic')
    .describe('a built-in task, or the path of a task file (.yaml) or of a task in code (.ts)'),
  preset: z
    .enum(PRESET_NAMES)
    .default('none')
    .describe('a published recipe, laid under the other fields: docs/gates.md'),
  promptsFile: z.string().min(1).optional().describe('JSONL file of prompts, one {"prompt": "…"} a line'),
  iterations: z.int().min(1).max(1000).default(8).describe('iterations to run at most'),
  priority: z
    .int()
    .min(1)
    .max(5)
    .default(3)
    .describe('which of the runs that wait for the same workers comes first: 1 before 5; equals share them'),
  seed: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .default(1)
    .describe('seed of everything random'),
  start: z
    .enum(['base', 'promoted'])
    .default('base')
    .describe('`promoted`: begin at the checkpoint that the task serves (ratchet serving)'),
  check: z
    .enum(['start', 'off'])
    .default('start')
    .describe(
      'ask each model once, as the run will, before anything is spent; `off`: it was done, as `ratchet run` does',
    ),
  experiment: z
    .enum(['none', 'ungated', 'control'])
    .default('none')
    .describe('a contrast arm: `ungated` trains on every majority, `control` on rehearsal prompts only'),
  pool: z
    .strictObject({
      prompts: z.int().min(1).max(100_000).default(320).describe('unlabeled prompts per iteration'),
      rehearsal: z
        .int()
        .min(0)
        .max(10_000)
        .default(48)
        .describe('easy prompts practised along, per iteration'),
      unused: z
        .boolean()
        .default(false)
        .describe('draw only prompts that no earlier run of the task has used'),
      corrections: z
        .boolean()
        .default(true)
        .describe('learn from corrections that people sent to the gateway, each once per run'),
      stored: z
        .enum(['first', 'only', 'off'])
        .optional()
        .describe(
          "prompts that were stored for the task (ratchet import, or the gateway): before the task's own source, alone " +
            '(whatever their level) or not at all; default: `first`, or `off` with promptsFile',
        ),
    })
    .prefault({}),
  sampling: z
    .strictObject({
      samples: z.int().min(1).max(256).default(8).describe('K: samples per prompt'),
      temperature: z.number().min(0).max(2).default(0.8),
      temperatureSchedule: z
        .strictObject({
          add: z.number().min(0).max(2).default(0).describe('added to the temperature in iteration `from`'),
          from: z.int().min(1).default(1),
          over: z.int().min(1).max(1000).default(4).describe('iterations over which it falls to nothing'),
        })
        .prefault({})
        .describe('a higher temperature that falls back in even steps; set by the drift policy as well'),
      topP: z.number().gt(0).max(1).default(1),
      maxTokens: z.int().min(1).max(32_768).optional().describe("default: the task's own limit"),
      resamples: z
        .int()
        .min(0)
        .max(64)
        .default(4)
        .describe('samples per rewrite that missed a trusted answer'),
      resampledRewrites: z
        .int()
        .min(0)
        .max(64)
        .default(2)
        .describe('most rewrites per prompt to sample again'),
      resampleTemperature: z.number().min(0).max(2).default(1),
      paraphrases: z
        .int()
        .min(0)
        .max(16)
        .default(0)
        .describe(
          'paraphrases per prompt that the model makes as rewrites, where the task has no exact ones',
        ),
      strategies: z
        .enum(['task', 'all'])
        .default('task')
        .describe('`all`: also the ways of asking that the task keeps for when more diversity is needed'),
      strategyNames: z
        .array(z.string().min(1))
        .min(1)
        .max(32)
        .optional()
        .describe(
          'ways of asking by name, in turn, of all that the task has, those it keeps among them; unset: as `strategies` says',
        ),
      noise: z
        .boolean()
        .default(false)
        .describe('also put prompts with harmless noise to the model, where the task knows some'),
      cache: z
        .boolean()
        .default(true)
        .describe(
          'use a stored sample of an earlier run where model, messages, parameters and index are equal',
        ),
    })
    .prefault({}),
  strategy: strategySchema.prefault({}),
  memory: memorySchema.prefault({}),
  gates: gatesSchema.prefault({}),
  select: z
    .strictObject({
      perPrompt: z
        .int()
        .min(1)
        .max(64)
        .default(2)
        .describe('most examples per prompt from the first samples'),
      hardPerRewrite: z
        .int()
        .min(0)
        .max(16)
        .default(1)
        .describe('most examples per rewrite that was sampled again'),
      diversity: z
        .number()
        .min(0)
        .max(10)
        .default(0)
        .describe('weight of rare templates and unlike texts in the choice; 0: in the order of sampling'),
      novelty: z
        .number()
        .min(0)
        .max(1)
        .default(0)
        .describe(
          'weight of ways that the prompt has no example of yet, by clusters of its accepted rationales: docs/methods.md; 1: ' +
            'those first; 0: in the order of sampling',
        ),
    })
    .prefault({}),
  training: z
    .strictObject({
      from: z
        .enum(['best', 'base'])
        .default('best')
        .describe('`best` trains the best adapter on; `base` starts anew with all accepted examples'),
      given: z
        .boolean()
        .default(true)
        .describe('take in the examples that people gave for the task (ratchet import): docs/exports.md'),
      replay: z.int().min(0).max(1_000_000).default(400).describe('earlier examples mixed in (from `best`)'),
      epochs: z.int().min(1).max(100).optional().describe(TRAINERS),
      batchSize: z.int().min(1).max(1024).optional().describe(TRAINERS),
      learningRate: z.number().positive().max(1).optional().describe(TRAINERS),
      loraRank: z.int().min(1).max(1024).optional().describe(TRAINERS),
      loraAlpha: z.number().positive().optional().describe(`${TRAINERS}; often twice the rank`),
      loraDropout: share.optional().describe(TRAINERS),
      weightDecay: z.number().min(0).optional().describe(TRAINERS),
      emaDecay: z
        .number()
        .gt(0)
        .lt(1)
        .optional()
        .describe('exponential moving average of the adapter weights'),
      resetEvery: z
        .int()
        .min(2)
        .max(1000)
        .optional()
        .describe('every so many iterations the base is trained anew on all accepted examples'),
    })
    .prefault({}),
  curriculum: curriculumSchema.prefault({}),
  benchmark: z
    .strictObject({
      size: z
        .enum(['full', 'quick'])
        .default('full')
        .describe('`quick`: fewer held-out problems, where the task makes its own'),
      majority: z
        .boolean()
        .default(true)
        .describe("measure the starting model's majority of K samples on target, once, for comparison"),
      regressions: z
        .boolean()
        .default(true)
        .describe('hold out, as a guard, the regression items that people sent to the gateway'),
    })
    .prefault({}),
  promotion: z
    .strictObject({
      alpha: z
        .number()
        .gt(0)
        .lt(1)
        .default(0.05)
        .describe('most probability that the run promotes anything that is no better, on target'),
      correction: z
        .enum(['alpha-spending', 'none'])
        .default('alpha-spending')
        .describe(
          '`alpha-spending` divides alpha among the looks at the target set; `none` tests each at alpha',
        ),
      minGain: share.default(0).describe('least gain in target accuracy'),
      guardMargin: share.default(0.03).describe('most a guard benchmark may fall'),
      maxMissing: share
        .default(MAX_MISSING)
        .describe(
          'largest share of held-out problems that the endpoint may refuse: with more missing nothing is promoted, and the ' +
            "base's measurement waits for you",
        ),
    })
    .prefault({}),
  leaks: z
    .strictObject({
      similarity: z
        .number()
        .min(0.5)
        .max(1)
        .default(0.8)
        .describe(
          'least similarity (Jaccard, of pairs of words) at which a prompt counts as a held-out one; 1: copies only',
        ),
    })
    .prefault({}),
  probes: probesSchema.prefault({}),
  review: reviewSchema.prefault({}),
  stagnation: stagnationSchema.prefault({}),
  drift: driftSchema.prefault({}),
  budget: budgetSchema.prefault({}),
  prices: pricesSchema.default({}),
  roi: roiSchema.prefault({}),
  models: z
    .strictObject({
      generator: endpointSchema.prefault({}).describe('the model that learns and is measured'),
      teacher: endpointSchema
        .extend({ model: z.string().min(1).describe('model name as the endpoint lists it') })
        .optional()
        .describe(
          'another model, whose samples the generator learns from instead of its own (ratchet distil); what is not named of it ' +
            "is the generator's, and it is the critic and the judge where none is named",
        ),
      critic: endpointSchema.prefault({}),
      trainer: endpointSchema.prefault({}),
      judge: endpointSchema.prefault({}).describe('the reward model, where the gate is on'),
    })
    .prefault({}),
  paging: z
    .strictObject({
      promptsPerPage: z.int().min(1).max(1000).default(40).describe('prompts per activity'),
      pagesInFlight: z.int().min(1).max(64).default(3),
      callsInFlight: z.int().min(1).max(1024).default(256).describe('most concurrent model calls per page'),
      failureAllowance: share
        .default(0.1)
        .describe('share of a page that the model may refuse (a content filter, say) before the page fails'),
    })
    .prefault({}),
});

/** What a user may give: every field optional. */
export type ImproveInput = z.input<typeof improveInputSchema>;
/** What the loop works with: every default filled in. */
export type ImproveSettings = z.output<typeof improveInputSchema>;

/** What a schema has against an input: a line for each bad field, by its path. */
export const problemsIn = ({ issues }: z.ZodError): string[] =>
  issues.map(({ path, message }) => `${path.join('.') || 'input'}: ${message}`);
