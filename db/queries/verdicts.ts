import { sql } from 'drizzle-orm';
import type { Db } from '../connect.ts';
import { drawn } from './samples.ts';

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
