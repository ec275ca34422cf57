import { promptPage } from '../../db/queries/prompts.ts';
import { formsOf, iterationContext, type Deps } from '../../engine/context.ts';
import { inUse, samplesByPrompt, wayOf } from '../../engine/pool.ts';
import { asksForProof } from '../../engine/sandboxed.ts';
import { sample, type Sampled, type SampleRequest } from '../../engine/sampling.ts';
import { storedVerifications } from '../../engine/verify.ts';
import type { Page } from '../generate/generate.ts';

const NONE: Sampled = { wanted: 0, asked: 0, cached: 0 };

/**
 * Evaluate, before the vote: prompts none of whose samples hold, while the sandbox could not prove one, are sampled again in the way of
 * asking that brings proof.
 *
 * Reads: prompts, first samples and what the sandbox said of them. Writes: samples of the second round, with their calls.
 * Safe to repeat: which prompts they are depends on first samples alone, and only what is missing is asked for.
 */
export async function moreProofPage({ db }: Deps, { iterationId, first, count }: Page): Promise<Sampled> {
  const context = await iterationContext(db, iterationId);
  const { settings, task } = context;
  const proof = task.sandboxed?.proof;
  if (!proof || !asksForProof(context)) return NONE;
  const page = inUse(context, await promptPage(db, iterationId, first, count)).filter(
    ({ purpose }) => purpose === 'learn',
  );
  const drawn = await samplesByPrompt(db, page, 1);
  const said = await storedVerifications(
    db,
    page.flatMap((prompt) =>
      (drawn.get(prompt.id) ?? []).map((one) => ({ sample: one, prompt, agrees: true })),
    ),
  );
  const requests = page.flatMap((prompt): SampleRequest[] => {
    const verdicts = (drawn.get(prompt.id) ?? []).flatMap(({ id }) => said.get(id) ?? []);
    if (verdicts.some(({ ok }) => ok) || !verdicts.some((verdict) => proof.lacks(verdict))) return [];
    const [form] = formsOf(context, { ...prompt, level: prompt.level ?? undefined });
    const indices = Array.from({ length: settings.sampling.resamples }, (_, i) => i);
    return [{ prompt, form: form!, strategy: wayOf(task, proof.strategy), indices }];
  });
  if (requests.length === 0) return NONE;
  const { resampleTemperature: temperature } = settings.sampling;
  return sample(db, context, requests, { round: 2, temperature, stage: 'evaluate' });
}
