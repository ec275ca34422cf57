/** What the review pages show, brought together. */
import { createSampleReader } from '../app/lineage/sample.ts';
import type { SandboxWhy } from '../app/lineage/sandboxed.ts';
import { correctionFate } from '../app/review/review.ts';
import type { Db } from '../db/connect.ts';
import {
  answerTally,
  goneOn,
  lastDecision,
  reviewedIteration,
  reviewItem,
  whoElse,
  type AnswerCount,
  type LastDecision,
} from '../db/queries/review-queue.ts';
import { reviewCounts, reviewDetails, type Review, type ReviewDetails } from '../db/queries/reviews.ts';
import { getIteration } from '../db/queries/iterations.ts';
import type { RunRow } from '../db/queries/report.ts';
import { tooManyRejected } from '../loop/review.ts';

/** How the review of an iteration stands, seen from one browser. */
export type Standing = {
  run: RunRow;
  iterationId: number;
  index: number;
  total: number;
  decided: number;
  /** Of those that count against the limit. */
  accepted: number;
  rejected: number;
  /** Why it is not trained whatever the rest says. */
  tooMany: string | undefined;
  goneOn: boolean;
  /** Items of the run that this browser could have now. */
  free: number;
  /** Sessions that look at other items. */
  others: string[];
  last: LastDecision | undefined;
  /** What becomes of the last decision, if that was a correction. */
  fate: string | undefined;
};

/** @param iterationId whose review; left out: the one that is under way. Undefined where nothing was put to people. */
export async function standingOf(
  db: Db,
  run: RunRow,
  holder: string,
  iterationId?: number,
): Promise<Standing | undefined> {
  const id = iterationId ?? (await reviewedIteration(db, run.id));
  if (id === undefined) return undefined;
  const [counts, on, last, { free, others }, { index }] = await Promise.all([
    reviewCounts(db, id),
    goneOn(db, id),
    lastDecision(db, run.id, holder),
    whoElse(db, run.id, holder),
    getIteration(db, id),
  ]);
  const corrected = last?.review.decision === 'correct' && last.undoable;
  return {
    run,
    iterationId: id,
    index,
    total: counts.total,
    decided: counts.total - counts.waiting,
    accepted: counts.accepted,
    rejected: counts.rejected,
    tooMany: tooManyRejected(counts, run.settings.review),
    goneOn: on,
    free,
    others,
    last,
    fate: corrected ? await correctionFate(db, await reviewDetails(db, last.review)) : undefined,
  };
}

/** Does the iteration wait for nothing more? */
export const isOver = ({ total, decided, tooMany }: Standing) => decided === total || tooMany !== undefined;

/** What this browser can do with an item. */
type ItemState =
  | { kind: 'mine' }
  | { kind: 'free' }
  | { kind: 'elsewhere'; holder: string }
  | { kind: 'decided'; review: Review; undoable: boolean }
  | { kind: 'over' };

export type ItemData = ReviewDetails & { state: ItemState; tally: AnswerCount[]; sandbox?: SandboxWhy };

export async function itemData(
  db: Db,
  runId: string,
  id: number,
  { reviewer, holder }: { reviewer: string; holder: string },
): Promise<ItemData | undefined> {
  const found = await reviewItem(db, runId, id);
  if (!found) return undefined;
  const { review, open, undoable, free } = found;
  const details = await reviewDetails(db, review);
  const tally = await answerTally(db, details.prompt.id);
  const state = ((): ItemState => {
    if (review.decision)
      return { kind: 'decided', review, undoable: undoable && review.reviewer === reviewer };
    if (!open) return { kind: 'over' };
    if (review.claimedBy === holder) return { kind: 'mine' };
    return free || review.claimedBy === null
      ? { kind: 'free' }
      : { kind: 'elsewhere', holder: review.claimedBy };
  })();
  const { sample } = details;
  const [why] = sample.behaviour === null ? [] : await createSampleReader(db)([sample.id]);
  return { ...details, state, tally, ...(why?.sandbox ? { sandbox: why.sandbox } : {}) };
}
