/** Easier variants of what a run can't settle: a part of `strategy` of the input of `improve`. */
import { z } from 'zod';

export const variantsSchema = z.strictObject({
  mode: z
    .enum(['off', 'on'])
    .default('off')
    .describe(
      '`on`: easier variants are made of prompts without a trusted vote, and later iterations draw them: docs/methods.md; contrast ' +
        'arms make none',
    ),
  prompts: z
    .int()
    .min(1)
    .max(10_000)
    .default(32)
    .describe('prompts without a trusted vote, per iteration, of which variants are made'),
  each: z.int().min(1).max(16).default(2).describe('variants of one prompt'),
  share: z
    .number()
    .gt(0)
    .max(1)
    .default(0.5)
    .describe('largest share of the pool of a later iteration that may be variants'),
});
