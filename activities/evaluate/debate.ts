/** Debates about prompts whose samples disagree: which there are to be, and holding a page of them. */
import { calibrationAnswers } from '../../db/queries/calibration.ts';
import { countDebates, openDebates as storeOpen } from '../../db/queries/debates.ts';
import { countPrompts, promptPage } from '../../db/queries/prompts.ts';
import { trusted } from '../../loop/vote.ts';
import { priority } from '../../tasks/random.ts';
import { measurable, votesNeeded } from '../../engine/calibration.ts';
import { iterationContext, type Deps, type IterationContext } from '../../engine/context.ts';
import { holdDebates } from '../../engine/debate/hold.ts';
import { debatable, inUse } from '../../engine/pool.ts';
import { countPool, type Counted } from '../../engine/voting.ts';
import type { Page } from '../generate/generate.ts';

type Needed = NonNullable<Parameters<typeof trusted>[2]>['required'];

/**
 * Is a debate worth it? Not where nobody gave an answer: there is nothing to argue about.
 *
 * @param required the votes that the precision asked for needs, as measured at the prompt's level
 */
function isWorthIt(
  { settings, iteration }: IterationContext,
  { prompt, result, unreadable, sharedMistake }: Counted,
  required: Needed,
): boolean {
  const { prompts, share } = settings.strategy.debate;
  const { agreement } = settings.gates;
  if (priority(`${iteration.plan.seed}/debate`, prompt.key) >= share) return false;
  if (prompts === 'all') return true;
  const counts = agreement.noAnswer === 'votes' ? unreadable : 0;
  return result.votes > 0 && !trusted(result, agreement, { unreadable: counts, sharedMistake, required });
}

/**
 * Evaluate, before the vote: opens a debate about each prompt that is worth one, by its first samples.
 *
 * Reads: prompts, first samples, critiques, known answers. Writes: debates. Safe to repeat: nothing is opened where anything is.
 */
export async function openDebates(
  { db }: Deps,
  { iterationId }: { iterationId: number },
): Promise<{ debates: number }> {
  const context = await iterationContext(db, iterationId);
  const known = await countDebates(db, iterationId);
  if (known > 0) return { debates: known };
  const total = await countPrompts(db, iterationId);
  const pool = inUse(
    context,
    await promptPage(db, iterationId, 0, total.learn + total.rehearse + total.calibrate),
  );
  // All of it is counted: whether an endpoint samples at all is told by the whole pool.
  const counted = await countPool(db, context, pool);
  const truths = await calibrationAnswers(db, iterationId);
  const needed = await votesNeeded(db, context, measurable(counted, truths, { debated: false }));
  const chosen = counted.filter(
    (one) => debatable(context, one.prompt) && isWorthIt(context, one, needed.get(one.prompt.level)),
  );
  const { agents } = context.settings.strategy.debate;
  await storeOpen(
    db,
    chosen.map(({ prompt }) => prompt.id),
    agents.length,
  );
  return { debates: chosen.length };
}

/**
 * Evaluate, before the vote: a page of debates, each with the vote beside it.
 *
 * Reads: debates, turns, what critics said, equal draws of earlier runs. Writes: turns, what critics say, samples of the last round.
 * Safe to repeat: a debate has one turn of an agent in a round, and only what is missing is asked for.
 */
export async function debatePage(
  { db }: Deps,
  { iterationId, first, count }: Page,
): Promise<{ debates: number }> {
  return holdDebates(db, await iterationContext(db, iterationId), { first, count });
}
