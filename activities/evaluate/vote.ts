import { outcomesOf } from '../../db/queries/debates.ts';
import { addVotes, countPrompts, promptPage } from '../../db/queries/prompts.ts';
import { calibrationAnswers } from '../../db/queries/calibration.ts';
import type { votes } from '../../db/schema.ts';
import { trusted } from '../../loop/vote.ts';
import { measurable, measureVotes } from '../../engine/calibration.ts';
import { iterationContext, type Deps, type IterationContext } from '../../engine/context.ts';
import { inUse } from '../../engine/pool.ts';
import { countPool, isUngated, withDebates, type Counted } from '../../engine/voting.ts';

export type Voted = { voted: number; trusted: number };

/**
 * Evaluate: the vote over each prompt's first samples. A sample whose rationale is out of form or does
 * not hang together abstains, and so does one without an answer or, by configuration, one that the
 * critic does not pass. Of an endpoint that does not sample, equal rationales of one request are one vote. Problems with
 * known answers are voted on like all others; how often those votes are right says how many votes the precision asked for
 * needs. Of a prompt that was debated it is the last round's vote that counts.
 *
 * Reads: prompts, first samples or trees, debates, critiques, known answers. Writes: votes, and what was measured on known answers.
 * Safe to repeat: a prompt has one vote, counted from what is stored.
 */
export async function vote({ db }: Deps, { iterationId }: { iterationId: number }): Promise<Voted> {
  const context = await iterationContext(db, iterationId);
  const total = await countPrompts(db, iterationId);
  const prompts = inUse(
    context,
    await promptPage(db, iterationId, 0, total.learn + total.rehearse + total.calibrate),
  );
  const counted = withDebates(await countPool(db, context, prompts), await outcomesOf(db, iterationId));
  const truths = await calibrationAnswers(db, iterationId);
  const measure = (debated: boolean) => measureVotes(db, context, measurable(counted, truths, { debated }));
  const [direct, debated] = [await measure(false), await measure(true)];
  const rows = counted.map((one) =>
    rowOf(context, one, (one.debated ? debated : direct).get(one.prompt.level)),
  );
  await addVotes(db, rows);
  return {
    voted: rows.length - counted.filter(({ prompt }) => truths.has(prompt.id)).length,
    trusted: rows.filter((row) => row.trusted).length,
  };
}

/** @param required the votes that the precision asked for needs, as measured at the prompt's level */
function rowOf(
  context: IterationContext,
  { prompt, result, ...circumstances }: Counted,
  required: NonNullable<Parameters<typeof trusted>[2]>['required'],
): typeof votes.$inferInsert {
  const { agreement } = context.settings.gates;
  const { unreadable, sharedMistake } = circumstances;
  const sure = isUngated(context)
    ? trusted(result, { min: 0, minMargin: 0 }, {})
    : trusted(result, agreement, {
        unreadable: agreement.noAnswer === 'votes' ? unreadable : 0,
        sharedMistake,
        required: prompt.purpose === 'learn' ? required : undefined,
      });
  return {
    ...result,
    answer: result.answer ?? null,
    promptId: prompt.id,
    ...circumstances,
    // What only calibrates is never trained on, however sure.
    trusted: sure && prompt.purpose !== 'calibrate',
  };
}
