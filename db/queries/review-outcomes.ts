/** What follows from reviewers' decisions. */
import { and, asc, eq, inArray, isNotNull, sql, type SQL } from 'drizzle-orm';
import type { KeepRule } from '../../loop/review.ts';
import type { Db } from '../connect.ts';
import { isOpen, type Review } from './reviews.ts';
import { examples, gatewayFeedback, iterations, prompts, reviews, runs, samples } from '../schema.ts';

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

/**
 * Examples of a run that its reviewers keep out of every dataset. A rejected or corrected example goes, and with it what
 * else the same pseudo-label made, unless a reviewer accepted that himself; so does a `human` example whose decision was
 * taken back. What a correction from production made goes, and the same answer of whoever else, once the same person has sent another
 * answer. In the first iterations, and in those that had too many rejections, only what was accepted stays. Where
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
          bool_or(d.decision = 'accept') and bool_or(d.corrected_answer is not null and d.corrected_answer <> v.answer)),
      superseded as (select p.key, f.answer from decided d join ${prompts} p on p.id = d.prompt_id
        join ${gatewayFeedback} f on f.id = d.feedback_id where f.answer is distinct from (select l.answer from ${gatewayFeedback} l
          where l.stored_prompt_id = f.stored_prompt_id and l.by = f.by and l.use = 'example' and l.answer is not null
          order by l.id desc limit 1))
    select e.id::int as id from ${examples} e
      join ${iterations} i on i.id = e.iteration_id
      left join decided own on own.sample_id = e.sample_id
    where e.run_id = ${runId} ${asked} and case
      when e.given_id is not null then false
      when e.prompt_id in (select prompt_id from contested) then true
      when exists (select 1 from superseded x join ${prompts} q on q.key = x.key where q.id = e.prompt_id and x.answer = e.answer) then true
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

/** What a person decided about a prompt's text and a rationale, whichever sample of the task it stood in. */
export type EarlierDecision = {
  key: string;
  rationale: string;
  decision: NonNullable<Review['decision']>;
  reviewer: string;
  note: string | null;
};

/** Decisions about these prompts of a task, in all its runs, the newest of each rationale. None that was taken unseen. */
export async function earlierDecisions(db: Db, task: string, keys: string[]): Promise<EarlierDecision[]> {
  if (keys.length === 0) return [];
  const { rows } = await db.execute<EarlierDecision>(sql`
    select distinct on (p.key, s.rationale) p.key, s.rationale, r.decision, coalesce(r.reviewer, 'a reviewer') as reviewer, r.note
      from ${reviews} r join ${runs} u on u.id = r.run_id
      join ${samples} s on s.id = r.sample_id join ${prompts} p on p.id = s.prompt_id
      where u.task = ${task} and r.decision is not null and not r.bulk and ${inArray(sql`p.key`, keys)}
      order by p.key, s.rationale, r.decided_at desc, r.id desc`);
  return rows;
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
