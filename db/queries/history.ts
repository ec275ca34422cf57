import { and, asc, eq, gte, lt, or, sql, type SQL } from 'drizzle-orm';
import type { Db } from '../connect.ts';
import { driftRows, type DriftRow } from './drift.ts';
import { decisions, examples, iterations, prompts, samples, votes } from '../schema.ts';

/** One decided iteration in a line, small enough for a workflow's state. */
export type HistoryRow = {
  index: number;
  levels?: number[];
  /** The stage of the run's curriculum of targets, whose target `before` and `after` are of. */
  stage?: number;
  prompts: number;
  accepted: number;
  agreement: number;
  /** Mean length of the accepted rationales, in tokens. */
  rationaleTokens?: number;
  decision: string;
  before?: number;
  after?: number;
  pValue?: number;
  /** Points of target accuracy per unit of cost. */
  roi?: number;
  /** Distance from the reference iteration, on the fixed sample where there is one, and the number of alarms. */
  drift?: { distance: number; alarms: number };
};

/**
 * The decided iterations of a run, in order, from index `from` on. `before` and `after` are target accuracies, 0…1. Each costs
 * a look at all its prompts: a run of hundreds is not read as a whole once an iteration.
 */
export async function historyRows(db: Db, runId: string, from = 0): Promise<HistoryRow[]> {
  return rowsOf(db, runId, gte(iterations.index, from));
}

/**
 * What tells whether a run gets on: the newest `count` iterations that were not given up, with those between them, and the
 * first that accepted anything, to compare with.
 */
export async function recentRows(db: Db, runId: string, count: number): Promise<HistoryRow[]> {
  const { rows } = await db.execute<{ since: number; first: number }>(sql`select
    coalesce((select i.index from iterations i join decisions d on d.iteration_id = i.id
      where i.run_id = ${runId} and d.kind <> 'skip' order by i.index desc offset ${count - 1} limit 1), 0) as since,
    coalesce((select i.index from iterations i where i.run_id = ${runId} and exists (select 1 from examples e
      where e.run_id = ${runId} and e.iteration_id = i.id and e.kind <> 'rehearsal') order by i.index limit 1), 0) as first`);
  const { since, first } = rows[0]!;
  return rowsOf(db, runId, or(gte(iterations.index, since), eq(iterations.index, first)));
}

async function rowsOf(db: Db, runId: string, which: SQL | undefined): Promise<HistoryRow[]> {
  const rows = await db
    .select({
      id: iterations.id,
      index: iterations.index,
      plan: iterations.plan,
      decision: decisions.kind,
      numbers: decisions.numbers,
      prompts: sql<number>`(select count(*)::int from ${prompts} p where p.iteration_id = ${iterations.id} and p.purpose = 'learn')`,
      accepted: sql<number>`(select count(distinct e.prompt_id)::int from ${examples} e
        join ${prompts} p on p.id = e.prompt_id where e.run_id = ${runId} and e.iteration_id = ${iterations.id} and p.purpose = 'learn')`,
      agreement: sql<number>`coalesce((select avg(v.agreement)::float8 from ${votes} v
        join ${prompts} p on p.id = v.prompt_id where p.iteration_id = ${iterations.id} and p.purpose = 'learn'), 0)`,
      rationaleTokens: sql<number | null>`(select avg(s.completion_tokens)::float8 from ${examples} e
        join ${samples} s on s.id = e.sample_id where e.run_id = ${runId} and e.iteration_id = ${iterations.id} and e.kind <> 'rehearsal')`,
    })
    .from(iterations)
    .innerJoin(decisions, eq(decisions.iterationId, iterations.id))
    .where(and(eq(iterations.runId, runId), which))
    .orderBy(asc(iterations.index));
  const drifts = Map.groupBy(
    rows.length === 0
      ? []
      : await driftRows(
          db,
          runId,
          rows.map(({ id }) => id),
        ),
    (one) => one.iterationId,
  );
  return rows.map((row) => {
    const { before, after, pValue, roi } = row.numbers;
    return {
      index: row.index,
      levels: row.plan.levels,
      ...(row.plan.stage === undefined ? {} : { stage: row.plan.stage }),
      prompts: row.prompts,
      accepted: row.accepted,
      agreement: row.agreement,
      ...(row.rationaleTokens === null ? {} : { rationaleTokens: row.rationaleTokens }),
      decision: row.decision,
      before: before ?? undefined,
      after: after ?? undefined,
      pValue: pValue ?? undefined,
      roi: roi ?? undefined,
      ...driftOf(drifts.get(row.id) ?? []),
    };
  });
}

function driftOf(rows: DriftRow[]): Pick<HistoryRow, 'drift'> {
  const shown = rows.find(({ source }) => source === 'fixed') ?? rows[0];
  const distance = shown?.measures.distance;
  if (distance === undefined) return {};
  return { drift: { distance, alarms: rows.reduce((sum, { alarms }) => sum + alarms.length, 0) } };
}

/** The decisions of a run, oldest first. */
export async function listDecisions(
  db: Db,
  runId: string,
): Promise<{ index: number; kind: string; reason: string }[]> {
  return db
    .select({ index: iterations.index, kind: decisions.kind, reason: decisions.reason })
    .from(decisions)
    .innerJoin(iterations, eq(iterations.id, decisions.iterationId))
    .where(eq(iterations.runId, runId))
    .orderBy(asc(iterations.index));
}

/** The tests on the target items that iterations of a run made, from `since` on and before `index`: the level of each, and what came of it. */
export async function earlierLooks(
  db: Db,
  runId: string,
  index: number,
  since = 0,
): Promise<{ level: number; promoted: boolean }[]> {
  const rows = await db
    .select({
      level: sql<number>`(${decisions.numbers}->'look'->>'level')::float8`,
      kind: decisions.kind,
    })
    .from(decisions)
    .innerJoin(iterations, eq(iterations.id, decisions.iterationId))
    .where(
      and(
        eq(iterations.runId, runId),
        lt(iterations.index, index),
        gte(iterations.index, since),
        sql`${decisions.numbers}->'look' is not null`,
      ),
    )
    .orderBy(asc(iterations.index));
  return rows.map(({ level, kind }) => ({ level, promoted: kind === 'promote' }));
}
