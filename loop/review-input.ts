/** The part of the input that asks for people's judgement. */
import { z } from 'zod';

const share = z.number().min(0).max(1);

export const reviewSchema = z.strictObject({
  iterations: z
    .int()
    .min(0)
    .max(1000)
    .default(0)
    .describe('in the first so many iterations, only what a reviewer accepts is trained on'),
  auditShare: share
    .default(0)
    .describe(
      'random share of the accepted pseudo-labels put to a reviewer, to measure their real precision',
    ),
  disagreements: z
    .boolean()
    .default(false)
    .describe('also samples whose answer the vote trusts and another gate does not; accepted ones train'),
  maxPerIteration: z.int().min(1).max(100_000).default(200).describe('most items per iteration'),
  maxRejectedShare: share
    .default(0.3)
    .describe(
      'more than this share rejected or corrected, of at least 10 decided, and the iteration is not trained',
    ),
  required: z
    .boolean()
    .default(true)
    .describe(
      '`false`: the iteration does not wait, what is undecided trains, decisions count from the next dataset on',
    ),
});

export type ReviewSettings = z.output<typeof reviewSchema>;
