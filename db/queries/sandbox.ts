/** What checks in the sandbox found, and what they are about: samples, and answers to held-out problems. */
import { and, asc, eq, gte, inArray, isNotNull, isNull, lt, lte, sql } from 'drizzle-orm';
import { insertNew } from '../insert-new.ts';
import { drawn } from './samples.ts';
import { notRevoked } from './revocations.ts';
import type { Found } from '../../sandbox/finding.ts';
import type { Db } from '../connect.ts';
import {
  benchmarkItems,
  evaluationItems,
  examples,
  iterations,
  prompts,
  sandboxResults,
  samples,
  verifications,
} from '../schema.ts';
import type { Span } from './prompts.ts';

export type SandboxResult = typeof sandboxResults.$inferSelect;

/** What is known of some checks, by digest. */
export async function resultsOf(db: Db, digests: readonly string[]): Promise<Map<string, SandboxResult>> {
  if (digests.length === 0) return new Map();
  const rows = await db
    .select()
    .from(sandboxResults)
    .where(inArray(sandboxResults.digest, [...digests]));
  return new Map(rows.map((row) => [row.digest, row]));
}

/** Stores what came of checks; of equal ones the first stays. */
export async function addResults(db: Db, rows: (typeof sandboxResults.$inferInsert)[]): Promise<void> {
  await insertNew(db, sandboxResults, rows);
}

export type NewVerification = typeof verifications.$inferInsert & { behaviour?: string };

/** Stores what was found of samples, and what they do where they vote by it. Safe to repeat: the first stays. */
export async function addVerifications(db: Db, rows: readonly NewVerification[]): Promise<void> {
  if (rows.length === 0) return;
  await db.transaction(async (tx) => {
    await tx
      .insert(verifications)
      .values(rows.map(({ behaviour: _behaviour, ...row }) => row))
      .onConflictDoNothing();
    const doing = Map.groupBy(rows, ({ behaviour }) => behaviour);
    for (const [behaviour, same] of doing) {
      if (behaviour === undefined) continue;
      const ids = same.map(({ sampleId }) => sampleId);
      await tx
        .update(samples)
        .set({ behaviour })
        .where(and(inArray(samples.id, ids), isNull(samples.behaviour)));
    }
  });
}

/** Answers to some items of a benchmark that the sandbox has not graded yet. */
export async function ungradedItems(db: Db, evaluationId: number, { first, count }: Span) {
  return db
    .select({
      itemId: evaluationItems.itemId,
      key: benchmarkItems.key,
      text: benchmarkItems.text,
      rationale: evaluationItems.rationale,
      answer: evaluationItems.answer,
    })
    .from(evaluationItems)
    .innerJoin(benchmarkItems, eq(benchmarkItems.id, evaluationItems.itemId))
    .where(
      and(
        eq(evaluationItems.evaluationId, evaluationId),
        isNull(evaluationItems.correct),
        isNotNull(evaluationItems.answer),
        gte(benchmarkItems.position, first),
        lt(benchmarkItems.position, first + count),
      ),
    )
    .orderBy(asc(benchmarkItems.position));
}

/** Stores how answers were graded. Safe to repeat: what is graded stays. */
export async function gradeItems(
  db: Db,
  evaluationId: number,
  rows: readonly { itemId: number; correct: boolean; resultDigest: string | null }[],
): Promise<void> {
  await db.transaction(async (tx) => {
    for (const { itemId, ...graded } of rows) {
      await tx
        .update(evaluationItems)
        .set(graded)
        .where(
          and(
            eq(evaluationItems.evaluationId, evaluationId),
            eq(evaluationItems.itemId, itemId),
            isNull(evaluationItems.correct),
          ),
        );
    }
  });
}

/** What was found of a run's samples, and of how many. The reason is told where it has no word. */
export async function verificationsFound(db: Db, runId: string): Promise<(Found & { samples: number })[]> {
  const { ok, finding } = verifications;
  const reason = sql<string>`case when ${finding} is null then ${verifications.reason} else '' end`;
  return db
    .select({ ok, finding, reason, samples: sql<number>`count(*)::int` })
    .from(verifications)
    .innerJoin(samples, eq(samples.id, verifications.sampleId))
    .innerJoin(prompts, eq(prompts.id, samples.promptId))
    .innerJoin(iterations, eq(iterations.id, prompts.iterationId))
    .where(and(eq(iterations.runId, runId), drawn()))
    .groupBy(ok, finding, reason);
}

/**
 * Answers of a run that do not hold, a few of each finding, the same for every reader and chosen by nobody. What was stored without one is
 * told apart by how its reason begins.
 */
export async function someRejectedAnswers(db: Db, runId: string, ofEach: number, most: number) {
  const { ok, finding, reason } = verifications;
  const alike = sql`coalesce(${finding}, left(${reason}, 9))`;
  const ranked = db
    .select({
      sampleId: sql<number>`${samples.id}`.as('sample_id'),
      key: prompts.key,
      ok,
      finding,
      reason,
      place: sql<number>`row_number() over (partition by ${alike} order by md5(${samples.id}::text))`.as(
        'place',
      ),
    })
    .from(verifications)
    .innerJoin(samples, eq(samples.id, verifications.sampleId))
    .innerJoin(prompts, eq(prompts.id, samples.promptId))
    .innerJoin(iterations, eq(iterations.id, prompts.iterationId))
    .where(and(eq(iterations.runId, runId), drawn(), sql`${ok} is not true`))
    .as('ranked');
  return db
    .select({
      sampleId: ranked.sampleId,
      key: ranked.key,
      ok: ranked.ok,
      finding: ranked.finding,
      reason: ranked.reason,
      rationale: samples.rationale,
    })
    .from(ranked)
    .innerJoin(samples, eq(samples.id, ranked.sampleId))
    .where(lte(ranked.place, ofEach))
    .orderBy(asc(ranked.place), asc(ranked.sampleId))
    .limit(most);
}

/** The first accepted sample of each problem of a run, with what the sandbox said of it; none that was revoked. */
export async function acceptedFixes(db: Db, runId: string) {
  return db
    .selectDistinctOn([prompts.key], {
      key: prompts.key,
      prompt: prompts.text,
      sampleId: samples.id,
      exampleId: examples.id,
      rationale: samples.rationale,
      reason: verifications.reason,
    })
    .from(examples)
    .innerJoin(samples, eq(samples.id, examples.sampleId))
    .innerJoin(prompts, eq(prompts.id, examples.promptId))
    .innerJoin(verifications, eq(verifications.sampleId, samples.id))
    .where(and(eq(examples.runId, runId), notRevoked))
    .orderBy(asc(prompts.key), asc(examples.id));
}
