/** How long the rest of an iteration will take, by what its stages took earlier in the run. */
import { STAGES, type StageName } from '../loop/words.ts';
import { sql } from 'drizzle-orm';
import type { Db } from '../db/connect.ts';

/** Seconds per unit of each stage: per sample asked for, per benchmark item, else per stage. */
export type Pace = Partial<Record<StageName, number>>;

/**
 * The fastest that each stage of the run was so far: a pause, a restart or a parked hour in a stage says nothing about the
 * next. Empty before the first iteration is done. Training has a forecast of its own, by its examples.
 */
export async function paceOf(db: Db, runId: string): Promise<Pace> {
  const { rows } = await db.execute<{ name: StageName; seconds: number | null }>(sql`
    select s.name, min(extract(epoch from s.finished_at - s.started_at) / case s.name
        when 'generate' then nullif((s.output->>'samples')::float8, 0)
        when 'evaluate' then nullif((g.output->>'samples')::float8, 0)
        when 'benchmark' then nullif((s.output->>'items')::float8, 0)
        else 1 end)::float8 as seconds
    from stages s join iterations i on i.id = s.iteration_id
    join stages g on g.iteration_id = s.iteration_id and g.name = 'generate'
    where i.run_id = ${runId} and i.finished_at is not null and s.status = 'done' and s.name <> 'adapt'
    group by s.name`);
  return Object.fromEntries(rows.map(({ name, seconds }) => [name, seconds ?? undefined]));
}

/** Minutes of the stages from `from` on, without training. `samples` and `items`: as many as are still to be asked for. */
export function minutesAhead(pace: Pace, from: StageName, units: { samples: number; items: number }): number {
  const ahead = STAGES.slice(STAGES.indexOf(from));
  const seconds = ahead.reduce((sum, name) => {
    const each = pace[name] ?? 0;
    if (name === 'generate' || name === 'evaluate') return sum + each * units.samples;
    return sum + each * (name === 'benchmark' ? units.items : 1);
  }, 0);
  return seconds / 60;
}
