/** Debates: what agents held round by round, where critics pointed, and the votes beside them. */
import { and, asc, eq, gt, inArray, sql } from 'drizzle-orm';
import { insertNew } from '../insert-new.ts';
import type { Db } from '../connect.ts';
import { byCacheKey, type Tx } from './calls.ts';
import {
  calibrationItems,
  debatePoints,
  debates,
  debateTurns,
  iterations,
  modelCalls,
  prompts,
  samples,
} from '../schema.ts';

export type Debate = typeof debates.$inferSelect;
export type Turn = typeof debateTurns.$inferSelect;
export type NewTurn = typeof debateTurns.$inferInsert;
export type Point = typeof debatePoints.$inferSelect;
export type NewPoint = typeof debatePoints.$inferInsert;

/** Round 0 of a debate's turns: the samples of the vote beside it. */
export const BESIDE = 0;

/** Opens debates about these prompts, all or none; one that there is stays as it is. */
export async function openDebates(db: Db, promptIds: number[], agents: number): Promise<void> {
  await db.transaction(async (tx) => {
    await insertNew(
      tx,
      debates,
      promptIds.map((promptId) => ({ promptId, agents })),
    );
  });
}

const ofIteration = (iterationId: number) =>
  sql`${debates.promptId} in (select ${prompts.id} from ${prompts} where ${prompts.iterationId} = ${iterationId})`;

export const countDebates = (db: Db, iterationId: number): Promise<number> =>
  db.$count(debates, ofIteration(iterationId));

/** The debates of an iteration that have an outcome, by prompt. */
export async function outcomesOf(db: Db, iterationId: number): Promise<Map<number, Debate>> {
  const rows = await db
    .select()
    .from(debates)
    .where(and(ofIteration(iterationId), sql`${debates.status} <> 'open'`));
  return new Map(rows.map((row) => [row.promptId, row]));
}

/** A page of an iteration's debates with their prompts, in the order of the pool. */
export async function debatesOn(
  db: Db,
  iterationId: number,
  { first, count }: { first: number; count: number },
) {
  return db
    .select({ debate: debates, prompt: prompts })
    .from(debates)
    .innerJoin(prompts, eq(prompts.id, debates.promptId))
    .where(eq(prompts.iterationId, iterationId))
    .orderBy(asc(prompts.position))
    .offset(first)
    .limit(count);
}

/** The turns of these debates in order of round and agent: of the debates themselves, or of the votes beside them. */
export async function turnsOf(db: Db, promptIds: number[], of: 'debate' | 'beside'): Promise<Turn[]> {
  if (promptIds.length === 0) return [];
  return db
    .select()
    .from(debateTurns)
    .where(
      and(
        inArray(debateTurns.promptId, promptIds),
        of === 'debate' ? gt(debateTurns.round, BESIDE) : eq(debateTurns.round, BESIDE),
      ),
    )
    .orderBy(asc(debateTurns.promptId), asc(debateTurns.round), asc(debateTurns.agent));
}

export async function addTurns(db: Tx, rows: NewTurn[]): Promise<void> {
  await insertNew(db, debateTurns, rows);
}

/** What was drawn by cache key, of any run: what the model said, not what became of it. */
export async function storedTurns(db: Db, keys: string[]) {
  const found = await byCacheKey(keys, (some) =>
    db.select().from(debateTurns).where(inArray(debateTurns.cacheKey, some)).orderBy(asc(debateTurns.id)),
  );
  return new Map([...found].map(([key, row]) => [key, { ...row, rationale: row.reply }]));
}

/** What critics said of these turns. */
export async function pointsOf(db: Db, turnIds: number[]): Promise<Point[]> {
  if (turnIds.length === 0) return [];
  return db
    .select()
    .from(debatePoints)
    .where(inArray(debatePoints.turnId, turnIds))
    .orderBy(asc(debatePoints.turnId), asc(debatePoints.critic));
}

export async function addPoints(db: Tx, rows: NewPoint[]): Promise<void> {
  await insertNew(db, debatePoints, rows);
}

export async function storedPoints(db: Db, keys: string[]): Promise<Map<string, Point>> {
  return byCacheKey(keys, (some) =>
    db
      .select()
      .from(debatePoints)
      .where(inArray(debatePoints.cacheKey, some))
      .orderBy(asc(debatePoints.turnId)),
  );
}

/** Tokens that calls read and wrote, by call. */
export async function tokensOfCalls(
  db: Db,
  callIds: number[],
): Promise<Map<number, { prompt: number; completion: number }>> {
  if (callIds.length === 0) return new Map();
  const rows = await db
    .select({ id: modelCalls.id, prompt: modelCalls.promptTokens, completion: modelCalls.completionTokens })
    .from(modelCalls)
    .where(inArray(modelCalls.id, callIds));
  return new Map(rows.map(({ id, ...tokens }) => [id, tokens]));
}

/** How a debate ended. */
export type Argued = Pick<
  Debate,
  'promptId' | 'answer' | 'votes' | 'runnerUpVotes' | 'unreadable' | 'rounds' | 'tokens' | 'reason'
>;

/** Ends debates, with what agents held in the last round as samples of their prompts, all or nothing. */
export async function endDebates(
  db: Db,
  ended: readonly Argued[],
  held: (typeof samples.$inferInsert)[],
): Promise<void> {
  await db.transaction(async (tx) => {
    for (const { promptId, ...row } of ended) {
      await tx
        .update(debates)
        .set({ ...row, status: 'argued', arguedAt: new Date() })
        .where(and(eq(debates.promptId, promptId), eq(debates.status, 'open')));
    }
    await insertNew(tx, samples, held);
  });
}

/** How the vote beside a debate ended. */
export type Beside = Pick<
  Debate,
  'promptId' | 'besideAnswer' | 'besideVotes' | 'besideRunnerUpVotes' | 'besideSamples' | 'besideTokens'
>;

export async function closeDebates(db: Db, closed: readonly Beside[]): Promise<void> {
  await db.transaction(async (tx) => {
    for (const { promptId, ...row } of closed) {
      await tx
        .update(debates)
        .set({ ...row, status: 'closed', closedAt: new Date() })
        .where(and(eq(debates.promptId, promptId), eq(debates.status, 'argued')));
    }
  });
}

/** The debates of a run with their iterations and, where it is known, the true answer. */
export async function runDebates(db: Db, runId: string) {
  return db
    .select({ debate: debates, iteration: iterations.index, truth: calibrationItems.answer })
    .from(debates)
    .innerJoin(prompts, eq(prompts.id, debates.promptId))
    .innerJoin(iterations, eq(iterations.id, prompts.iterationId))
    .leftJoin(calibrationItems, eq(calibrationItems.promptId, prompts.id))
    .where(eq(iterations.runId, runId))
    .orderBy(asc(iterations.index), asc(prompts.position));
}

/** The turns of a run's debates, without their texts. */
export async function runTurns(db: Db, runId: string) {
  return db
    .select({
      promptId: debateTurns.promptId,
      round: debateTurns.round,
      agent: debateTurns.agent,
      action: debateTurns.action,
      asked: sql<boolean>`${debateTurns.callId} is not null`,
      keptLines: debateTurns.keptLines,
      answer: debateTurns.answer,
    })
    .from(debateTurns)
    .innerJoin(prompts, eq(prompts.id, debateTurns.promptId))
    .innerJoin(iterations, eq(iterations.id, prompts.iterationId))
    .where(and(eq(iterations.runId, runId), gt(debateTurns.round, BESIDE)))
    .orderBy(asc(debateTurns.promptId), asc(debateTurns.round), asc(debateTurns.agent));
}
