/** Which levels a pool is drawn from, and which targets a run works on in turn: the part `curriculum` of the input of `improve`. */
import { z } from 'zod';
import { limitsSchema } from './policy-input.ts';

const share = z.number().min(0).max(1);

/** One stage of a curriculum of targets; what it leaves out is told in docs/methods.md. */
const targetSchema = z.strictObject({
  target: z.string().min(1).describe('a benchmark of the task with the role target'),
  reach: share.optional().describe('the stage is over once the best checkpoint has this share of it right'),
  alpha: z.number().gt(0).lt(1).optional().describe('its part of promotion.alpha; default: an even part'),
  iterations: z.int().min(1).max(1000).optional().describe('most iterations; default: an even part'),
  budget: limitsSchema.optional().describe('limits of this stage, in place of budget.stage'),
});

export const curriculumSchema = z.strictObject({
  start: z
    .enum(['task', 'all'])
    .default('task')
    .describe('levels of the first pool: those that the task starts with, or all that it has'),
  enter: share
    .default(0.3)
    .describe('a level enters when the trusted share of the level below is at least this'),
  leave: share.default(0.8).describe('a level leaves when its trusted share is at least this'),
  shift: z
    .int()
    .min(-10)
    .max(10)
    .default(0)
    .describe('1: also one level above those chosen, −1: also one below; set by the stagnation policy'),
  width: z.int().min(1).max(100).default(3).describe('most levels in one pool'),
  targets: z
    .array(z.union([z.string().min(1), targetSchema]))
    .max(32)
    .default([])
    .describe(
      'benchmarks of the task to improve one after the other, as names or as {target, reach, alpha, iterations, budget}; a ' +
        'finished one becomes a guard: docs/methods.md',
    ),
  rehearsal: z
    .int()
    .min(0)
    .max(100_000)
    .default(200)
    .describe(
      'accepted examples of each finished target that later stages train along; 0: none, not by training.replay either',
    ),
});
