/** Samples: whose they are, and what gates and critics said of an iteration's. */
import { and, eq, sql, type SQL } from 'drizzle-orm';
import type { Db } from '../connect.ts';
import { critiques, prompts, samples } from '../schema.ts';
import type { CriticCounts } from '../../loop/critic-standing.ts';

/**
 * The model's own samples. What is counted or listed as such asks for it here: neither what was planted to audit the gates nor what
 * a person gave is the model's.
 *
 * @param table the name under which the query knows `samples`
 */
export const drawn = (table = 'samples'): SQL<boolean> => sql`${sql.identifier(table)}.origin = 'model'`;

/** Samples of an iteration that required gates did not pass, gate by gate, the strictest first. */
export async function gateStops(
  db: Db,
  iterationId: number,
): Promise<{ samples: number; gates: { gate: string; failed: number; unscored: number }[] }> {
  const { rows } = await db.execute<{ gate: string; judged: number; failed: number; unscored: number }>(
    sql`select v.gate, count(*)::int as judged,
          count(*) filter (where v.outcome = 'fail')::int as failed,
          count(*) filter (where v.outcome = 'unscored')::int as unscored
        from verdicts v join samples s on s.id = v.sample_id join prompts p on p.id = s.prompt_id
        where p.iteration_id = ${iterationId} and ${drawn('s')} and not v.advisory group by 1`,
  );
  const gates = rows
    .filter(({ failed, unscored }) => failed + unscored > 0)
    .toSorted((a, b) => b.failed + b.unscored - a.failed - a.unscored || (a.gate < b.gate ? -1 : 1));
  return { samples: Math.max(0, ...rows.map(({ judged }) => judged)), gates };
}

/** What a critic said in an iteration, of planted samples and of real ones. */
export async function criticCounts(db: Db, iterationId: number, critic: string): Promise<CriticCounts> {
  const planted = sql`${samples.origin} = 'planted'`;
  const judged = sql`${critiques.outcome} <> 'unscored'`;
  const failed = sql`${critiques.outcome} = 'fails'`;
  const count = (of: ReturnType<typeof sql>) => sql<number>`count(*) filter (where ${of})::int`;
  const [row] = await db
    .select({
      asked: sql<number>`count(*)::int`,
      unscored: count(sql`not (${judged})`),
      plantedJudged: count(sql`${planted} and ${judged}`),
      plantedFailed: count(sql`${planted} and ${failed}`),
      realJudged: count(sql`not (${planted}) and ${judged}`),
      realFailed: count(sql`not (${planted}) and ${failed}`),
    })
    .from(critiques)
    .innerJoin(samples, eq(samples.id, critiques.sampleId))
    .innerJoin(prompts, eq(prompts.id, samples.promptId))
    .where(and(eq(prompts.iterationId, iterationId), eq(critiques.critic, critic)));
  const { asked, unscored, plantedJudged, plantedFailed, realJudged, realFailed } = row!;
  return {
    asked,
    unscored,
    planted: { judged: plantedJudged, failed: plantedFailed },
    real: { judged: realJudged, failed: realFailed },
  };
}
