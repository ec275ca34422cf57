import { addVotes, samplesOf, type StoredPrompt } from '../db/prompts.ts';
import { countPrompts, promptPage } from '../db/prompts.ts';
import type { votes } from '../db/schema.ts';
import { trusted, vote } from '../loop/vote.ts';
import { iterationContext, type Deps } from './context.ts';
import { samplesFor } from './generate.ts';

export type Voted = { voted: number; trusted: number };

export function createVoteActivities({ db }: Deps) {
  return {
    /**
     * Evaluate, first part: the vote over each prompt's first samples. A sample whose rationale is out of
     * form or does not hang together abstains, and so does one without an answer.
     */
    async vote({ iterationId }: { iterationId: number }): Promise<Voted> {
      const context = await iterationContext(db, iterationId);
      const { settings, task } = context;
      const ungated = settings.experiment === 'ungated';
      const limits = ungated ? { min: 0, minMargin: 0 } : settings.gates.agreement;
      const total = await countPrompts(db, iterationId);
      const prompts: StoredPrompt[] = await promptPage(db, iterationId, 0, total.learn + total.rehearse);
      const byPrompt = Map.groupBy(
        await samplesOf(
          db,
          prompts.map((p) => p.id),
          1,
        ),
        (sample) => sample.promptId,
      );
      const rows: (typeof votes.$inferInsert)[] = prompts.map((prompt) => {
        const answers = (byPrompt.get(prompt.id) ?? []).map((sample) =>
          ungated || (sample.formatOk && sample.coherenceOk) ? (sample.answer ?? undefined) : undefined,
        );
        if (answers.length !== samplesFor(context, prompt)) {
          throw new Error(
            `Prompt ${prompt.id} has ${answers.length} samples of ${samplesFor(context, prompt)}.`,
          );
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
