/**
 * What is read back of JSON columns that the database does not look into. A field that is not of its kind is an error where the
 * row is read; what nobody reads by name is kept as it stands.
 */
import { z } from 'zod';
import type { DriftAlarm } from '../../loop/drift-alarms.ts';
import type { DriftMeasures } from '../../loop/drift.ts';
import { DRIFT_STEPS, STAGNATION_STEPS } from '../../loop/policy-input.ts';
import { PLANTED_KINDS } from '../../loop/words.ts';

const number = z.number().nullish();
const text = z.string().nullish();

/** What an iteration was decided by; shares and probabilities from 0 to 1, `roi` in points of target for a `unit` of `cost`. */
export const decisionNumbers = z.looseObject({
  before: number,
  after: number,
  pValue: number,
  fixed: number,
  broken: number,
  roi: number,
  cost: number,
  unit: text,
  look: z.looseObject({ number: z.number(), level: z.number() }).nullish(),
  guards: z
    .array(z.looseObject({ name: z.string(), fall: z.number(), fallAtMost: number, margin: z.number() }))
    .nullish(),
  spend: z.looseObject({ tokens: number }).nullish(),
});

/** Which step of a policy an adjustment is, and what was answered to whoever asked for it. */
export const adjustmentNumbers = z.looseObject({
  step: z.enum([...STAGNATION_STEPS, ...DRIFT_STEPS]).nullish(),
  answer: text,
  halt: text,
  order: text,
  /** Of a reset for drift, the last iteration without an alarm: `notDrifted` reads it. */
  calm: number,
});

/** Counts of a stage: of what it made, and while it runs how far it is. */
export const stageOutput = z.looseObject({
  prompts: number,
  samples: number,
  resampled: number,
  voted: number,
  trusted: number,
  critiqued: number,
  judged: number,
  accepted: number,
  examples: number,
  done: number,
  total: number,
  step: number,
  steps: number,
  row: z.looseObject({ agreement: number }).nullish(),
});

/** A test of memory entries by level (null: the task has none): its problems, and of those asked in both forms the right ones. */
export const memoryClasses = z.array(
  z.looseObject({
    level: z.number().nullable(),
    problems: z.number(),
    rightWithout: z.number(),
    rightWith: z.number(),
  }),
);

/** Why an iteration is as it is: which levels it draws from, its seed and, with a curriculum of targets, the stage (from 1). */
export const iterationPlan = z.looseObject({
  levels: z.array(z.number()).optional(),
  seed: z.number(),
  stage: z.number().optional(),
});

/** By rewrite: its samples, and how many of them voted for ŷ. */
export const rewriteTallies = z.array(
  z.looseObject({ rewrite: z.string(), kind: z.string(), samples: z.number(), votes: z.number() }),
);

/** By number of votes: how many problems had so many, and how many of those votes were right. */
export const precisionCells = z.array(
  z.looseObject({ votes: z.number(), right: z.number(), total: z.number() }),
);

/** By kind of planted sample: what each gate said of them. */
export const kindAudits = z.array(
  z.looseObject({
    kind: z.enum(PLANTED_KINDS),
    planted: z.number(),
    caught: z.number(),
    gates: z.array(
      z.looseObject({
        gate: z.string(),
        advisory: z.boolean(),
        pass: z.number(),
        fail: z.number(),
        unscored: z.number(),
      }),
    ),
  }),
);

/** Which measures there are has grown: those of an older version lack some. */
export const driftMeasures = z
  .record(z.string(), z.number().nullish())
  .transform((measures) => measures as DriftMeasures);

/** Which measure moved how far. */
export const driftAlarms = z
  .array(
    z.looseObject({
      measure: z.string(),
      value: z.number(),
      reference: z.number(),
      change: z.number(),
      threshold: z.number(),
      reason: z.string(),
    }),
  )
  .transform((alarms) => alarms as unknown as DriftAlarm[]);

export const numberList = z.array(z.number());
export const textList = z.array(z.string());
/** Counts by what is counted. */
export const counts = z.record(z.string(), z.number());
