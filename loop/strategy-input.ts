/** Ways of getting further than a vote over whole prompts does: the part `strategy` of the input of `improve`. */
import { z } from 'zod';
import { debateSchema, selfPlaySchema } from './debate-input.ts';
import { ladderSchema } from './ladder-input.ts';
import { variantsSchema } from './variants-input.ts';

export const strategySchema = z.strictObject({
  ladder: ladderSchema.prefault({}),
  variants: variantsSchema.prefault({}),
  debate: debateSchema.prefault({}),
  selfPlay: selfPlaySchema.prefault({}),
});
