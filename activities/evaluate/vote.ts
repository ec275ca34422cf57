import {
  addVotes,
  countPrompts,
  firstCritiques,
  promptPage,
  type Sample,
  type StoredPrompt,
} from '../../db/queries/prompts.ts';
import { rootsOf } from '../../db/queries/ladder.ts';
import { calibrationAnswers } from '../../db/queries/calibration.ts';
import type { votes } from '../../db/schema.ts';
import { opinionOf } from '../../gates/critique.ts';
import { copiesAmong, givesCopies, repeatsOf } from '../../loop/copies.ts';
import { measureIndependence, talliesOf } from '../../loop/independence.ts';
import { trusted, vote as countVotes } from '../../loop/vote.ts';
import type { Db } from '../../db/connect.ts';
import { measureVotes } from '../../engine/calibration.ts';
import { formsOf, iterationContext, type Deps, type IterationContext } from '../../engine/context.ts';
import { criticsOf, standings, votesAreApproved } from '../../engine/critic.ts';
import { treeVote } from '../../engine/ladder/vote.ts';
import { climbs, inUse, samplesByPrompt, samplesFor } from '../../engine/pool.ts';
import { isWellFormed } from '../../engine/sampling.ts';

export type Voted = { voted: number; trusted: number };

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

/**
 * Evaluate: the vote over each prompt's first samples. A sample whose rationale is out of form or does
 * not hang together abstains, and so does one without an answer or, by configuration, one that the
 * critic does not pass. Of an endpoint that does not sample, equal rationales of one request are one vote. Problems with
 * known answers are voted on like all others; how often those votes are right says how many votes the precision asked for
 * needs.
 *
 * Reads: prompts, first samples or trees, critiques, known answers. Writes: votes, and what was measured on known answers.
 * Safe to repeat: a prompt has one vote, counted from what is stored.
 */
export async function vote({ db }: Deps, { iterationId }: { iterationId: number }): Promise<Voted> {
  const context = await iterationContext(db, iterationId);
  const total = await countPrompts(db, iterationId);
  const prompts = inUse(
    context,
    await promptPage(db, iterationId, 0, total.learn + total.rehearse + total.calibrate),
  );
  const counted = await countPool(db, context, prompts);
  const truths = await calibrationAnswers(db, iterationId);
  const measured = counted.flatMap(({ prompt, result, unreadable, sharedMistake }) => {
    const truth = truths.get(prompt.id);
    return truth === undefined ? [] : [{ level: prompt.level, truth, ...result, unreadable, sharedMistake }];
  });
  const levels = new Set(
    counted.filter(({ prompt }) => prompt.purpose !== 'rehearse').map((c) => c.prompt.level),
  );
  const required = await measureVotes(db, context, measured, [...levels]);
  const rows = counted.map((one) => rowOf(context, one, required.get(one.prompt.level)));
  await addVotes(db, rows);
  return { voted: rows.length - measured.length, trusted: rows.filter((row) => row.trusted).length };
}

const isUngated = ({ settings }: IterationContext) => settings.experiment === 'ungated';

type Counted = ReturnType<typeof countPrompt>;

async function countPool(db: Db, context: IterationContext, prompts: StoredPrompt[]): Promise<Counted[]> {
  const samples = await samplesByPrompt(db, prompts, 1);
  const disapproved = votesAreApproved(context) ? await disapprovedSamples(db, context) : new Set<number>();
  // At temperature 0 equal samples are what was asked for, and no more votes for it.
  const notIndependent =
    !isUngated(context) &&
    (context.settings.sampling.temperature === 0 || givesCopies(repeatsOf([...samples.values()].flat())));
  const trees = await rootsOf(db, context.iteration.id);
  return prompts.map((prompt) =>
    climbs(context, prompt)
      ? { prompt, ...treeVote(prompt, trees.get(prompt.id)) }
      : countPrompt(context, prompt, samples.get(prompt.id) ?? [], { disapproved, notIndependent }),
  );
}

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
  const first = samples.filter((sample) => sample.index < k);
  const copies = notIndependent ? copiesAmong(first) : [];
  const answers = first.map((sample, i) => {
    const votes = isUngated(context) || (isWellFormed(sample) && !disapproved.has(sample.id) && !copies[i]);
    return votes ? (sample.answer ?? undefined) : undefined;
  });
  if (answers.length !== k) throw new Error(`Prompt ${prompt.id} has ${answers.length} samples of ${k}.`);
  const result = countVotes(answers, task.sameAnswer);
  const kinds = kindsOf(context, prompt);
  const tallies = talliesOf(
    first.map(({ rewrite }, i) => {
      const answer = answers[i];
      const votes =
        answer !== undefined && result.answer !== undefined && task.sameAnswer(answer, result.answer);
      return { rewrite, kind: kinds.get(rewrite), votes };
    }),
  );
  const independence = measureIndependence(tallies, settings.gates.agreement.sharedMistake);
  const unreadable = first.filter((sample) => sample.answer === null).length;
  return { prompt, result, tallies, ...independence, unreadable, copies: copies.filter(Boolean).length };
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
