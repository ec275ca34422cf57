/** What is kept across iterations and shown before questions: the part `memory` of the input of `improve`. */
import { z } from 'zod';
import { LEAST_PROBLEMS } from './memory.ts';

export const memorySchema = z.strictObject({
  mode: z
    .enum(['off', 'on'])
    .default('off')
    .describe(
      '`on`: entries that a paired test admitted stand before the question in samples, never on a benchmark: docs/methods.md',
    ),
  shown: z.int().min(1).max(32).default(3).describe('most entries before one question'),
  tokens: z.int().min(1).max(100_000).default(1000).describe('most tokens of them, by our own estimate'),
  proposals: z
    .int()
    .min(0)
    .max(64)
    .default(4)
    .describe('worked patterns that an iteration takes of the examples of before, surest first'),
  heuristics: z
    .int()
    .min(0)
    .max(16)
    .default(0)
    .describe('short rules that the model is asked for in each iteration, from such examples'),
  tests: z.int().min(1).max(64).default(4).describe('most tests of entries in an iteration'),
  batch: z
    .int()
    .min(1)
    .max(64)
    .default(1)
    .describe('entries that are tested together; with more than 1 a useless one may come in with a good one'),
  problems: z
    .int()
    .min(LEAST_PROBLEMS)
    .max(10_000)
    .default(96)
    .describe('problems with known answers that a test compares on'),
  alpha: z
    .number()
    .gt(0)
    .lt(1)
    .default(0.05)
    .describe('most probability that a run admits any entry that is no help, over all its tests'),
  margin: z
    .number()
    .min(0)
    .max(1)
    .default(0.05)
    .describe('most that the problems of any level may fall by an entry'),
});
