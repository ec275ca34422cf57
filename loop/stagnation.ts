/**
 * Does a run still get anywhere? A rolling buffer of decided iterations tells a plateau, a decline, and a collapse: the
 * model agrees with itself more while it gets worse on held-out problems, the mark of majority-vote training on its own
 * mistakes (Shafayat et al. 2025, "Can Large Reasoning Models Self-Train?", arXiv 2505.21444).
 */
import type { ImproveSettings } from './input.ts';
import type { StagnationKind } from './messages.ts';

/** One decided iteration, without any label of a training prompt. */
export type Turn = {
  index: number;
  decision: string;
  prompts: number;
  accepted: number;
  /** Mean agreement of the votes, 0…1. */
  agreement: number;
  /** Mean length of the accepted rationales, in tokens; undefined where nothing was accepted. */
  rationaleTokens?: number;
  /** Target accuracy of the best before it, and of the candidate; undefined where none was measured. */
  before?: number;
  after?: number;
};

export type Stagnation = { kind: StagnationKind; reason: string; numbers: Record<string, number> };

const rise = (first: Turn, last: Turn) => last.agreement - first.agreement;
const hasLength = (turn: Turn) => turn.rationaleTokens !== undefined;

/** How far the length of what is accepted has moved since it was first measured: |ln(now / then)|. */
function driftOf(turns: readonly Turn[], last: Turn): number | undefined {
  const then = turns.find(hasLength)?.rationaleTokens;
  const now = last.rationaleTokens;
  return then && now ? Math.abs(Math.log(now / then)) : undefined;
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

/**
 * @param turns decided iterations in order, oldest first; skipped ones are left out of account
 * @returns what is wrong over the last `window` iterations, the gravest first; undefined while the run gets on, or is too
 *   young to tell
 */
export function findStagnation(
  turns: readonly Turn[],
  settings: ImproveSettings['stagnation'],
): Stagnation | undefined {
  const seen = turns.filter((turn) => turn.decision !== 'skip').slice(-settings.window);
  if (seen.length < settings.window) return undefined;
  const first = seen[0]!;
  const last = seen.at(-1)!;
  const span = `over iterations ${first.index}–${last.index}`;

  const drift = driftOf(turns, last);
  if (drift !== undefined && drift > settings.maxDrift && rise(first, last) > 0) {
    const [from, to] = [turns.find(hasLength)!.rationaleTokens!, last.rationaleTokens!];
    return {
      kind: 'collapse',
      reason:
        `accepted rationales went from ${from.toFixed(0)} to ${to.toFixed(0)} tokens while agreement rose ` +
        `${first.agreement.toFixed(2)} → ${last.agreement.toFixed(2)} ${span}`,
      numbers: { drift, agreementRise: rise(first, last) },
    };
  }

  const measured = seen.filter((turn) => turn.before !== undefined && turn.after !== undefined);
  const losses = measured.map((turn) => turn.before! - turn.after!);
  const risen = rise(first, last);
  const oldest = measured[0];
  const newest = measured.at(-1);
  if (
    oldest &&
    newest &&
    oldest !== newest &&
    risen >= settings.agreementRise &&
    newest.after! < oldest.after!
  ) {
    return {
      kind: 'collapse',
      reason:
        `agreement rose ${first.agreement.toFixed(2)} → ${last.agreement.toFixed(2)} while candidates fell ` +
        `${percent(oldest.after!)} → ${percent(newest.after!)} on target ${span}`,
      numbers: { agreementRise: risen, candidateFall: oldest.after! - newest.after! },
    };
  }
  if (measured.length === seen.length && losses.every((loss) => loss > 0)) {
    return {
      kind: 'decline',
      reason: `every candidate was worse on target than what it should replace ${span}`,
      numbers: { meanLoss: losses.reduce((sum, loss) => sum + loss, 0) / losses.length },
    };
  }
  const gain = seen.reduce(
    (sum, turn) =>
      turn.decision === 'promote' && turn.before !== undefined && turn.after !== undefined
        ? sum + turn.after - turn.before
        : sum,
    0,
  );
  if (gain < settings.minGain) {
    return {
      kind: 'plateau',
      reason: `target gained ${percent(gain)} ${span}, less than ${percent(settings.minGain)}`,
      numbers: { gain, acceptedShare: last.prompts > 0 ? last.accepted / last.prompts : 0 },
    };
  }
  return undefined;
}
