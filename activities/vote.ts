import {
  addVotes,
  countPrompts,
  firstCritiques,
  promptPage,
  samplesOf,
  type StoredPrompt,
} from '../db/prompts.ts';
import { calibrationAnswers } from '../db/calibration.ts';
import type { votes } from '../db/schema.ts';
import { opinionOf } from '../gates/critique.ts';
import { copiesAmong, givesCopies, repeatsOf } from '../loop/copies.ts';
import { measureIndependence, talliesOf } from '../loop/independence.ts';
import { trusted, vote } from '../loop/vote.ts';
import type { Db } from '../db/connect.ts';
import { measureVotes } from './calibration.ts';
import { formsOf, iterationContext, type Deps, type IterationContext } from './context.ts';
import { criticsOf, standings, votesAreApproved } from './critic.ts';
import { inUse, samplesFor } from './pool.ts';
import { isWellFormed } from './sampling.ts';

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

export function createVoteActivities({ db }: Deps) {
  return {
    /**
     * Evaluate: the vote over each prompt's first samples. A sample whose rationale is out of form or does
     * not hang together abstains, and so does one without an answer or, by configuration, one that the
     * critic does not pass. Of an endpoint that does not sample, equal rationales of one request are one vote. Problems with known answers are voted on like all others; how often those votes are right
     * says how many votes the precision asked for needs.
     */
    async vote({ iterationId }: { iterationId: number }): Promise<Voted> {
      const context = await iterationContext(db, iterationId);
      const { settings, task } = context;
      const ungated = settings.experiment === 'ungated';
      const limits = ungated ? { min: 0, minMargin: 0 } : settings.gates.agreement;
      const total = await countPrompts(db, iterationId);
      const prompts: StoredPrompt[] = inUse(
        context,
        await promptPage(db, iterationId, 0, total.learn + total.rehearse + total.calibrate),
      );
      const byPrompt = Map.groupBy(
        await samplesOf(
          db,
          prompts.map((p) => p.id),
          1,
        ),
        (sample) => sample.promptId,
      );
      const disapproved = votesAreApproved(context)
        ? await disapprovedSamples(db, context)
        : new Set<number>();
      // At temperature 0 equal samples are what was asked for, and no more votes for it.
      const drawn = [...byPrompt.values()].flat();
      const notIndependent =
        !ungated && (settings.sampling.temperature === 0 || givesCopies(repeatsOf(drawn)));
      const counted = prompts.map((prompt) => {
        const k = samplesFor(context, prompt);
        // The budget may have lowered K after more samples were drawn.
        const first = (byPrompt.get(prompt.id) ?? []).filter((sample) => sample.index < k);
        const copies = notIndependent ? copiesAmong(first) : [];
        const answers = first.map((sample, i) => {
          const votes = ungated || (isWellFormed(sample) && !disapproved.has(sample.id) && !copies[i]);
          return votes ? (sample.answer ?? undefined) : undefined;
        });
        if (answers.length !== k) {
          throw new Error(`Prompt ${prompt.id} has ${answers.length} samples of ${k}.`);
        }
        const result = vote(answers, task.sameAnswer);
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
        const copied = copies.filter(Boolean).length;
        return { prompt, result, tallies, ...independence, unreadable, copies: copied };
      });
      const known = await calibrationAnswers(db, iterationId);
      const measured = counted.flatMap(({ prompt, result, unreadable, sharedMistake }) => {
        const truth = known.get(prompt.id);
        return truth === undefined
          ? []
          : [{ level: prompt.level, truth, ...result, unreadable, sharedMistake }];
      });
      const levels = new Set(
        counted.filter(({ prompt }) => prompt.purpose !== 'rehearse').map((c) => c.prompt.level),
      );
      const required = await measureVotes(db, context, measured, [...levels]);

      const counts = settings.gates.agreement.noAnswer === 'votes';
      const rows = counted.map(({ prompt, result, ...circumstances }): typeof votes.$inferInsert => {
        const { tallies, within, across, unreadable, sharedMistake, copies } = circumstances;
        const needs = prompt.purpose === 'learn' ? required.get(prompt.level) : undefined;
        const sure = trusted(
          result,
          limits,
          ungated ? {} : { unreadable: counts ? unreadable : 0, sharedMistake, required: needs },
        );
        return {
          ...result,
          answer: result.answer ?? null,
          promptId: prompt.id,
          unreadable,
          tallies,
          within,
          across,
          sharedMistake,
          copies,
          // What only calibrates is never trained on, however sure.
          trusted: sure && prompt.purpose !== 'calibrate',
        };
      });
      await addVotes(db, rows);
      const voted = rows.length - measured.length;
      return { voted, trusted: rows.filter((row) => row.trusted).length };
    },
  };
}

export type VoteActivities = ReturnType<typeof createVoteActivities>;
