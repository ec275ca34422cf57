/** What reviewers decide, and take back. */
import { and, eq, inArray, isNull, sql, type SQL } from 'drizzle-orm';
import type { Db } from '../connect.ts';
import { isFree, isOpen, isUndoable, type Review } from './reviews.ts';
import { reviews, samples, undoneReviews, verdicts } from '../schema.ts';

/** What a reviewer says of an item. */
export type Judgement =
  | { decision: 'accept' | 'reject'; note?: string }
  | { decision: 'correct'; answer: string; rationale?: string; note?: string };

type Tx = Pick<Db, 'insert' | 'update' | 'select' | 'delete'>;

/** The words of a human verdict. */
function reasonOf(review: Review, answer: string | null): string {
  const who = `by ${review.reviewer}${review.bulk ? ', unseen, with all that were left' : ''}`;
  const note = review.note ? `: ${review.note}` : '';
  if (review.decision === 'accept') return `accepted ${who}${note}`;
  if (review.decision === 'reject') return `rejected ${who}${note}`;
  return `corrected ${who}: ${review.correctedAnswer} instead of ${answer ?? 'no answer'}${note}`;
}

async function storeVerdicts(tx: Tx, decided: Review[]): Promise<void> {
  for (let i = 0; i < decided.length; i += 1000) {
    const page = decided.slice(i, i + 1000);
    const ids = page.map((one) => one.sampleId);
    const known = await tx
      .select({ id: samples.id, answer: samples.answer })
      .from(samples)
      .where(inArray(samples.id, ids));
    const answerOf = new Map(known.map((one) => [one.id, one.answer]));
    await tx
      .insert(verdicts)
      .values(
        page.map((one) => ({
          sampleId: one.sampleId,
          gate: 'human',
          outcome: one.decision === 'accept' ? ('pass' as const) : ('fail' as const),
          reason: reasonOf(one, answerOf.get(one.sampleId) ?? null),
          advisory: false,
        })),
      )
      .onConflictDoUpdate({
        target: [verdicts.sampleId, verdicts.gate],
        set: {
          outcome: sql`excluded.outcome`,
          reason: sql`excluded.reason`,
          advisory: sql`excluded.advisory`,
        },
      });
  }
}

/**
 * Decides items, each once, however many reviewers try; the verdicts of the gate `human` are stored with it.
 *
 * @param who.holder the session that has claimed them; items that another session holds are left alone
 * @returns those that this call decided
 */
export async function decide(
  db: Db,
  runId: string,
  ids: number[],
  judgement: Judgement,
  who: { reviewer: string; holder?: string },
): Promise<Review[]> {
  if (ids.length === 0) return [];
  return store(
    db,
    and(eq(reviews.runId, runId), inArray(reviews.id, ids), isFree(who.holder ?? null)),
    judgement,
    { ...who, bulk: false },
  );
}

/** Stores a decision that was made before anybody was asked: a correction from production. */
export async function addDecided(db: Db, row: typeof reviews.$inferInsert): Promise<void> {
  await db.transaction(async (tx) => {
    const added = await tx
      .insert(reviews)
      .values({ ...row, decidedAt: sql`now()` as unknown as Date })
      .onConflictDoNothing()
      .returning();
    await storeVerdicts(tx, added);
  });
}

/** Decides all that are left, unseen: that counts in no statistic. */
export async function decideRest(
  db: Db,
  runId: string,
  judgement: { decision: 'accept' | 'reject'; note?: string },
  reviewer: string,
): Promise<Review[]> {
  return store(db, eq(reviews.runId, runId), judgement, { reviewer, bulk: true });
}

async function store(
  db: Db,
  which: SQL | undefined,
  judgement: Judgement,
  { reviewer, holder, bulk }: { reviewer: string; holder?: string; bulk: boolean },
): Promise<Review[]> {
  const corrected = judgement.decision === 'correct' ? judgement : undefined;
  return db.transaction(async (tx) => {
    const decided = await tx
      .update(reviews)
      .set({
        decision: judgement.decision,
        correctedAnswer: corrected?.answer,
        correctedRationale: corrected?.rationale,
        note: judgement.note,
        reviewer,
        bulk,
        decidedAt: sql`now()`,
        ...(holder === undefined ? {} : { claimedBy: holder }),
      })
      .where(and(which, isNull(reviews.decision), isOpen))
      .returning();
    await storeVerdicts(tx, decided);
    return decided;
  });
}

/**
 * Takes back a reviewer's own decision, as long as nothing was made of it: false once a dataset may rest on it. What was
 * decided stays on record.
 *
 * @param who.holder a session that claims the item again; without one it is free
 */
export async function undo(
  db: Db,
  id: number,
  { reviewer, holder }: { reviewer: string; holder?: string },
): Promise<boolean> {
  return db.transaction(async (tx) => {
    const [was] = await tx
      .select()
      .from(reviews)
      .where(and(eq(reviews.id, id), eq(reviews.reviewer, reviewer), isUndoable))
      .for('update');
    if (!was) return false;
    const { decision, correctedAnswer, correctedRationale, note, bulk, decidedAt } = was;
    await tx.insert(undoneReviews).values({
      reviewId: id,
      decision: decision!,
      correctedAnswer,
      correctedRationale,
      note,
      bulk,
      reviewer,
      decidedAt: decidedAt!,
    });
    await tx
      .update(reviews)
      .set({
        decision: null,
        correctedAnswer: null,
        correctedRationale: null,
        note: null,
        reviewer: null,
        decidedAt: null,
        bulk: false,
        claimedBy: holder ?? null,
        claimedAt: holder === undefined ? null : sql`now()`,
      })
      .where(eq(reviews.id, id));
    await tx.delete(verdicts).where(and(eq(verdicts.sampleId, was.sampleId), eq(verdicts.gate, 'human')));
    return true;
  });
}
