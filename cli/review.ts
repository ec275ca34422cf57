/** Human review from the terminal: one item at a time, decisions stored at once, the iteration told at the end. */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { Db } from '../db/connect.ts';
import { decide, undo, type Judgement } from '../db/review-decisions.ts';
import {
  claim,
  findReviews,
  listReviews,
  openCounts,
  release,
  reviewDetails,
  type ListedReview,
  type Review,
  type ReviewDetails,
} from '../db/reviews.ts';
import { iterationContext } from '../activities/context.ts';
import { findCorrection, type Correction } from '../activities/corrections.ts';
import { iterationWorkflowId } from '../workflows/names.ts';
import { keysLine, reviewLines } from './render-review.ts';

/** Who decides, and the session that holds claims: two sessions of one person never get the same item. */
export type Who = { reviewer: string; holder: string };

/** Where a session reads and writes: a terminal, or a test's script. */
export type SessionIo = {
  write(line: string): void;
  /** The next key pressed. `q` when the input has ended. */
  key(): Promise<string>;
  /** A line of text. */
  ask(question: string): Promise<string>;
};

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
  const context = await iterationContext(db, review.iterationId);
  const wanted = given.answer.trim();
  if (!wanted) return { id, problem: 'a correction needs an answer' };
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

/** What becomes of a correction. */
const fateOf = (source: Correction['source']) =>
  'untrainable' in source
    ? `stored as a correction only, nothing is trained on it: ${source.untrainable}`
    : 'becomes an example marked human';

/** What will become of a correction that is stored already. */
export async function correctionFate(db: Db, { review, sample }: ReviewDetails): Promise<string> {
  const context = await iterationContext(db, review.iterationId);
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

/**
 * Goes through what waits, one key per decision. The iteration is told when the session ends, so that the last
 * decision can be taken back as well.
 *
 * @returns how many were decided, and in which iterations
 */
export async function reviewSession(
  db: Db,
  runId: string,
  who: Who,
  io: SessionIo,
): Promise<{ decided: number; iterations: Set<number> }> {
  const done: ReviewDetails[] = [];
  const iterations = new Set<number>();
  let skipped: number[] = [];
  let current: Review | undefined;

  async function undoLast(): Promise<void> {
    const last = done.at(-1);
    if (!last) return io.write('There is nothing to undo.');
    if (!(await undo(db, last.review.id, who)))
      return io.write('Too late: its iteration has gone on with the decision.');
    done.pop();
    if (current) await release(db, who.holder, [current.id]);
    [current] = await findReviews(db, runId, [last.review.id]);
  }

  /** What is left when nothing is to be shown. False: the session ends. */
  async function atTheEnd(): Promise<boolean> {
    const { open } = await openCounts(db, runId);
    const others = open - skipped.length;
    io.write(open === 0 ? 'Everything is decided.' : `${open} ${open === 1 ? 'item waits' : 'items wait'}.`);
    if (others > 0) io.write(`${others} of them: other reviewers are looking at them.`);
    io.write(
      [
        ...(skipped.length > 0 ? [`b back to the ${skipped.length} skipped`] : []),
        'u undo the last',
        'q done',
      ].join('   '),
    );
    for (;;) {
      const key = await io.key();
      if (key === 'q' || key === 'return') return false;
      if (key === 'b' && skipped.length > 0) {
        skipped = [];
        return true;
      }
      if (key === 'u') {
        await undoLast();
        return true;
      }
    }
  }

  try {
    for (;;) {
      current ??= await claim(db, runId, who.holder, skipped);
      if (!current) {
        if (!(await atTheEnd())) break;
        continue;
      }
      const details = await reviewDetails(db, current);
      const { open, total } = await openCounts(db, runId);
      for (const line of reviewLines(details, { open, total })) io.write(line);
      io.write(keysLine);
      const key = await io.key();
      let outcome: Decided | undefined;
      if (key === 'a' || key === 'r') {
        const decision = key === 'a' ? 'accept' : 'reject';
        outcome = await judge(db, runId, current.id, { decision }, who);
        if (!outcome.problem) io.write(decision === 'accept' ? '→ accepted' : '→ rejected');
      } else if (key === 'e') {
        const answer = await io.ask('the right answer (empty: none of this): ');
        if (answer.trim() === '') continue;
        const text = await io.ask('your own steps to it, \\n for a new line (empty: none): ');
        const rationale = text.trim() === '' ? undefined : text.replaceAll('\\n', '\n');
        outcome = await correct(db, runId, current.id, { answer, rationale }, who);
        if (!outcome.problem) io.write(`→ corrected: ${outcome.note}`);
      } else if (key === 's') {
        skipped.push(current.id);
        await release(db, who.holder, [current.id]);
        current = undefined;
      } else if (key === 'u') await undoLast();
      else if (key === 'q') break;
      if (!outcome) continue;
      if (outcome.problem) {
        io.write(`✗ ${outcome.problem}`);
        // A correction that can't be is asked again; an item that another has decided is gone.
        const [now] = await findReviews(db, runId, [current!.id]);
        if (key !== 'e' || now?.decision) current = undefined;
      } else {
        done.push(details);
        iterations.add(details.iteration.index);
        current = undefined;
      }
    }
  } finally {
    await release(db, who.holder);
  }
  return { decided: done.length, iterations };
}
