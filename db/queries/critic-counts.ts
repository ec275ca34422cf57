import { and, eq, sql } from 'drizzle-orm';
import type { Db } from '../connect.ts';
import { critiques, prompts, samples } from '../schema.ts';
import type { CriticCounts } from '../../loop/critic-standing.ts';

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
