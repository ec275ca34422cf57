/** The parts of the input that say when a run changes course: budget, return on investment, stagnation. */
import { z } from 'zod';

export const limitsSchema = z.strictObject({
  tokens: z.int().positive().optional().describe('prompt and completion tokens'),
  cost: z.number().positive().optional().describe('money, in the currency of `prices`'),
  minutes: z.number().positive().optional().describe('wall time'),
  trainingSeconds: z.number().positive().optional().describe('time in fine-tuning jobs'),
});
const limits = limitsSchema.prefault({});

export const budgetSchema = z.strictObject({
  run: limits.describe('limits of the whole run, its final benchmark included'),
  iteration: limits.describe('limits of each iteration'),
  stage: limits.describe('limits of each stage of a curriculum of targets (curriculum.targets)'),
});

export const pricesSchema = z
  .record(
    z.string(),
    z.strictObject({
      promptPerMillion: z.number().min(0).default(0),
      completionPerMillion: z.number().min(0).default(0),
      trainingPerMillion: z.number().min(0).default(0).describe('per million trained tokens'),
      trainingPerHour: z.number().min(0).default(0).describe('per hour of a fine-tuning job'),
    }),
  )
  .describe('prices by model name; `*` for every other model, adapters of a named model count as that model');

export const roiSchema = z.strictObject({
  latencyPerHour: z
    .number()
    .min(0)
    .default(0)
    .describe(
      'what an hour of waiting counts, in the unit of cost (money, or a million tokens without prices)',
    ),
  floor: z
    .number()
    .min(0)
    .optional()
    .describe('least points of target accuracy per unit of cost; without one, nothing is done about it'),
  patience: z.int().min(1).max(100).default(2).describe('iterations under the floor before `onLow`'),
  onLow: z.enum(['halt', 'reset']).default('halt'),
});

export const DRIFT_STEPS = ['temperature', 'diversity', 'noise', 'reset'] as const;

export const driftSchema = z.strictObject({
  prompts: z
    .int()
    .min(0)
    .max(1000)
    .optional()
    .describe(
      'fixed prompts that every generating checkpoint answers; default: a twentieth of the pool, of pool.prompts or what there is, up to 16, none under 8',
    ),
  maxLengthChange: z
    .number()
    .positive()
    .default(1)
    .describe('alarm: rationales became longer or shorter by more than this share; 1: by a factor of two'),
  maxEntropyFall: z
    .number()
    .min(0)
    .max(1)
    .default(0.35)
    .describe('alarm: the entropy of step templates fell by more than this share'),
  maxDistinctFall: z
    .number()
    .min(0)
    .max(1)
    .default(0.25)
    .describe('alarm: the share of distinct pairs of words fell by more than this share'),
  maxCompressionRise: z
    .number()
    .min(0)
    .default(0.3)
    .describe('alarm: rationales became easier to compress by more than this share'),
  maxDistance: z
    .number()
    .min(0)
    .max(1)
    .default(0.35)
    .describe('alarm: Jensen–Shannon divergence of the words from the reference iteration'),
  maxAnswerRise: z
    .number()
    .min(0)
    .max(1)
    .default(0.3)
    .describe('alarm: the share of the most frequent answer rose by more than this'),
  maxUnreadableRise: z
    .number()
    .min(0)
    .max(1)
    .default(0.3)
    .describe('alarm: the share of the fixed sample without a readable answer rose by more than this'),
  steps: z
    .array(z.enum(DRIFT_STEPS))
    .default([...DRIFT_STEPS])
    .describe('what is done while an alarm lasts, one step each time; [] only measures'),
  patience: z
    .int()
    .min(1)
    .max(100)
    .default(2)
    .describe('iterations that a step is given before the next; what it changes is seen in the second'),
  temperatureRise: z.number().min(0).max(1).default(0.3).describe('`temperature` adds this at first'),
  temperatureOver: z
    .int()
    .min(1)
    .max(100)
    .default(4)
    .describe('iterations over which that falls back to nothing'),
  diversity: z.number().min(0).max(10).default(1).describe('`diversity` sets select.diversity to this'),
});

export const STAGNATION_STEPS = ['diversity', 'pool', 'reset-best', 'reset-base', 'halt'] as const;

export const stagnationSchema = z.strictObject({
  window: z
    .int()
    .min(2)
    .max(50)
    .default(3)
    .describe('decided iterations looked back on: the short-term memory of a run'),
  minGain: z
    .number()
    .min(0)
    .max(1)
    .default(0.005)
    .describe('plateau: the best gained less than this share of target over the window'),
  agreementRise: z
    .number()
    .min(0)
    .max(1)
    .default(0.05)
    .describe('collapse: agreement rose by this over the window while candidates got worse'),
  maxDrift: z
    .number()
    .positive()
    .default(0.7)
    .describe('collapse: accepted rationales grew or shrank by more than e to this, while agreement rose'),
  steps: z
    .array(z.enum(STAGNATION_STEPS))
    .default([...STAGNATION_STEPS])
    .describe(
      'what is done, one step each time it is found; after a promotion it begins anew; [] does nothing',
    ),
  temperatureStep: z
    .number()
    .min(0)
    .max(1)
    .default(0.15)
    .describe('`diversity` adds this to the temperature'),
  maxTemperature: z.number().min(0).max(2).default(1.2),
});
