/** Human review: what is put to reviewers, and what their decisions say of the rest. Pure. */
import type { ReviewSettings } from './review-input.ts';
import { random, sample, shuffle } from './random.ts';

export type Reviewable = { sampleId: number; promptId: number };
export type ReviewItem = {
  sampleId: number;
  reason: 'first-iterations' | 'audit' | 'disagreement';
  audit: boolean;
};

/** Does a run with these settings ask for any review? One that was stored before there were any does not. */
export function asksForReview(settings: ReviewSettings | undefined): boolean {
  return (
    settings !== undefined && (settings.iterations > 0 || settings.auditShare > 0 || settings.disagreements)
  );
}

/**
 * What an iteration puts to reviewers, in the order in which they see it. The audit is a simple random sample of the
 * accepted pseudo-labels (one example each); what is over the limit goes first from disagreements, then from second
 * examples of one prompt, never from the audit before those.
 *
 * @param examples accepted by the gates, in any order
 * @param doubtful samples about which the gates disagree
 */
export function chooseReviews(
  examples: readonly Reviewable[],
  doubtful: readonly Reviewable[],
  settings: ReviewSettings,
  index: number,
  seed: string,
): ReviewItem[] {
  const next = random(`${seed}/review`);
  const byPrompt = [...Map.groupBy(inOrder(examples), (one) => one.promptId).values()].map((own) =>
    shuffle(next, own),
  );
  // 0.1 × 30 is a little over 3.
  const audited = Math.ceil(settings.auditShare * byPrompt.length - 1e-9);
  const audit = sample(next, byPrompt, audited).map((own) => own[0]!);
  const everything = index <= settings.iterations;
  const auditIds = new Set(audit.map((one) => one.sampleId));
  const ranked = byPrompt.flatMap((own) => own.map((one, rank) => ({ one, rank })));
  const rest = shuffle(
    next,
    ranked.filter(({ one }) => !auditIds.has(one.sampleId)),
  ).toSorted((a, b) => a.rank - b.rank);
  const chosen: ReviewItem[] = audit.map(({ sampleId }) => ({
    sampleId,
    reason: everything ? 'first-iterations' : 'audit',
    audit: true,
  }));
  if (everything) {
    chosen.push(
      ...rest.map(({ one }) => ({
        sampleId: one.sampleId,
        reason: 'first-iterations' as const,
        audit: false,
      })),
    );
  }
  if (settings.disagreements) {
    const taken = new Set(chosen.map((one) => one.sampleId));
    const perPrompt = [...Map.groupBy(inOrder(doubtful), (one) => one.promptId).values()].map(
      (own) => own[0]!,
    );
    chosen.push(
      ...shuffle(
        next,
        perPrompt.filter(({ sampleId }) => !taken.has(sampleId)),
      ).map(({ sampleId }) => ({ sampleId, reason: 'disagreement' as const, audit: false })),
    );
  }
  // Mixed, so that the first decisions speak for all.
  return shuffle(next, chosen.slice(0, settings.maxPerIteration));
}

const inOrder = (items: readonly Reviewable[]) => items.toSorted((a, b) => a.sampleId - b.sampleId);

/** Fewer decisions than this say too little to stop an iteration. */
export const LEAST_DECIDED = 10;

/** Where only what a reviewer accepted is used: up to this iteration, and wherever too many were rejected. */
export type KeepRule = { strictUpTo: number; maxRejectedShare: number; leastDecided: number };

export function keepRule({ required, iterations, maxRejectedShare }: ReviewSettings): KeepRule {
  return { strictUpTo: required ? iterations : 0, maxRejectedShare, leastDecided: LEAST_DECIDED };
}

/** Decisions about what the gates had accepted. A correction is a rejection of what stood there. */
export type ReviewTally = { accepted: number; rejected: number };

/** Why an iteration must not be trained; undefined while it may. */
export function tooManyRejected(
  { accepted, rejected }: ReviewTally,
  { maxRejectedShare }: ReviewSettings,
): string | undefined {
  const decided = accepted + rejected;
  if (decided < LEAST_DECIDED || rejected <= maxRejectedShare * decided + 1e-9) return undefined;
  const share = (100 * rejected) / decided;
  return `reviewers rejected ${rejected} of ${decided} (${percent(share)}), more than ${percent(100 * maxRejectedShare)}`;
}

const percent = (value: number) => `${Number(value.toFixed(1))} %`;
