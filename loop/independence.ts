/**
 * Are a prompt's votes independent? Seen from a sample that voted for ŷ: the share of the other samples of its own
 * rewrite that did so too (within), and of the samples of other rewrites (across). A right answer is found whichever way
 * one asks, so both are alike. A mistake that a rewrite provokes is repeated there, and not elsewhere: high within, low
 * across. It is looked at by rewrite and by kind of rewrite.
 */

/** Samples of one rewrite, and how many of them voted for ŷ. */
export type Tally = { rewrite: string; kind: string; samples: number; votes: number };

export type Independence = {
  /** 0…1; undefined where no rewrite has two samples. */
  within: number | undefined;
  /** 0…1; undefined where there is one rewrite. */
  across: number | undefined;
};

export type SharedMistakeLimits = { within: number; across: number };

/** Tallies by rewrite, in order of first appearance. `votes`: did the sample vote for ŷ? */
export function talliesOf(samples: readonly { rewrite: string; kind?: string; votes: boolean }[]): Tally[] {
  const tallies = new Map<string, Tally>();
  for (const { rewrite, kind = rewrite, votes } of samples) {
    const tally = tallies.get(rewrite) ?? { rewrite, kind, samples: 0, votes: 0 };
    tallies.set(rewrite, tally);
    tally.samples += 1;
    if (votes) tally.votes += 1;
  }
  return [...tallies.values()];
}

/** Within and across the groups, each a share of pairs of samples of which the first voted for ŷ. */
export function independenceOf(groups: readonly { samples: number; votes: number }[]): Independence {
  const samples = groups.reduce((sum, one) => sum + one.samples, 0);
  const votes = groups.reduce((sum, one) => sum + one.votes, 0);
  let pairsWithin = 0;
  let agreeWithin = 0;
  let pairsAcross = 0;
  let agreeAcross = 0;
  for (const group of groups) {
    pairsWithin += group.votes * (group.samples - 1);
    agreeWithin += group.votes * (group.votes - 1);
    pairsAcross += group.votes * (samples - group.samples);
    agreeAcross += group.votes * (votes - group.votes);
  }
  return {
    within: pairsWithin > 0 ? agreeWithin / pairsWithin : undefined,
    across: pairsAcross > 0 ? agreeAcross / pairsAcross : undefined,
  };
}

/**
 * Measures by rewrite and by kind of rewrite. What is returned is the one that shows a shared mistake; without one, the
 * one by rewrite, or by kind where no rewrite has two samples.
 */
export function measureIndependence(
  tallies: readonly Tally[],
  limits: SharedMistakeLimits,
): Independence & { sharedMistake: boolean } {
  const kinds = [...Map.groupBy(tallies, (tally) => tally.kind).values()].map((same) => ({
    samples: same.reduce((sum, one) => sum + one.samples, 0),
    votes: same.reduce((sum, one) => sum + one.votes, 0),
  }));
  const byRewrite = independenceOf(tallies);
  const byKind = independenceOf(kinds);
  const suspect = [byRewrite, byKind].find(
    ({ within, across }) =>
      within !== undefined && across !== undefined && within >= limits.within && across < limits.across,
  );
  if (suspect) return { ...suspect, sharedMistake: true };
  return { ...(byRewrite.within === undefined ? byKind : byRewrite), sharedMistake: false };
}
