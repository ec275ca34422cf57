/** How hard prompts are split into parts: the part `strategy.ladder` of the input of `improve`. */
import { z } from 'zod';

export const ladderSchema = z.strictObject({
  mode: z
    .enum(['off', 'on'])
    .default('off')
    .describe(
      '`on`: prompts are split into parts, each voted on alone, and solved by what is put together of them: docs/methods.md',
    ),
  parts: z
    .enum(['task', 'model'])
    .default('task')
    .describe(
      'who says what the parts of a prompt are: the task, in code, or the model, which proposes smaller questions',
    ),
  samples: z.int().min(1).max(64).default(3).describe('samples per part, spread over its rewrites'),
  min: z
    .number()
    .gt(0)
    .max(1)
    .default(1)
    .describe('least share of them that must agree for a part to be solved'),
  forms: z
    .int()
    .min(1)
    .max(32)
    .default(4)
    .describe('most forms of a prompt in which its whole solution is written'),
  depth: z
    .int()
    .min(0)
    .max(16)
    .default(4)
    .describe('most splits one below the other; a part below is asked as it is'),
  fanOut: z.int().min(1).max(64).default(8).describe('most parts of one problem'),
  calls: z
    .int()
    .min(1)
    .max(10_000)
    .default(64)
    .describe('most samples that the parts of one prompt may take'),
  solver: z
    .enum(['steadiest', 'best', 'base'])
    .default('steadiest')
    .describe(
      'who solves the parts: the checkpoint with the best guards (of equal ones the earliest), the best on target, or the base',
    ),
});
