/** What the gates ask for and what each counts for: the part `gates` of the input of `improve`. */
import { z } from 'zod';

const share = z.number().min(0).max(1);

/** What the loop itself sets in each request, so that samples are what it takes them for. */
const SET_BY_THE_LOOP = ['messages', 'model', 'n', 'seed', 'stream'];

/** Further fields of each chat request to a role's endpoint. */
export const extraSchema = z
  .record(z.string().min(1), z.json())
  .superRefine((extra, context) => {
    for (const name of SET_BY_THE_LOOP) {
      if (name in extra)
        context.addIssue({ code: 'custom', path: [name], message: `"${name}" is set by the loop itself` });
    }
  })
  .describe(
    'further fields of each chat request, passed on as they are: chat_template_kwargs, reasoning_effort, top_k, …; ' +
      'not messages, model, n, seed or stream, which the loop sets',
  );

/** An OpenAI-compatible endpoint and the model behind it, for one role. */
export const endpointSchema = z.strictObject({
  baseURL: z.url().optional().describe('OpenAI-compatible base URL ending in /v1; default: MODEL_BASE_URL'),
  model: z
    .string()
    .min(1)
    .optional()
    .describe("model name as the endpoint lists it; default: the task's own"),
  apiKeyEnv: z.string().min(1).optional().describe('environment variable that holds the API key'),
  extra: extraSchema.optional(),
});

const weight = z.enum(['required', 'advisory', 'off']);
const unscored = z.enum(['fail', 'ignore']).default('fail');

/** `task`: the task's own critic, where it has one, else the general one. */
export const SPECIALITIES = ['task', 'general', 'arithmetic', 'logic', 'relevance'] as const;

const critic = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,31}$/, 'must be lower-case letters, digits and "-"')
    .refine((name) => name !== 'reward', '"reward" is the name of the reward model')
    .describe('under which its critiques are stored'),
  speciality: z.enum(SPECIALITIES).default('general').describe('what it looks for'),
  endpoint: endpointSchema.prefault({}).describe('default: models.critic'),
});

const agreement = z.strictObject({
  min: share.default(0.6).describe('least share of the K samples that gave ŷ'),
  max: share.default(1).describe('largest share: above it a prompt is too easy to teach anything'),
  minMargin: share.default(0.25).describe('least lead over the runner-up, as a share of K'),
  precision: share
    .default(0)
    .describe(
      'least share of trusted votes that are right, as measured on the calibration set of the task: votes and lead are raised ' +
        'from min and minMargin until it is reached; 0: not asked for',
    ),
  calibration: z
    .strictObject({
      share: z
        .number()
        .min(0)
        .max(10)
        .default(0.3)
        .describe('calibration problems per iteration as a share of pool.prompts; 0: none'),
      iterations: z
        .int()
        .min(1)
        .max(1000)
        .default(3)
        .describe('latest iterations whose calibration counts as evidence'),
    })
    .prefault({}),
  noAnswer: z
    .enum(['votes', 'abstains'])
    .default('votes')
    .describe('`votes`: where more samples give no readable answer than give ŷ, nothing is trusted'),
  sharedMistake: z
    .strictObject({
      within: share.default(0.6).describe('least agreement with ŷ within rewrites (or kinds of them)'),
      across: share.default(0.4).describe('agreement with ŷ across them, below which it is one; 0: off'),
    })
    .prefault({})
    .describe('samples of one rewrite agree on ŷ and others do not: not trusted'),
});

const critique = z.strictObject({
  mode: z
    .enum(['auto', 'required', 'advisory', 'off'])
    .default('auto')
    .describe(
      '`auto`: required, but the general critic, which nobody asked for, only advises in an iteration where it proves unable: no ' +
        'readable verdicts, or no better than chance on what was planted. `required`: whatever it is worth',
    ),
  votes: z
    .enum(['all', 'approved'])
    .default('all')
    .describe(
      '`approved`: samples that the critics do not pass do not vote; they are asked about every sample',
    ),
  min: share.default(0.5).describe('least P(the work holds) where a critic gives one'),
  critics: z
    .array(critic)
    .max(8)
    .refine((list) => new Set(list.map(({ name }) => name)).size === list.length, 'names must differ')
    .refine(
      (list) =>
        new Set(list.map(({ speciality, endpoint }) => JSON.stringify([speciality, endpoint]))).size ===
        list.length,
      'two critics of one speciality at one endpoint are one critic',
    )
    .default([])
    .describe("who is asked; default: the task's own critic or the general one"),
  decide: z
    .enum(['all', 'majority'])
    .default('all')
    .describe('of several critics: `all` must pass a sample, or more than half of them'),
});

export const gatesSchema = z.strictObject({
  policy: z
    .strictObject({
      agreement: weight.default('required'),
      format: weight.default('required'),
      coherence: weight.default('required'),
      length: weight.default('required'),
      verification: z
        .enum(['auto', 'required', 'advisory', 'off'])
        .default('auto')
        .describe('`auto`: required where the task can verify'),
      novelty: weight.default('advisory'),
      distribution: weight.default('advisory'),
      reward: weight.default('off'),
      human: weight.default('off'),
    })
    .prefault({})
    .describe("what each gate's verdict counts for; the critique's is gates.critique.mode"),
  unscored: z
    .strictObject({
      agreement: unscored,
      format: unscored,
      coherence: unscored,
      length: unscored,
      critique: unscored,
      verification: unscored,
      novelty: unscored,
      distribution: unscored,
      reward: unscored,
      human: unscored,
    })
    .prefault({})
    .describe('what it means that a required gate has no verdict: not accepted, or as if it only advised'),
  agreement: agreement.prefault({}),
  length: z
    .strictObject({
      maxDeviations: z.number().positive().default(8).describe('median absolute deviations above the median'),
    })
    .prefault({}),
  critique: critique.prefault({}),
  novelty: z
    .strictObject({
      maxSimilarity: share.default(0.9).describe('most likeness to an accepted rationale (MinHash)'),
      templateCap: share
        .gt(0)
        .default(1)
        .describe("largest share of an iteration's examples with one template; 1: no cap"),
    })
    .prefault({}),
  distribution: z
    .strictObject({
      maxDeviations: z
        .number()
        .positive()
        .default(8)
        .describe('robust standard deviations from what was accepted before'),
      minExamples: z.int().min(2).max(1000).default(50).describe('fewer accepted before: unscored'),
    })
    .prefault({}),
  reward: z
    .strictObject({ min: share.default(0.5).describe('least score of the reward model') })
    .prefault({}),
});
