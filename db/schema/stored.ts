/**
 * What is read back of JSON columns that the database does not look into. A field that is not of its kind is an error where the
 * row is read; what nobody reads by name is kept as it stands.
 */
import { z } from 'zod';
import { DRIFT_STEPS, STAGNATION_STEPS } from '../../loop/policy-input.ts';

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
