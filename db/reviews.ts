/** Human review in the database: what is put to reviewers, who looks at it, what they decide, what follows. */
import { and, asc, eq, inArray, isNotNull, isNull, ne, sql, type SQL } from 'drizzle-orm';
import type { KeepRule, ReviewItem, ReviewTally } from '../loop/review.ts';
import type { Db } from './connect.ts';
import {
  critiques,
  examples,
  iterations,
  PLANTED_ROUND,
  prompts,
  reviews,
  runs,
  samples,
  undoneReviews,
  verdicts,
} from './schema.ts';

export type Review = typeof reviews.$inferSelect;

/** Somebody who looks at an item for longer has gone away. */
export const CLAIM_MINUTES = 15;

/** Puts items to reviewers, all or nothing; those that are there stay as they are. */
export async function addReviews(
  db: Db,
  runId: string,
  iterationId: number,
  items: ReviewItem[],
): Promise<void> {
  await db.transaction(async (tx) => {
    for (let i = 0; i < items.length; i += 1000) {
      await tx
        .insert(reviews)
        .values(items.slice(i, i + 1000).map((item) => ({ ...item, runId, iterationId })))
        .onConflictDoNothing();
    }
  });
}

/** Decisions of an iteration: all, those still missing, and what those about accepted samples say of the gates. */
export async function reviewCounts(
  db: Db,
  iterationId: number,
): Promise<ReviewTally & { total: number; waiting: number }> {
  const counted = sql`not ${reviews.bulk} and ${reviews.reason} not in ('disagreement', 'feedback')`;
  const [row] = await db
    .select({
      total: sql<number>`count(*)::int`,
      waiting: sql<number>`count(*) filter (where ${reviews.decision} is null)::int`,
      accepted: sql<number>`count(*) filter (where ${reviews.decision} = 'accept' and ${counted})::int`,
      rejected: sql<number>`count(*) filter (where ${reviews.decision} in ('reject', 'correct') and ${counted})::int`,
    })
    .from(reviews)
    .where(eq(reviews.iterationId, iterationId));
  return row!;
}

/** Accepted samples of unlabeled prompts, and samples whose answer the vote trusts while another gate does not. */
export async function reviewable(db: Db, iterationId: number) {
  const accepted = await db
    .select({ sampleId: examples.sampleId, promptId: examples.promptId })
    .from(examples)
    .where(and(eq(examples.iterationId, iterationId), inArray(examples.kind, ['vote', 'hard'])));
  const doubtful = await db
    .select({ sampleId: samples.id, promptId: samples.promptId })
    .from(samples)
    .innerJoin(prompts, eq(prompts.id, samples.promptId))
    .innerJoin(verdicts, and(eq(verdicts.sampleId, samples.id), eq(verdicts.gate, 'agreement')))
    .where(
      and(
        eq(prompts.iterationId, iterationId),
        eq(prompts.purpose, 'learn'),
        eq(verdicts.outcome, 'pass'),
        ne(samples.round, PLANTED_ROUND),
        sql`exists (select 1 from verdicts other where other.sample_id = ${samples.id}
          and other.gate not in ('agreement', 'human')
          and (other.outcome = 'fail' or (other.outcome = 'unscored' and not other.advisory)))`,
      ),
    );
  return { accepted, doubtful };
}

/**
 * Can it still be decided? Not once its iteration is decided, unless the run does not wait for reviewers. The table is
 * written out, since a query of one table would leave its name away, and the column would be another table's.
 */
export const isOpen = sql<boolean>`(not exists (select 1 from decisions d where d.iteration_id = reviews.iteration_id)
  or not coalesce((select (r.settings->'review'->>'required')::boolean from runs r where r.id = reviews.run_id), true))`;

/** Does nobody but `holder` look at it? */
export const isFree = (holder: string | null) =>
  sql<boolean>`(${reviews.claimedAt} is null or ${reviews.claimedBy} = ${holder}
    or ${reviews.claimedAt} < now() - make_interval(mins => ${CLAIM_MINUTES}))`;

/** Can a decision still be taken back? Not once a dataset of the run may rest on it, nor where it could not be made again. */
export const isUndoable = sql<boolean>`(${reviews.decision} is not null and ${isOpen} and not exists (
  select 1 from stages s join iterations i on i.id = s.iteration_id where i.run_id = reviews.run_id
  and s.name = 'adapt' and (s.finished_at is null or s.finished_at >= reviews.decided_at)))`;

/**
 * The next item for a reviewer's session (`holder`), which nobody else gets until it is decided, released or the claim
 * expires: the one that it holds already, else the first that is free. Undefined when nothing is left.
 *
 * @param skipped ids that this session has put off
 */
export async function claim(
  db: Db,
  runId: string,
  holder: string,
  skipped: number[] = [],
): Promise<Review | undefined> {
  const put = skipped.length > 0 ? sql`and ${reviews.id} not in ${skipped}` : sql``;
  const next = sql`(select ${reviews.id} from ${reviews} where ${reviews.runId} = ${runId}
    and ${reviews.decision} is null and ${isOpen} and ${isFree(holder)} ${put}
    order by ${reviews.claimedBy} is not distinct from ${holder} desc, ${reviews.id} limit 1 for update skip locked)`;
  const [claimed] = await db
    .update(reviews)
    .set({ claimedBy: holder, claimedAt: sql`now()` })
    .where(and(sql`${reviews.id} = ${next}`, isNull(reviews.decision)))
    .returning();
  return claimed;
}

/** Claims one item for a session. False when it is decided, over, or another session looks at it. */
export async function claimItem(db: Db, runId: string, id: number, holder: string): Promise<boolean> {
  const claimed = await db
    .update(reviews)
    .set({ claimedBy: holder, claimedAt: sql`now()` })
    .where(
      and(eq(reviews.runId, runId), eq(reviews.id, id), isNull(reviews.decision), isOpen, isFree(holder)),
    )
    .returning({ id: reviews.id });
  return claimed.length > 0;
}

/** Gives back what a session looked at without deciding. */
export async function release(db: Db, holder: string, ids?: number[]): Promise<void> {
  await db
    .update(reviews)
    .set({ claimedBy: null, claimedAt: null })
    .where(
      and(
        eq(reviews.claimedBy, holder),
        isNull(reviews.decision),
        ids ? inArray(reviews.id, ids) : undefined,
      ),
    );
}

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

/** Which of these samples a person was asked about, which corrections stand on them, and which are examples. */
export async function reviewedSamples(
  db: Db,
  sampleIds: number[],
): Promise<{ samples: Set<number>; feedback: Set<number>; examples: Set<number> }> {
  const rows = sampleIds.length
    ? await db
        .select({ sampleId: reviews.sampleId, feedbackId: reviews.feedbackId })
        .from(reviews)
        .where(inArray(reviews.sampleId, sampleIds))
    : [];
  const made = sampleIds.length
    ? await db
        .select({ sampleId: examples.sampleId })
        .from(examples)
        .where(inArray(examples.sampleId, sampleIds))
    : [];
  return {
    samples: new Set(rows.map((row) => row.sampleId)),
    feedback: new Set(rows.flatMap((row) => row.feedbackId ?? [])),
    examples: new Set(made.map((row) => row.sampleId)),
  };
}

/** Has a run any decision of a person? */
export async function anyDecided(db: Db, runId: string): Promise<boolean> {
  const [row] = await db
    .select({ id: reviews.id })
    .from(reviews)
    .where(and(eq(reviews.runId, runId), isNotNull(reviews.decision)))
    .limit(1);
  return row !== undefined;
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

export async function findReviews(db: Db, runId: string, ids: number[]): Promise<Review[]> {
  if (ids.length === 0) return [];
  return db.query.reviews.findMany({
    where: and(eq(reviews.runId, runId), inArray(reviews.id, ids)),
    orderBy: asc(reviews.id),
  });
}

/** A run's items, or some of them, with what is needed to list them, oldest first. */
export async function listReviews(db: Db, runId: string, ids?: number[]) {
  return db
    .select({
      review: reviews,
      iteration: iterations.index,
      prompt: prompts.text,
      answer: samples.answer,
      open: sql<boolean>`${reviews.decision} is null and ${isOpen}`,
      /** Decisions about it that were taken back. */
      takenBack: sql<number>`(select count(*) from ${undoneReviews} where ${undoneReviews.reviewId} = ${reviews.id})::int`,
    })
    .from(reviews)
    .innerJoin(iterations, eq(iterations.id, reviews.iterationId))
    .innerJoin(samples, eq(samples.id, reviews.sampleId))
    .innerJoin(prompts, eq(prompts.id, samples.promptId))
    .where(and(eq(reviews.runId, runId), ids ? inArray(reviews.id, ids) : undefined))
    .orderBy(asc(reviews.id));
}
export type ListedReview = Awaited<ReturnType<typeof listReviews>>[number];

/** Items of a run that wait for a reviewer, and all. */
export async function openCounts(db: Db, runId: string): Promise<{ open: number; total: number }> {
  const [row] = await db
    .select({
      open: sql<number>`count(*) filter (where ${reviews.decision} is null and ${isOpen})::int`,
      total: sql<number>`count(*)::int`,
    })
    .from(reviews)
    .where(eq(reviews.runId, runId));
  return row!;
}

/** Everything that a reviewer is shown of an item. */
export async function reviewDetails(db: Db, review: Review) {
  const sample = (await db.query.samples.findFirst({ where: eq(samples.id, review.sampleId) }))!;
  const prompt = (await db.query.prompts.findFirst({ where: eq(prompts.id, sample.promptId) }))!;
  const iteration = (await db.query.iterations.findFirst({ where: eq(iterations.id, review.iterationId) }))!;
  const vote = await db.query.votes.findFirst({ where: (v) => eq(v.promptId, prompt.id) });
  const found = await db.query.verdicts.findMany({
    where: eq(verdicts.sampleId, sample.id),
    orderBy: asc(verdicts.gate),
  });
  const said = await db
    .select({
      critic: critiques.critic,
      outcome: critiques.outcome,
      score: critiques.score,
      reason: critiques.reason,
    })
    .from(critiques)
    .where(eq(critiques.sampleId, sample.id))
    .orderBy(asc(critiques.id));
  return { review, sample, prompt, iteration, vote, verdicts: found, critiques: said };
}
export type ReviewDetails = Awaited<ReturnType<typeof reviewDetails>>;

/**
 * Examples of a run that its reviewers keep out of every dataset. A rejected or corrected example goes, and with it what
 * else the same pseudo-label made, unless a reviewer accepted that himself; so does a `human` example whose decision was
 * taken back. In the first iterations, and in those that had too many rejections, only what was accepted stays. Where
 * reviewers contradict each other about a prompt, nothing of it is used.
 *
 * @param among look at these examples only
 */
export async function keptOut(db: Db, runId: string, rule: KeepRule, among?: number[]): Promise<Set<number>> {
  const asked = among ? sql`and ${inArray(sql`e.id`, among)}` : sql``;
  const { rows } = await db.execute<{ id: number }>(sql`
    with decided as (select r.*, s.prompt_id from ${reviews} r join ${samples} s on s.id = r.sample_id
        where r.run_id = ${runId} and r.decision is not null),
      tally as (select iteration_id, count(*) as n, count(*) filter (where decision <> 'accept') as rejected
        from decided where not bulk and reason not in ('disagreement', 'feedback') group by iteration_id),
      stopped as (select iteration_id from tally
        where n >= ${rule.leastDecided} and rejected > ${rule.maxRejectedShare}::float8 * n + 1e-9),
      contested as (select d.prompt_id from decided d join votes v on v.prompt_id = d.prompt_id group by d.prompt_id
        having count(distinct d.corrected_answer) > 1 or
          bool_or(d.decision = 'accept') and bool_or(d.corrected_answer is not null and d.corrected_answer <> v.answer))
    select e.id::int as id from ${examples} e
      join ${iterations} i on i.id = e.iteration_id
      left join decided own on own.sample_id = e.sample_id
    where e.run_id = ${runId} ${asked} and case
      when e.given_id is not null then false
      when e.prompt_id in (select prompt_id from contested) then true
      when e.kind = 'human' then not exists (select 1 from decided d where d.prompt_id = e.prompt_id
        and (d.decision = 'accept' and d.sample_id = e.sample_id or d.corrected_answer = e.answer))
      when e.kind = 'rehearsal' then false
      when own.decision is not null then own.decision <> 'accept'
      else i.index <= ${rule.strictUpTo} or e.iteration_id in (select iteration_id from stopped)
        or exists (select 1 from decided d where d.prompt_id = e.prompt_id
          and (d.corrected_answer <> e.answer or d.decision = 'reject' and d.reason <> 'disagreement'))
      end`);
  return new Set(rows.map((row) => row.id));
}

/** Decisions that ask for an example and have none yet: corrections, and accepted samples that the gates had turned away. */
export async function unsettled(db: Db, runId: string): Promise<Review[]> {
  const rows = await db
    .select({ review: reviews })
    .from(reviews)
    .innerJoin(samples, eq(samples.id, reviews.sampleId))
    .where(
      and(
        eq(reviews.runId, runId),
        sql`case ${reviews.decision}
          when 'correct' then not exists (select 1 from examples e where e.prompt_id = ${samples.promptId}
            and e.kind = 'human' and e.answer = ${reviews.correctedAnswer})
          when 'accept' then not exists (select 1 from examples e where e.sample_id = ${samples.id})
          else false end`,
      ),
    )
    .orderBy(asc(reviews.id));
  return rows.map((row) => row.review);
}

/** Decisions by iteration, for the report. `audited` leaves out what was decided unseen. */
export async function reviewStatistics(db: Db, runId: string) {
  const n = (where: SQL) => sql<number>`count(*) filter (where ${where})::int`;
  const audited = sql`${reviews.audit} and not ${reviews.bulk}`;
  return db
    .select({
      iterationId: reviews.iterationId,
      iteration: iterations.index,
      total: sql<number>`count(*)::int`,
      waiting: n(sql`${reviews.decision} is null and ${isOpen}`),
      accepted: n(sql`${reviews.decision} = 'accept'`),
      rejected: n(sql`${reviews.decision} = 'reject'`),
      corrected: n(sql`${reviews.decision} = 'correct'`),
      unseen: n(sql`${reviews.bulk}`),
      audited: n(sql`${reviews.decision} is not null and ${audited}`),
      auditAccepted: n(sql`${reviews.decision} = 'accept' and ${audited}`),
    })
    .from(reviews)
    .innerJoin(iterations, eq(iterations.id, reviews.iterationId))
    .innerJoin(runs, eq(runs.id, reviews.runId))
    .where(eq(reviews.runId, runId))
    .groupBy(reviews.iterationId, iterations.index)
    .orderBy(asc(iterations.index));
}
