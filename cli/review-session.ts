/** Human review at a terminal: one item at a time, one key per decision. */
import { correct, judge, type Decided, type Who } from '../app/review/review.ts';
import type { Db } from '../db/connect.ts';
import { undo } from '../db/queries/review-decisions.ts';
import {
  claim,
  findReviews,
  openCounts,
  release,
  reviewDetails,
  type Review,
  type ReviewDetails,
} from '../db/queries/reviews.ts';
import { keysLine, reviewLines } from './render/review.ts';

/** Where a session reads and writes: a terminal, or a test's script. */
export type SessionIo = {
  write(line: string): void;
  /** The next key pressed. `q` when the input has ended. */
  key(): Promise<string>;
  /** A line of text. */
  ask(question: string): Promise<string>;
};

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
