import { promptPage } from '../../db/queries/prompts.ts';
import { formsOf, iterationContext, type Deps, type IterationContext } from '../../engine/context.ts';
import type { StoredPrompt } from '../../db/queries/prompts.ts';
import type { Rewrite } from '../../tasks/task.ts';
import { acceptedParaphrases, paraphrasePage } from '../../engine/paraphrase.ts';
import { memoryFor } from '../../engine/memory/recall.ts';
import { climb } from '../../engine/ladder/climb.ts';
import { climbs, inUse, samplesFor, spread, strategiesOf } from '../../engine/pool.ts';
import type { SampleRequest } from '../../engine/sampling.ts';
import { sample, type Sampled } from '../../engine/sampling.ts';
import { addWritten } from '../../engine/written.ts';

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

/**
 * Generate: the first samples of one page of prompts, or the solutions of those that are solved by way of their parts.
 *
 * Reads: prompts, paraphrases, admitted memory, equal draws of earlier runs. Writes: paraphrases, trees, samples, with their calls
 * and what they saw of memory, and what people wrote.
 * Safe to repeat: a prompt has one sample of a round and an index, and only what is missing is asked for.
 */
export async function generatePage({ db }: Deps, { iterationId, first, count }: Page): Promise<Sampled> {
  const context = await iterationContext(db, iterationId);
  const page = inUse(context, await promptPage(db, iterationId, first, count));
  const { split = [], whole = [] } = Object.groupBy(page, (prompt) =>
    climbs(context, prompt) ? 'split' : 'whole',
  );
  const climbed = await climb(db, context, split);
  await paraphrasePage(db, context, whole);
  const paraphrases = await acceptedParaphrases(
    db,
    whole.map((prompt) => prompt.id),
  );
  const memory = await memoryFor(db, context, whole);
  const requests = whole.flatMap((prompt) =>
    firstRound(context, prompt, paraphrases.get(prompt.id)).map((one) => ({
      ...one,
      memory: memory.get(prompt.id),
    })),
  );
  const sampled = await sample(db, context, requests, {
    round: 1,
    temperature: context.settings.sampling.temperature,
    stage: 'generate',
  });
  await addWritten(db, context, whole);
  return {
    wanted: climbed.wanted + sampled.wanted,
    asked: climbed.asked + sampled.asked,
    cached: climbed.cached + sampled.cached,
  };
}
