import { random, sample } from './random.ts';

/**
 * Earlier examples to mix into the next dataset, so that what was learnt is not forgotten (experience replay;
 * Rolnick et al. 2019, arXiv 1811.11682): a random sample without repetition, the same for the same seed
 * whatever the order of the ids.
 *
 * @param exampleIds of all earlier iterations
 * @param count at most this many; all of them if there are fewer
 */
export function chooseReplay(exampleIds: readonly number[], count: number, seed: string): number[] {
  const ids = [...new Set(exampleIds)].sort((a, b) => a - b);
  return sample(random(seed), ids, count);
}
