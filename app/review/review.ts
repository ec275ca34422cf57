/** Human review: what a reviewer may do with one item, stored at once, and how its iteration hears of it. */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { Db } from '../../db/connect.ts';
import { decide, undo, type Judgement } from '../../db/queries/review-decisions.ts';
import {
  findReviews,
  listReviews,
  reviewDetails,
  type ListedReview,
  type ReviewDetails,
} from '../../db/queries/reviews.ts';
import { iterationContext, type IterationContext } from '../../engine/context.ts';
import { findCorrection, type Correction } from '../../engine/corrections.ts';
import { TaskIsCodeError } from '../../tasks/module.ts';
import { iterationWorkflowId } from '../../workflows/names.ts';

/** Who decides, and the session that holds claims: two sessions of one person never get the same item. */
export type Who = { reviewer: string; holder: string };

export type Decided = { id: number; problem?: string; note?: string };

/**
 * Corrects the answer of an item. The answer is spelled as the task spells it, where a sample shows how.
 *
 * @returns `problem`: nothing was stored, and why; `note`: what becomes of the correction
 */
export async function correct(
  db: Db,
  runId: string,
  id: number,
  given: { answer: string; rationale?: string; note?: string },
  who: Who,
): Promise<Decided> {
  const [review] = await findReviews(db, runId, [id]);
  if (!review) return { id, problem: `run ${runId} has no review item ${id}` };
  const { sample } = await reviewDetails(db, review);
  const wanted = given.answer.trim();
  if (!wanted) return { id, problem: 'a correction needs an answer' };
  const context = await contextIfRunnable(db, review.iterationId);
  if (typeof context === 'string')
    return correctUnread(db, runId, id, { ...given, answer: wanted }, who, context);
  if (
    given.rationale === undefined &&
    sample.answer !== null &&
    context.task.sameAnswer(sample.answer, wanted)
  ) {
    return {
      id,
      problem: `${wanted} is the answer of item ${id} already: accept it, reject it, or write a rationale`,
    };
  }
  const { answer, source } = await findCorrection(db, context, sample, wanted, given.rationale);
  if (given.rationale !== undefined && 'untrainable' in source) return { id, problem: source.untrainable };
  const outcome = await judge(
    db,
    runId,
    id,
    { decision: 'correct', answer, rationale: given.rationale, note: given.note },
    who,
  );
  return outcome.problem ? outcome : { id, note: fateOf(source) };
}

/** A text: why the task's code can't be run here. What is decided without it, the workers look at. */
async function contextIfRunnable(db: Db, iterationId: number): Promise<IterationContext | string> {
  try {
    return await iterationContext(db, iterationId);
  } catch (error) {
    if (error instanceof TaskIsCodeError) return error.message;
    throw error;
  }
}

/** Stores a correction that only the task's code can read; one with steps must be read before it may train. */
async function correctUnread(
  db: Db,
  runId: string,
  id: number,
  { answer, rationale, note }: { answer: string; rationale?: string; note?: string },
  who: Who,
  why: string,
): Promise<Decided> {
  if (rationale !== undefined) return { id, problem: `your steps can't be checked here: ${why}` };
  const outcome = await judge(db, runId, id, { decision: 'correct', answer, note }, who);
  return outcome.problem ? outcome : { id, note: LATER };
}

const LATER = 'stored; the workers look whether a sample gives it in sound steps';

/** What becomes of a correction. */
const fateOf = (source: Correction['source']) =>
  'untrainable' in source
    ? `stored as a correction only, nothing is trained on it: ${source.untrainable}`
    : 'becomes an example marked human';

/** What will become of a correction that is stored already. */
export async function correctionFate(db: Db, { review, sample }: ReviewDetails): Promise<string> {
  const context = await contextIfRunnable(db, review.iterationId);
  if (typeof context === 'string') return LATER;
  const { correctedAnswer, correctedRationale } = review;
  const { source } = await findCorrection(
    db,
    context,
    sample,
    correctedAnswer!,
    correctedRationale ?? undefined,
  );
  return fateOf(source);
}

/** Decides one item; `problem` says why it could not be. */
export async function judge(
  db: Db,
  runId: string,
  id: number,
  judgement: Judgement,
  who: Who,
): Promise<Decided> {
  const [decided] = await decide(db, runId, [id], judgement, who);
  if (decided) return { id };
  const [found] = await listReviews(db, runId, [id]);
  return { id, problem: whyNot(found, runId, id) };
}

function whyNot(found: ListedReview | undefined, runId: string, id: number): string {
  if (!found) return `run ${runId} has no review item ${id}`;
  const { decision, reviewer, claimedBy } = found.review;
  if (decision) return `item ${id} has been decided already (${decision}, ${reviewer})`;
  return found.open
    ? `${claimedBy ?? 'somebody'} is looking at item ${id}`
    : `the iteration of item ${id} is decided already`;
}

/** Takes back a reviewer's own decision; `problem` says why it can't be. Without `holder` nobody has the item then. */
export async function takeBack(
  db: Db,
  runId: string,
  id: number,
  who: { reviewer: string; holder?: string },
): Promise<Decided> {
  const [found] = await listReviews(db, runId, [id]);
  if (!found) return { id, problem: `run ${runId} has no review item ${id}` };
  if (await undo(db, id, who)) return { id, note: 'taken back' };
  const { decision, reviewer } = found.review;
  if (!decision) return { id, problem: `item ${id} has not been decided` };
  return {
    id,
    problem:
      reviewer === who.reviewer
        ? `too late: the iteration of item ${id} has gone on with the decision`
        : `item ${id} was decided by ${reviewer}: only who decided takes it back`,
  };
}

/** Tells iterations that decisions are there. One that is not waiting any more needs no message. */
export async function tellIterations(
  client: Client,
  runId: string,
  indices: Iterable<number>,
): Promise<void> {
  for (const index of new Set(indices)) {
    try {
      await client.workflow.getHandle(iterationWorkflowId(runId, index)).signal('reviewed');
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
  }
}
