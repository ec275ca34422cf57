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

/** An accepted example of an earlier iteration. `stage`: of a curriculum, if there was one; `easy`: a rehearsal prompt's. */
export type EarlierExample = { id: number; stage: number | null; easy: boolean };

/**
 * Earlier examples to train along in a stage of a curriculum of targets: of the stage itself as `chooseReplay` has it, and of every
 * finished target as many as `rehearsal`, so that no target's part shrinks as others come. Without a stage it is a replay.
 *
 * @param settings `replay` undefined: all of the stage's own, and where anything is rehearsed, all of the finished targets'
 */
export function chooseAlong(
  earlier: readonly EarlierExample[],
  stage: number | undefined,
  settings: { replay: number | undefined; rehearsal: number },
  seed: string,
): number[] {
  const { replay, rehearsal } = settings;
  const some = (examples: readonly EarlierExample[], count: number | undefined, of: string) => {
    const ids = examples.map(({ id }) => id);
    return count === undefined ? ids : chooseReplay(ids, count, of);
  };
  if (stage === undefined) return some(earlier, replay, seed);
  const own = earlier.filter((one) => one.stage === stage);
  if (rehearsal === 0) return some(own, replay, seed);
  const finished = Array.from({ length: stage - 1 }, (_, i) => i + 1).flatMap((number) =>
    some(
      earlier.filter((one) => one.stage === number && !one.easy),
      replay === undefined ? undefined : rehearsal,
      `${seed}/stage ${number}`,
    ),
  );
  return [...some(own, replay, seed), ...finished];
}
