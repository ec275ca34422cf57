/** What an adversary made of good work, and what became of it. */
import { and, asc, desc, eq, inArray, lt, sql } from 'drizzle-orm';
import { insertNew } from '../insert-new.ts';
import type { Db } from '../connect.ts';
import type { Tx } from './calls.ts';
import type { Sample, StoredPrompt } from './prompts.ts';
import { notRevoked } from './revocations.ts';
import {
  calibrationItems,
  examples,
  iterations,
  prompts,
  samples,
  selfPlay,
  selfPlayCritiques,
} from '../schema.ts';

export type Tried = typeof selfPlay.$inferSelect;
export type NewTry = typeof selfPlay.$inferInsert;

/** Work to set out from, with the known answer of its problem, where there is one. */
export type GoodWork = { sample: Sample; prompt: StoredPrompt; truth: string | null };

/** The work of an iteration's accepted pseudo-labels, in order. */
export async function acceptedWork(db: Db, iterationId: number): Promise<GoodWork[]> {
  const rows = await db
    .select({ sample: samples, prompt: prompts })
    .from(examples)
    .innerJoin(samples, eq(samples.id, examples.sampleId))
    .innerJoin(prompts, eq(prompts.id, examples.promptId))
    .where(
      and(
        eq(examples.iterationId, iterationId),
        eq(prompts.purpose, 'learn'),
        sql`${examples.kind} in ('vote', 'hard')`,
        notRevoked,
      ),
    )
    .orderBy(asc(examples.id));
  return rows.map((row) => ({ ...row, truth: null }));
}

/** First samples of an iteration's problems with known answers that are in form. */
export async function answeredWork(db: Db, iterationId: number): Promise<GoodWork[]> {
  return db
    .select({ sample: samples, prompt: prompts, truth: calibrationItems.answer })
    .from(calibrationItems)
    .innerJoin(prompts, eq(prompts.id, calibrationItems.promptId))
    .innerJoin(samples, eq(samples.promptId, prompts.id))
    .where(
      and(
        eq(prompts.iterationId, iterationId),
        eq(samples.round, 1),
        sql`${samples.formatOk} and ${samples.coherenceOk} and ${samples.answer} is not null`,
      ),
    )
    .orderBy(asc(samples.id));
}

export async function triesOn(db: Db, sampleIds: number[]): Promise<Tried[]> {
  if (sampleIds.length === 0) return [];
  return db
    .select()
    .from(selfPlay)
    .where(inArray(selfPlay.sampleId, sampleIds))
    .orderBy(asc(selfPlay.sampleId), asc(selfPlay.try));
}

export async function addTries(db: Tx, rows: NewTry[]): Promise<void> {
  await insertNew(db, selfPlay, rows);
}

export type TryCritique = typeof selfPlayCritiques.$inferSelect;

export async function critiquesOfTries(db: Db, tryIds: number[]): Promise<TryCritique[]> {
  if (tryIds.length === 0) return [];
  return db.select().from(selfPlayCritiques).where(inArray(selfPlayCritiques.tryId, tryIds));
}

export async function addTryCritiques(
  db: Tx,
  rows: (typeof selfPlayCritiques.$inferInsert)[],
): Promise<void> {
  await insertNew(db, selfPlayCritiques, rows);
}

export type JudgedTry = Pick<Tried, 'id' | 'outcome' | 'knownBy' | 'score' | 'reason'>;

export async function judgeTries(db: Db, judged: readonly JudgedTry[]): Promise<void> {
  await db.transaction(async (tx) => {
    for (const { id, ...row } of judged) {
      await tx
        .update(selfPlay)
        .set({ ...row, judgedAt: new Date() })
        .where(and(eq(selfPlay.id, id), eq(selfPlay.outcome, 'made')));
    }
  });
}

/** What fooled the critics in a run before an iteration, with the good work that it was made of: the newest, newest first. */
export async function foundBefore(db: Db, runId: string, index: number, most: number) {
  return db
    .select({ found: selfPlay, sample: samples, prompt: prompts, iteration: iterations.index })
    .from(selfPlay)
    .innerJoin(samples, eq(samples.id, selfPlay.sampleId))
    .innerJoin(prompts, eq(prompts.id, samples.promptId))
    .innerJoin(iterations, eq(iterations.id, selfPlay.iterationId))
    .where(and(eq(iterations.runId, runId), lt(iterations.index, index), eq(selfPlay.outcome, 'found')))
    .orderBy(desc(selfPlay.id))
    .limit(most);
}

/** All that an adversary tried in a run, without the texts. */
export async function runTries(db: Db, runId: string) {
  return db
    .select({
      iteration: iterations.index,
      sampleId: selfPlay.sampleId,
      by: selfPlay.by,
      kind: selfPlay.kind,
      outcome: selfPlay.outcome,
    })
    .from(selfPlay)
    .innerJoin(iterations, eq(iterations.id, selfPlay.iterationId))
    .where(eq(iterations.runId, runId))
    .orderBy(asc(selfPlay.id));
}

/**
 * The prompts of an iteration for problems that bad work is planted on, by key. Those that are not in its pool are added behind it, with the
 * purpose `planted`: nobody is asked about them.
 */
export async function promptsToPlant(
  db: Db,
  iterationId: number,
  wanted: readonly Pick<StoredPrompt, 'key' | 'text' | 'level'>[],
): Promise<Map<string, StoredPrompt>> {
  if (wanted.length === 0) return new Map();
  const distinct = [...new Map(wanted.map((one) => [one.key, one])).values()];
  return db.transaction(async (tx) => {
    const [last] = await tx
      .select({ position: sql<number>`coalesce(max(${prompts.position}), -1)::int` })
      .from(prompts)
      .where(eq(prompts.iterationId, iterationId));
    await tx
      .insert(prompts)
      .values(
        distinct.map(({ key, text, level }, i) => ({
          iterationId,
          position: last!.position + 1 + i,
          purpose: 'planted' as const,
          key,
          text,
          level,
        })),
      )
      .onConflictDoNothing();
    const rows = await tx
      .select()
      .from(prompts)
      .where(
        and(
          eq(prompts.iterationId, iterationId),
          inArray(
            prompts.key,
            distinct.map(({ key }) => key),
          ),
        ),
      );
    return new Map(rows.map((row) => [row.key, row]));
  });
}
