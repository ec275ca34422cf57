import type { Db } from '../../db/connect.ts';
import { decide, decideRest } from '../../db/queries/review-decisions.ts';
import { anyDecided, keptOut } from '../../db/queries/review-outcomes.ts';
import {
  addReviews,
  findReviews,
  openCounts,
  reviewable,
  reviewCounts,
  type Review,
} from '../../db/queries/reviews.ts';
import type { MessageArgs } from '../../loop/control.ts';
import type { ReviewSettings } from '../../loop/review-input.ts';
import { asksForReview, chooseReviews, keepRule, tooManyRejected } from '../../loop/review.ts';
import { iterationContext, type Deps } from '../../engine/context.ts';
import { settleReviews } from '../../engine/corrections.ts';

/** What a dataset must leave out because of reviewers, and why there must be none, if so. */
export async function whatReviewersSay(
  db: Db,
  iterationId: number,
  runId: string,
  settings: ReviewSettings,
): Promise<{ out: ReadonlySet<number>; nothing?: string }> {
  // Corrections from production are decisions too, whether or not a run asks its reviewers.
  if (!asksForReview(settings) && !(await anyDecided(db, runId))) return { out: new Set() };
  await settleReviews(db, runId);
  const tooMany = tooManyRejected(await reviewCounts(db, iterationId), settings);
  return {
    out: await keptOut(db, runId, keepRule(settings)),
    nothing: tooMany && `${tooMany}, so nothing was trained`,
  };
}

const PAST = { accept: 'accepted', reject: 'rejected', correct: 'corrected' } as const;

/** Why an item was not decided as asked. */
function heldBy({ id, decision, reviewer, claimedBy }: Review): string {
  if (decision) return `item ${id} was ${PAST[decision]} by ${reviewer} already`;
  return claimedBy ? `item ${id} is with ${claimedBy}` : `the iteration of item ${id} is over`;
}

/**
 * Puts what the settings ask for to reviewers, once, and says for how many decisions the iteration still has to
 * wait: none when too many were rejected, since the rest can't mend that.
 *
 * Reads: examples and doubtful samples, reviews. Writes: review items. Safe to repeat: they are chosen once per iteration.
 */
export async function openReviews(
  { db }: Deps,
  { iterationId }: { iterationId: number },
): Promise<{ waiting: number }> {
  const { iteration, run, settings } = await iterationContext(db, iterationId);
  // The control arm learns from no pseudo-label.
  if (settings.experiment === 'control') return { waiting: 0 };
  let counts = await reviewCounts(db, iterationId);
  if (counts.total === 0) {
    const { accepted, doubtful } = await reviewable(db, iterationId);
    const seed = `${run.id}/${iteration.plan.seed}`;
    const items = chooseReviews(accepted, doubtful, settings.review, iteration.index, seed);
    await addReviews(db, run.id, iterationId, items);
    counts = await reviewCounts(db, iterationId);
  }
  if (!settings.review.required || tooManyRejected(counts, settings.review)) return { waiting: 0 };
  return { waiting: counts.waiting };
}

/**
 * What the messages `approveReview` and `rejectReview` ask for.
 *
 * Reads: review items. Writes: decisions. Safe to repeat: an item is decided once, and one by the same sender counts again.
 */
export async function decideReviews(
  { db }: Deps,
  {
    runId,
    decision,
    args,
  }: {
    runId: string;
    decision: 'accept' | 'reject';
    args: MessageArgs;
  },
): Promise<{ answer: string } | { impossible: string }> {
  const judgement = { decision, note: args.reason };
  const reviewer = args.by ?? 'a message';
  const { items } = args;
  let count: number;
  let elsewhere = '';
  if (items) {
    const known = (await findReviews(db, runId, items)).map((one) => one.id);
    const unknown = items.filter((id) => !known.includes(id));
    if (unknown.length > 0) return { impossible: `run ${runId} has no review item ${unknown.join(', ')}` };
    await decide(db, runId, items, judgement, { reviewer });
    const found = await findReviews(db, runId, items);
    // One that this message decided on an earlier try counts as well.
    const others = found.filter((one) => one.decision !== decision || one.reviewer !== reviewer);
    count = found.length - others.length;
    const held = others.map(heldBy).join('; ');
    if (count === 0) return { impossible: held };
    if (held) elsewhere = `; ${held}`;
  } else {
    count = (await decideRest(db, runId, judgement, reviewer)).length;
  }
  const { open, total } = await openCounts(db, runId);
  if (!items && count === 0 && total === 0) return { impossible: 'nothing waits for review' };
  const unseen = items ? '' : ' unseen';
  return {
    answer: `${PAST[decision]} ${count} ${count === 1 ? 'item' : 'items'}${unseen}; ${open} wait${elsewhere}`,
  };
}
