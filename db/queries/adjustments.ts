import { and, asc, eq, sql, type SQL } from 'drizzle-orm';
import type { Recorded } from '../../loop/control.ts';
import type { Db } from '../connect.ts';
import { adjustments, decisions, examples, iterations, messages } from '../schema.ts';

/**
 * For queries over `examples` and their `iterations`: not of an iteration that a reset for drift undid. They would teach
 * anew what the reset took back, and are not what is usual.
 */
export const notDrifted: SQL = sql`not exists (
  select 1 from ${adjustments} undone
  where undone.run_id = ${examples.runId} and undone.kind = 'reset' and undone.cause = 'drift'
    and ${iterations.index} > (undone.numbers->>'calm')::int and ${iterations.index} < undone.from_iteration)`;

export type AdjustmentRow = typeof adjustments.$inferSelect;

export async function listAdjustments(db: Db, runId: string): Promise<AdjustmentRow[]> {
  return db.query.adjustments.findMany({
    where: eq(adjustments.runId, runId),
    orderBy: [asc(adjustments.fromIteration), asc(adjustments.id)],
  });
}

/** Stores a change of course, or returns the one that this key stored before. */
export async function addAdjustment(
  db: Db,
  values: Omit<typeof adjustments.$inferInsert, 'overrides' | 'numbers'> &
    Partial<Pick<AdjustmentRow, 'overrides' | 'numbers'>>,
): Promise<AdjustmentRow> {
  const [inserted] = await db
    .insert(adjustments)
    .values({ overrides: {}, numbers: {}, ...values })
    .onConflictDoNothing()
    .returning();
  return inserted ?? (await findAdjustment(db, values.runId, values.key))!;
}

export async function findAdjustment(db: Db, runId: string, key: string): Promise<AdjustmentRow | undefined> {
  return db.query.adjustments.findFirst({
    where: and(eq(adjustments.runId, runId), eq(adjustments.key, key)),
  });
}

/** Index of the newest promoted iteration; 0 when there is none. */
export async function lastPromotion(db: Db, runId: string): Promise<number> {
  const [row] = await db
    .select({ index: sql<number>`coalesce(max(${iterations.index}), 0)::int` })
    .from(decisions)
    .innerJoin(iterations, eq(iterations.id, decisions.iterationId))
    .where(and(eq(iterations.runId, runId), eq(decisions.kind, 'promote')));
  return row!.index;
}

export async function addMessages(db: Db, runId: string, received: Recorded[]): Promise<void> {
  if (received.length === 0) return;
  await db
    .insert(messages)
    .values(
      received.map(({ id, name, args, origin, accepted, answer, iterationIndex }) => ({
        runId,
        messageId: id,
        name,
        args: args as Record<string, unknown>,
        origin,
        accepted,
        answer,
        iterationIndex,
      })),
    )
    .onConflictDoNothing();
}

/** Messages that a run was sent, oldest first. */
export async function listMessages(db: Db, runId: string): Promise<(typeof messages.$inferSelect)[]> {
  return db.query.messages.findMany({ where: eq(messages.runId, runId), orderBy: asc(messages.id) });
}
