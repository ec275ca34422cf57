/** What an iteration's trees will take: by those that the run has grown, before the first by what a small tree takes. */
import { sql } from 'drizzle-orm';
import type { Db } from '../../db/connect.ts';
import type { ImproveSettings } from '../../loop/input.ts';
import type { Tokens } from '../budget.ts';
import type { IterationContext } from '../context.ts';

/** Parts of a tree, as long as none was grown. */
const USUAL_PARTS = 3;

/** Samples of a tree, as long as none was grown: of its parts, and where the model says what they are, of that and of the whole. */
export function usualTree({ strategy }: Pick<ImproveSettings, 'strategy'>): number {
  const { parts, samples, calls } = strategy.ladder;
  const asked = parts === 'model' ? 1 + samples * (USUAL_PARTS + 1) : samples * USUAL_PARTS;
  return Math.min(calls, asked);
}

/** Mean tokens of a tree, over all that the run has grown. @param sample what one sample takes */
export async function treeTokens(
  db: Db,
  runId: string,
  settings: Pick<ImproveSettings, 'strategy'>,
  sample: Tokens,
): Promise<Tokens> {
  const { rows } = await db.execute<{ trees: number; prompt: number; completion: number }>(sql`
    select (select count(distinct n.prompt_id) from ladder_nodes n join prompts p on p.id = n.prompt_id
        join iterations i on i.id = p.iteration_id where i.run_id = ${runId})::int as trees,
      coalesce(sum(prompt_tokens), 0)::float8 as prompt, coalesce(sum(completion_tokens), 0)::float8 as completion
    from model_calls where run_id = ${runId} and stage = 'ladder' and error is null`);
  const { trees, prompt, completion } = rows[0]!;
  if (trees > 0) return { prompt: prompt / trees, completion: completion / trees };
  const samples = usualTree(settings);
  return { prompt: sample.prompt * samples, completion: sample.completion * samples };
}

/** Tokens of the trees of an iteration that have not come to their end yet. @param trees all that it has */
export async function treesAhead(
  db: Db,
  { run, iteration, settings }: Pick<IterationContext, 'run' | 'iteration' | 'settings'>,
  sample: Tokens,
  trees: number,
): Promise<Tokens> {
  const { rows } = await db.execute<{ n: number }>(sql`
    select count(*)::int as n from ladder_nodes n join prompts p on p.id = n.prompt_id
    where p.iteration_id = ${iteration.id} and n.path = '' and n.status <> 'open'`);
  const left = Math.max(0, trees - rows[0]!.n);
  const each = await treeTokens(db, run.id, settings, sample);
  return { prompt: left * each.prompt, completion: left * each.completion };
}
