/** What a run has spent, as its budget counts it: as a whole, in an iteration, in a stage of its curriculum. */
import { and, eq, sql } from 'drizzle-orm';
import type { Db } from '../db/connect.ts';
import type { Run } from '../db/queries/runs.ts';
import { iterations } from '../db/schema.ts';
import { heldBy, trainingOf, usageOf } from '../db/queries/spend.ts';
import { addSpend, isLimited, NOTHING, spendOf, type Scope, type Spend } from '../loop/budget.ts';
import type { ImproveSettings } from '../loop/input.ts';
import type { IterationContext } from './context.ts';

export type SpentIn = { run: Run; settings: ImproveSettings; iterationId?: number };

/** What is spent, and held by pages under way (without the page `but`). A stage's own is looked at where it has a limit. */
export async function spentBy(
  db: Pick<Db, 'select'>,
  { run, settings, iterationId }: SpentIn,
  but?: string,
): Promise<Record<Scope, Spend>> {
  const of = async (which: number | { stage: number } | undefined, since: Date): Promise<Spend> => {
    const held = await heldBy(db, run.id, but, which);
    const paid = spendOf(
      settings.prices,
      await usageOf(db, run.id, which),
      await trainingOf(db, run.id, which),
    );
    const minutes = (Date.now() - since.getTime()) / 60_000;
    return addSpend({ ...paid, minutes }, { ...NOTHING, ...held });
  };
  const whole = await of(undefined, run.createdAt);
  if (iterationId === undefined) return { run: whole, iteration: NOTHING, stage: NOTHING };
  const [iteration] = await db.select().from(iterations).where(eq(iterations.id, iterationId));
  const { createdAt, plan } = iteration!;
  const limited = plan.stage !== undefined && isLimited({ stage: settings.budget.stage });
  return {
    run: whole,
    iteration: await of(iterationId, createdAt),
    stage: limited ? await of({ stage: plan.stage! }, await stageBegan(db, run.id, plan.stage!)) : NOTHING,
  };
}

/** When the first iteration of a stage began. */
async function stageBegan(db: Pick<Db, 'select'>, runId: string, stage: number): Promise<Date> {
  const [first] = await db
    .select({ createdAt: iterations.createdAt })
    .from(iterations)
    .where(and(eq(iterations.runId, runId), sql`(${iterations.plan}->>'stage')::int = ${stage}`))
    .orderBy(iterations.index)
    .limit(1);
  return first!.createdAt;
}

/** What an iteration has spent. */
export async function iterationSpend(db: Db, context: IterationContext): Promise<Spend> {
  const { run, settings, iteration } = context;
  return (await spentBy(db, { run, settings, iterationId: iteration.id })).iteration;
}
