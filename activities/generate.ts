import { promptPage } from '../db/prompts.ts';
import { formsOf, iterationContext, type Deps, type IterationContext } from './context.ts';
import type { StoredPrompt } from '../db/prompts.ts';
import { inUse, samplesFor, strategiesOf } from './pool.ts';
import { sample, type Sampled, type SampleRequest } from './sampling.ts';

export type Page = { iterationId: number; first: number; count: number };

/**
 * The K samples of a prompt, spread over its rewrites and the task's strategies in turn. Equal requests
 * are one call with n choices.
 */
function firstRound(context: IterationContext, prompt: StoredPrompt): SampleRequest[] {
  const forms = formsOf(context, { ...prompt, level: prompt.level ?? undefined });
  const strategies = strategiesOf(context);
  const requests = new Map<string, SampleRequest>();
  for (let index = 0; index < samplesFor(context, prompt); index++) {
    const form = forms[index % forms.length]!;
    const strategy = strategies[index % strategies.length]!;
    const id = `${form.key} ${strategy.name}`;
    const same = requests.get(id);
    if (same) same.indices.push(index);
    else requests.set(id, { prompt, form, strategy, indices: [index] });
  }
  return [...requests.values()];
}

export function createGenerateActivities({ db }: Deps) {
  return {
    /** Generate: the first samples of one page of prompts. */
    async generatePage({ iterationId, first, count }: Page): Promise<Sampled> {
      const context = await iterationContext(db, iterationId);
      const page = inUse(context, await promptPage(db, iterationId, first, count));
      const requests = page.flatMap((prompt) => firstRound(context, prompt));
      return sample(db, context, requests, {
        round: 1,
        temperature: context.settings.sampling.temperature,
        stage: 'generate',
      });
    },
  };
}

export type GenerateActivities = ReturnType<typeof createGenerateActivities>;
