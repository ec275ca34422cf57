import { promptPage } from '../db/prompts.ts';
import { formsOf, iterationContext, type Deps, type IterationContext } from './context.ts';
import type { StoredPrompt } from '../db/prompts.ts';
import type { Rewrite } from '../tasks/task.ts';
import { acceptedParaphrases, paraphrasePage } from './paraphrase.ts';
import { inUse, samplesFor, spread, strategiesOf } from './pool.ts';
import { sample, type Sampled, type SampleRequest } from './sampling.ts';

export type Page = { iterationId: number; first: number; count: number };

/** The K samples of a prompt. */
function firstRound(
  context: IterationContext,
  prompt: StoredPrompt,
  paraphrases: readonly Rewrite[] | undefined,
): SampleRequest[] {
  const forms = formsOf(context, { ...prompt, level: prompt.level ?? undefined }, paraphrases);
  return spread(forms, strategiesOf(context), samplesFor(context, prompt)).map((draw) => ({
    ...draw,
    prompt,
  }));
}

export function createGenerateActivities({ db }: Deps) {
  return {
    /** Generate: the first samples of one page of prompts. */
    async generatePage({ iterationId, first, count }: Page): Promise<Sampled> {
      const context = await iterationContext(db, iterationId);
      const page = inUse(context, await promptPage(db, iterationId, first, count));
      await paraphrasePage(db, context, page);
      const paraphrases = await acceptedParaphrases(
        db,
        page.map((prompt) => prompt.id),
      );
      const requests = page.flatMap((prompt) => firstRound(context, prompt, paraphrases.get(prompt.id)));
      return sample(db, context, requests, {
        round: 1,
        temperature: context.settings.sampling.temperature,
        stage: 'generate',
      });
    },
  };
}

export type GenerateActivities = ReturnType<typeof createGenerateActivities>;
