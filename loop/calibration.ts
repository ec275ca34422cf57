/**
 * How often are votes right, and how many does a wanted precision need? Measured on problems with known answers that go
 * the same way as all prompts. The rule, in full:
 *
 * - Votes and lead are raised together, one sample at a time, from the configured least to K. The first step whose estimated
 *   precision reaches the one asked for is taken; it is never below the configured least.
 * - Evidence are the calibration votes of the last iterations that reach a step. Over all levels the estimate is right / total,
 *   and never below that of an easier step: more votes are no less precise. A step with fewer than LEAST_EVIDENCE takes the
 *   estimate of the step before.
 * - At a level it is (right + PRIOR × estimate over all) / (total + PRIOR): partial pooling, so that a few votes at a new level
 *   move it and do not decide it (James & Stein 1961; Efron & Morris 1975, doi:10.1080/01621459.1975.10479864).
 * - Where there are fewer than LEAST_EVIDENCE even at the configured least, nothing can be said and nothing is raised.
 *
 * It is an estimate, not a bound: a 95 % bound on 0.98 needs 150 votes without an error, which no small set gives.
 */

/** A calibration vote with a ŷ that nothing else speaks against. */
export type CalibrationVote = { level: number | null; votes: number; lead: number; right: boolean };

type Counted = { right: number; total: number };

export type Required = {
  level: number | null;
  /** In samples; undefined: no step reaches the precision, so nothing at this level is trusted. */
  votes?: number;
  lead?: number;
  /** Estimate at the step taken, else at the strictest; undefined without enough evidence. */
  precision?: number;
  /** Evidence at that step: at this level, and at all. */
  here: Counted;
  all: Counted;
  reason: string;
};

export const LEAST_EVIDENCE = 20;
export const PRIOR = 10;

/** Shares are products of floating point; 0.375 × 8 must be 3. */
const SLACK = 1e-9;

const counted = (votes: readonly CalibrationVote[]): Counted => ({
  right: votes.filter((one) => one.right).length,
  total: votes.length,
});

/** The steps from the configured least up to all K votes. */
export function stepsOf(
  samples: number,
  { min, minMargin }: { min: number; minMargin: number },
): { votes: number; lead: number }[] {
  const votes = Math.max(1, Math.ceil(min * samples - SLACK));
  const lead = Math.max(1, Math.ceil(minMargin * samples - SLACK));
  const steps = Math.max(1, samples - votes + 1);
  return Array.from({ length: steps }, (_, i) => ({
    votes: votes + i,
    lead: Math.min(lead + i, samples),
  }));
}

/** What the precision asked for needs at each of the levels. */
export function calibrate(
  evidence: readonly CalibrationVote[],
  options: {
    levels: readonly (number | null)[];
    samples: number;
    min: number;
    minMargin: number;
    /** 0: none is asked for, so the configured least stands. */
    precision: number;
  },
): Required[] {
  const { levels, samples, precision: asked } = options;
  const steps = stepsOf(samples, options);
  const reaching = steps.map((step) =>
    evidence.filter((one) => one.votes >= step.votes && one.lead >= step.lead),
  );
  const overall: (number | undefined)[] = [];
  for (const votes of reaching) {
    const { right, total } = counted(votes);
    const before = overall.at(-1);
    overall.push(total < LEAST_EVIDENCE ? before : Math.max(before ?? 0, right / total));
  }
  return levels.map((level): Required => {
    const at = (i: number) => {
      const here = counted(reaching[i]!.filter((one) => one.level === level));
      const all = counted(reaching[i]!);
      const pooled = overall[i];
      const precision =
        pooled === undefined ? undefined : (here.right + PRIOR * pooled) / (here.total + PRIOR);
      return { here, all, precision };
    };
    const tried = steps.map((_, i) => at(i));
    const least = { ...steps[0]!, ...tried[0]! };
    const where = level === null ? '' : ` at level ${level}`;
    if (least.precision === undefined) {
      const found = `${least.all.total} calibration votes reach ${least.votes} of ${samples}`;
      return { level, ...least, reason: `uncalibrated: ${found}, fewer than ${LEAST_EVIDENCE}` };
    }
    if (asked === 0) return { level, ...least, reason: `no precision is asked for${where}` };
    const i = tried.findIndex(({ precision }) => precision! >= asked - SLACK);
    if (i < 0) {
      const strictest = tried.at(-1)!;
      const best = strictest.precision!.toFixed(3);
      return {
        level,
        ...strictest,
        reason: `no number of votes reaches a precision of ${asked}${where}: ${best} at ${steps.at(-1)!.votes} of ${samples}`,
      };
    }
    const taken = tried[i]!;
    const { votes, lead } = steps[i]!;
    const evidenceText = `${taken.here.right} of ${taken.here.total} right${where}, ${taken.all.right} of ${taken.all.total} at all`;
    return {
      level,
      votes,
      lead,
      ...taken,
      reason: `a precision of ${asked} needs ${votes} votes and a lead of ${lead}${where}: estimated ${taken.precision!.toFixed(3)} (${evidenceText})`,
    };
  });
}

/** Right and all by number of votes, most votes first. */
export function precisionByVotes(
  votes: readonly CalibrationVote[],
): { votes: number; right: number; total: number }[] {
  const byVotes = Map.groupBy(votes, (one) => one.votes);
  return [...byVotes].sort(([a], [b]) => b - a).map(([count, same]) => ({ votes: count, ...counted(same) }));
}
