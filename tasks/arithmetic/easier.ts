/** Easier sums than one that the model can't add (LADDER): neighbouring places of its own numbers. */
import type { Prompt } from '../task.ts';
import { shuffled } from '../random.ts';
import { parseSum, promptOf } from './addition.ts';

/**
 * Of 536018+864789 first the sums of five places, 36018+64789 and 53601+86478, then those of four, and so on; of one length in an order that
 * the seed gives. A sum with nothing to add is left out.
 */
export function easierSums({ text }: Prompt, seed: number): Prompt[] {
  const sum = parseSum(text);
  if (typeof sum === 'string') return [];
  const numbers = [sum.small, sum.large].map((number) => number.padStart(sum.digits, '0'));
  return Array.from({ length: sum.digits - 1 }, (_, i) => sum.digits - 1 - i).flatMap((places) => {
    const own = Array.from({ length: sum.digits - places + 1 }, (_, first) =>
      numbers.map((number) => number.slice(first, first + places)).join('+'),
    ).flatMap((easier) => {
      const read = parseSum(easier);
      return typeof read === 'string' || read.small === '0' ? [] : promptOf(read, read.key);
    });
    return shuffled(own, `easier/${seed}`, ({ key }) => key);
  });
}
