import {
  addVotes,
  countPrompts,
  firstCritiques,
  promptPage,
  samplesOf,
  type StoredPrompt,
} from '../db/prompts.ts';
import type { votes } from '../db/schema.ts';
import { opinionOf } from '../gates/critique.ts';
import { trusted, vote } from '../loop/vote.ts';
import type { Db } from '../db/connect.ts';
import { iterationContext, type Deps, type IterationContext } from './context.ts';
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

export function createVoteActivities({ db }: Deps) {
  return {
    /**
     * Evaluate: the vote over each prompt's first samples. A sample whose rationale is out of form or does
     * not hang together abstains, and so does one without an answer or, by configuration, one that the
     * critic does not pass.
     */
    async vote({ iterationId }: { iterationId: number }): Promise<Voted> {
      const context = await iterationContext(db, iterationId);
      const { settings, task } = context;
      const ungated = settings.experiment === 'ungated';
      const limits = ungated ? { min: 0, minMargin: 0 } : settings.gates.agreement;
      const total = await countPrompts(db, iterationId);
      const prompts: StoredPrompt[] = inUse(
        context,
        await promptPage(db, iterationId, 0, total.learn + total.rehearse),
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
      const rows: (typeof votes.$inferInsert)[] = prompts.map((prompt) => {
        const k = samplesFor(context, prompt);
        // The budget may have lowered K after more samples were drawn.
        const first = (byPrompt.get(prompt.id) ?? []).filter((sample) => sample.index < k);
        const answers = first.map((sample) => {
          const votes = ungated || (isWellFormed(sample) && !disapproved.has(sample.id));
          return votes ? (sample.answer ?? undefined) : undefined;
        });
        if (answers.length !== k) {
          throw new Error(`Prompt ${prompt.id} has ${answers.length} samples of ${k}.`);
        }
        const result = vote(answers, task.sameAnswer);
        return {
          ...result,
          answer: result.answer ?? null,
          promptId: prompt.id,
          trusted: trusted(result, limits),
        };
      });
      await addVotes(db, rows);
      return { voted: rows.length, trusted: rows.filter((row) => row.trusted).length };
    },
  };
}

export type VoteActivities = ReturnType<typeof createVoteActivities>;
