import { and, asc, eq, gte, inArray, isNull, lt, ne, sql } from 'drizzle-orm';
import { insertNew } from '../insert-new.ts';
import type { Db } from '../connect.ts';
import { notRevoked } from './revocations.ts';
import {
  calibrationItems,
  critiques,
  examples,
  iterations,
  prompts,
  runs,
  samples,
  votes,
} from '../schema.ts';

export type StoredPrompt = typeof prompts.$inferSelect;
export type Vote = typeof votes.$inferSelect;

/** Stores prompts, and the known answers of those that have one, in one transaction. */
export async function addPrompts(
  db: Db,
  rows: (typeof prompts.$inferInsert & { answer?: string })[],
): Promise<void> {
  await db.transaction(async (tx) => {
    for (let i = 0; i < rows.length; i += 1000) {
      const page = rows.slice(i, i + 1000);
      const answers = new Map(page.map(({ position, answer }) => [position, answer]));
      const added = await tx
        .insert(prompts)
        .values(page.map(({ answer: _answer, ...row }) => row))
        .onConflictDoNothing()
        .returning({ promptId: prompts.id, position: prompts.position });
      const known = added.flatMap(({ promptId, position }) => {
        const answer = answers.get(position);
        return answer === undefined ? [] : [{ promptId, answer }];
      });
      await insertNew(tx, calibrationItems, known);
    }
  });
}

/** One page of an iteration's prompts, by position. */
export async function promptPage(
  db: Db,
  iterationId: number,
  first: number,
  count: number,
): Promise<StoredPrompt[]> {
  return db.query.prompts.findMany({
    where: and(
      eq(prompts.iterationId, iterationId),
      gte(prompts.position, first),
      lt(prompts.position, first + count),
    ),
    orderBy: asc(prompts.position),
  });
}

export async function countPrompts(
  db: Db,
  iterationId: number,
): Promise<{ learn: number; rehearse: number; calibrate: number }> {
  const rows = await db
    .select({ purpose: prompts.purpose, n: sql<number>`count(*)::int` })
    .from(prompts)
    .where(eq(prompts.iterationId, iterationId))
    .groupBy(prompts.purpose);
  const of = (purpose: string) => rows.find((row) => row.purpose === purpose)?.n ?? 0;
  return { learn: of('learn'), rehearse: of('rehearse'), calibrate: of('calibrate') };
}

/** The key under which a paraphrase is a rewrite. */
export const paraphraseKey = (index: number): string => `paraphrase ${index + 1}`;

/** Keys of the prompts that a run has learnt from already. What was revoked may be learnt again, properly. */
export async function acceptedKeys(db: Db, runId: string): Promise<Set<string>> {
  const rows = await db
    .selectDistinct({ key: prompts.key })
    .from(examples)
    .innerJoin(prompts, eq(prompts.id, examples.promptId))
    .innerJoin(samples, eq(samples.id, examples.sampleId))
    .where(and(eq(examples.runId, runId), eq(prompts.purpose, 'learn'), notRevoked));
  return new Set(rows.map((row) => row.key));
}

/** Keys of the prompts that any run of a task, this one included, has drawn to learn from, this iteration's own aside. */
export async function usedKeys(db: Db, task: string, iterationId: number): Promise<Set<string>> {
  const rows = await db
    .selectDistinct({ key: prompts.key })
    .from(prompts)
    .innerJoin(iterations, eq(iterations.id, prompts.iterationId))
    .innerJoin(runs, eq(runs.id, iterations.runId))
    .where(
      and(
        eq(runs.task, task),
        inArray(prompts.purpose, ['learn', 'given']),
        ne(prompts.iterationId, iterationId),
      ),
    );
  return new Set(rows.map((row) => row.key));
}

export async function addVotes(db: Db, rows: (typeof votes.$inferInsert)[]): Promise<void> {
  await db.transaction(async (tx) => {
    await insertNew(tx, votes, rows);
  });
}

/** Some of a list, counted from 0. */
export type Span = { first: number; count: number };

/** An iteration's prompts with their votes, in order of position, or some of them. What only calibrates is not among them. */
export async function votedPrompts(
  db: Db,
  iterationId: number,
  { first, count }: Partial<Span> = {},
): Promise<{ prompt: StoredPrompt; vote: Vote }[]> {
  const voted = db
    .select({ prompt: prompts, vote: votes })
    .from(prompts)
    .innerJoin(votes, eq(votes.promptId, prompts.id))
    .where(ofVote(iterationId))
    .orderBy(asc(prompts.position))
    .$dynamic();
  if (first !== undefined) voted.offset(first);
  if (count !== undefined) voted.limit(count);
  return voted;
}

/** How many prompts were voted on. */
export async function countVoted(db: Db, iterationId: number): Promise<number> {
  const [row] = await db
    .select({ voted: sql<number>`count(*)::int` })
    .from(prompts)
    .innerJoin(votes, eq(votes.promptId, prompts.id))
    .where(ofVote(iterationId));
  return row!.voted;
}

const ofVote = (iterationId: number) =>
  and(eq(prompts.iterationId, iterationId), ne(prompts.purpose, 'calibrate'));

export type Sample = typeof samples.$inferSelect;

/** Samples of some prompts in order of prompt, round and index; never planted ones. */
export async function samplesOf(db: Db, promptIds: number[], round?: number): Promise<Sample[]> {
  if (promptIds.length === 0) return [];
  return db.query.samples.findMany({
    where: and(
      inArray(samples.promptId, promptIds),
      round === undefined ? ne(samples.origin, 'planted') : eq(samples.round, round),
    ),
    orderBy: [asc(samples.promptId), asc(samples.round), asc(samples.index)],
  });
}

/** What the critics said of an iteration's first samples, with their levels. */
export async function firstCritiques(db: Db, iterationId: number) {
  return db
    .select({
      sampleId: samples.id,
      level: prompts.level,
      critic: critiques.critic,
      outcome: critiques.outcome,
      score: critiques.score,
      reason: critiques.reason,
    })
    .from(critiques)
    .innerJoin(samples, eq(samples.id, critiques.sampleId))
    .innerJoin(prompts, eq(prompts.id, samples.promptId))
    .where(and(eq(prompts.iterationId, iterationId), eq(samples.round, 1)));
}

/**
 * What the curriculum knows of earlier iterations: per iteration and level, without any label. Easier variants do not count: made of what was
 * too hard, they say nothing of the prompts at their level.
 */
export async function levelStats(
  db: Db,
  runId: string,
): Promise<{ iteration: number; level: number; prompts: number; trusted: number; meanAgreement: number }[]> {
  const rows = await db
    .select({
      iteration: iterations.index,
      level: prompts.level,
      prompts: sql<number>`count(*)::int`,
      trusted: sql<number>`count(*) filter (where ${votes.trusted})::int`,
      meanAgreement: sql<number>`avg(${votes.agreement})::float8`,
    })
    .from(prompts)
    .innerJoin(iterations, eq(iterations.id, prompts.iterationId))
    .innerJoin(votes, eq(votes.promptId, prompts.id))
    .where(
      and(
        eq(iterations.runId, runId),
        eq(prompts.purpose, 'learn'),
        isNull(prompts.variantId),
        sql`${prompts.level} is not null`,
      ),
    )
    .groupBy(iterations.index, prompts.level)
    .orderBy(asc(iterations.index), asc(prompts.level));
  return rows.map((row) => ({ ...row, level: row.level! }));
}
