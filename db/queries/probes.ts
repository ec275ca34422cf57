/** Planted samples and the audits of the gates by them. Other queries don't see them. */
import { and, asc, eq, isNull, sql } from 'drizzle-orm';
import type { Db } from '../connect.ts';
import type { Sample, StoredPrompt } from './prompts.ts';
import { audits, iterations, probes, prompts, samples, stages } from '../schema.ts';

export type Probe = typeof probes.$inferSelect;
export type Audit = typeof audits.$inferSelect;

export async function countProbes(db: Db, iterationId: number): Promise<number> {
  return db.$count(probes, eq(probes.iterationId, iterationId));
}

/** Plants samples, all or none; those that stand already stay as they are. */
export async function addProbes(
  db: Db,
  planted: { sample: typeof samples.$inferInsert; probe: Omit<typeof probes.$inferInsert, 'sampleId'> }[],
): Promise<void> {
  if (planted.length === 0) return;
  await db.transaction(async (tx) => {
    for (const { sample, probe } of planted) {
      const [row] = await tx
        .insert(samples)
        .values(sample)
        .onConflictDoNothing()
        .returning({ id: samples.id });
      if (row) await tx.insert(probes).values({ ...probe, sampleId: row.id });
    }
  });
}

/** An iteration's planted samples with their prompts, in the order in which they were planted. */
export async function plantedSamples(
  db: Db,
  iterationId: number,
): Promise<{ probe: Probe; sample: Sample; prompt: StoredPrompt }[]> {
  return db
    .select({ probe: probes, sample: samples, prompt: prompts })
    .from(probes)
    .innerJoin(samples, eq(samples.id, probes.sampleId))
    .innerJoin(prompts, eq(prompts.id, samples.promptId))
    .where(eq(probes.iterationId, iterationId))
    .orderBy(asc(samples.index));
}

/** Stores an audit; one of this attempt that is stored already stays. */
export async function addAudit(db: Pick<Db, 'insert'>, values: typeof audits.$inferInsert): Promise<void> {
  await db.insert(audits).values(values).onConflictDoNothing();
}

/** How often the iteration's judgement was set aside, to be made again. */
export async function timesSetAside(db: Db, iterationId: number): Promise<number> {
  return db.$count(audits, and(eq(audits.iterationId, iterationId), sql`${audits.setAsideAt} is not null`));
}

/** All audits of a run, in order. */
export async function auditRows(db: Db, runId: string): Promise<Audit[]> {
  const rows = await db
    .select({ audit: audits })
    .from(audits)
    .innerJoin(iterations, eq(iterations.id, audits.iterationId))
    .where(eq(iterations.runId, runId))
    .orderBy(asc(iterations.index), asc(audits.attempt));
  return rows.map(({ audit }) => audit);
}

/**
 * Sets a judgement aside whose audit failed, so that it is made again: critiques, verifications and verdicts, of planted samples
 * too, move to `set_aside`, and evaluate and filter are open again. Without such an audit nothing happens.
 *
 * @param options.votes the votes rest on the critics: they, what they were measured to be worth, and what was sampled again for them move as well
 */
export async function setJudgementAside(
  db: Db,
  iterationId: number,
  options: { votes: boolean },
): Promise<boolean> {
  return db.transaction(async (tx) => {
    const [audit] = await tx
      .update(audits)
      .set({ setAsideAt: new Date() })
      .where(
        and(eq(audits.iterationId, iterationId), eq(audits.outcome, 'failed'), isNull(audits.setAsideAt)),
      )
      .returning();
    if (!audit) return false;
    const pool = sql`(select id from prompts where iteration_id = ${iterationId})`;
    const ofPool = sql`sample_id in (select id from samples where prompt_id in ${pool})`;
    const move = (table: string, which: typeof ofPool) =>
      tx.execute(sql`with moved as (delete from ${sql.identifier(table)} where ${which} returning *)
        insert into set_aside (audit_id, source, "row") select ${audit.id}, ${table}, to_jsonb(moved) from moved`);
    for (const table of ['verdicts', 'verifications', 'critiques']) await move(table, ofPool);
    if (options.votes) {
      await move('votes', sql`prompt_id in ${pool}`);
      await move('calibrations', sql`iteration_id = ${iterationId}`);
      await move('samples', sql`round = 2 and prompt_id in ${pool}`);
    }
    await tx
      .update(stages)
      .set({ status: 'pending', output: null, finishedAt: null })
      .where(and(eq(stages.iterationId, iterationId), sql`${stages.name} in ('evaluate', 'filter')`));
    return true;
  });
}
