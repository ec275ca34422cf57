/** Makes easier variants of what an iteration could not settle, once it is known what that is. */
import { iterationContext, type Deps } from '../../engine/context.ts';
import { makeVariants, type Made } from '../../engine/variants/make.ts';
import type { Page } from '../generate/generate.ts';

/**
 * Filter, last: prompts without a trusted vote get easier variants, by the task or by the model that generates, for later iterations to draw.
 *
 * Reads: votes, examples, all that is held out, the run's prompts and variants. Writes: variants, with the calls for them. Safe to repeat: a
 * prompt that has its variants is not asked about again.
 */
export async function variantPage({ db }: Deps, { iterationId, first, count }: Page): Promise<Made> {
  return makeVariants(db, await iterationContext(db, iterationId), { first, count });
}
