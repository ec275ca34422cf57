/** The vote over each prompt of an iteration, and how far its samples are independent of each other. */
import type { Debate } from '../db/queries/debates.ts';
import { rootsOf } from '../db/queries/ladder.ts';
import { firstCritiques, type Sample, type StoredPrompt } from '../db/queries/prompts.ts';
import type { Db } from '../db/connect.ts';
import { opinionOf } from '../gates/critique.ts';
import { copiesAmong, givesCopies, repeatsOf } from '../loop/copies.ts';
import { measureIndependence, talliesOf } from '../loop/independence.ts';
import { vote as countVotes } from '../loop/vote.ts';
import { formsOf, type IterationContext } from './context.ts';
import { criticsOf, standings, votesAreApproved } from './critic.ts';
import { debateVote } from './debate/vote.ts';
import { treeVote } from './ladder/vote.ts';
import { climbs, samplesByPrompt, samplesFor } from './pool.ts';
import { judgesBehaviour } from '../tasks/task.ts';
import { sameVote, votesFor } from './judged.ts';
import { isWellFormed } from './sampling.ts';

/**
 * Samples of the iteration that the critics do not pass. Where none was measured to be better than chance at a
 * level, they have no say there; a sample that they gave no verdict on does not vote.
 */
async function disapprovedSamples(db: Db, context: IterationContext): Promise<Set<number>> {
  const critics = criticsOf(context);
  const judged = Map.groupBy(await firstCritiques(db, context.iteration.id), (row) => row.sampleId);
  const disapproved = [...judged].filter(([, rows]) => {
    const found = rows.map(({ score, ...row }) => ({ ...row, score: score ?? undefined }));
    const standing = standings(critics, rows[0]!.level ?? undefined);
    const { outcome, advises } = opinionOf(found, standing, context.settings.gates.critique);
    return !advises && outcome !== 'pass';
  });
  return new Set(disapproved.map(([sampleId]) => sampleId));
}

/** The kind of each rewrite of a prompt, by its name. */
function kindsOf(context: IterationContext, prompt: StoredPrompt): Map<string, string | undefined> {
  const forms = formsOf(context, { ...prompt, level: prompt.level ?? undefined });
  return new Map(forms.map(({ key, kind }) => [key, kind]));
}

export const isUngated = ({ settings }: IterationContext) => settings.experiment === 'ungated';

export type Counted = ReturnType<typeof countPrompt> & { debated: boolean };

/** The votes over the first samples of these prompts, which are the whole pool: whether an endpoint samples is decided over all of it. */
export async function countPool(
  db: Db,
  context: IterationContext,
  prompts: StoredPrompt[],
): Promise<Counted[]> {
  // Of programs, what was asked for as proof before the vote votes too.
  const samples = await samplesByPrompt(db, prompts, judgesBehaviour(context.task) ? undefined : 1);
  const disapproved = votesAreApproved(context) ? await disapprovedSamples(db, context) : new Set<number>();
  // At temperature 0 equal samples are what was asked for, and no more votes for it.
  const notIndependent =
    !isUngated(context) &&
    (context.settings.sampling.temperature === 0 || givesCopies(repeatsOf([...samples.values()].flat())));
  const trees = await rootsOf(db, context.iteration.id);
  return prompts.map((prompt) =>
    climbs(context, prompt)
      ? { prompt, ...treeVote(prompt, trees.get(prompt.id)), debated: false }
      : {
          ...countPrompt(context, prompt, samples.get(prompt.id) ?? [], { disapproved, notIndependent }),
          debated: false,
        },
  );
}

/** The same with the outcomes of debates in place of the votes of those that were debated. */
export const withDebates = (counted: readonly Counted[], outcomes: ReadonlyMap<number, Debate>): Counted[] =>
  counted.map((one) => {
    const debate = outcomes.get(one.prompt.id);
    return debate ? { prompt: one.prompt, ...debateVote(debate), debated: true } : one;
  });

/** The vote over one prompt's samples, and how far they are independent of each other. */
function countPrompt(
  context: IterationContext,
  prompt: StoredPrompt,
  samples: Sample[],
  { disapproved, notIndependent }: { disapproved: ReadonlySet<number>; notIndependent: boolean },
) {
  const { task, settings } = context;
  const k = samplesFor(context, prompt);
  // The budget may have lowered K after more samples were drawn.
  const first = samples.filter((sample) => sample.round > 1 || sample.index < k);
  const copies = notIndependent ? copiesAmong(first) : [];
  const answers = first.map((sample, i) => {
    const votes = isUngated(context) || (isWellFormed(sample) && !disapproved.has(sample.id) && !copies[i]);
    return votes ? (votesFor(task, sample) ?? undefined) : undefined;
  });
  const drawn = first.filter(({ round }) => round === 1).length;
  if (drawn !== k) throw new Error(`Prompt ${prompt.id} has ${drawn} samples of ${k}.`);
  const same = sameVote(task);
  const result = countVotes(answers, same);
  const kinds = kindsOf(context, prompt);
  const tallies = talliesOf(
    first.map(({ rewrite }, i) => {
      const answer = answers[i];
      const votes = answer !== undefined && result.answer !== undefined && same(answer, result.answer);
      return { rewrite, kind: kinds.get(rewrite), votes };
    }),
  );
  const independence = measureIndependence(tallies, settings.gates.agreement.sharedMistake);
  const unreadable = first.filter((sample) => sample.answer === null).length;
  return { prompt, result, tallies, ...independence, unreadable, copies: copies.filter(Boolean).length };
}
