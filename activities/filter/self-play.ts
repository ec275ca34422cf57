/** Looks for bad work that fools the critics, once it is known which work is good. */
import { iterationContext, type Deps } from '../../engine/context.ts';
import { play } from '../../engine/self-play/play.ts';
import type { Page } from '../generate/generate.ts';

/**
 * Filter, last: an adversary alters accepted work, and right work on problems with known answers, until the critics pass it though it is known
 * to be bad, or its tries are used.
 *
 * Reads: examples, samples, known answers. Writes: tries, with the adversary's calls. Safe to repeat: a work has one try of a number, and what
 * is judged is not judged again.
 */
export async function playPage(
  { db }: Deps,
  { iterationId, first, count }: Page,
): Promise<{ found: number }> {
  return play(db, await iterationContext(db, iterationId), { first, count });
}
