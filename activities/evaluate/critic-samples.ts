/** Which samples are put to the critics. Critics cost, so only work on which their word can change something. */
import type { Db } from '../../db/connect.ts';
import { promptPage, type Sample, type StoredPrompt } from '../../db/queries/prompts.ts';
import type { IterationContext } from '../../engine/context.ts';
import { votesAreApproved } from '../../engine/critic.ts';
import { climbs, inUse, samplesByPrompt, samplesFor } from '../../engine/pool.ts';
import { isWellFormed } from '../../engine/sampling.ts';
import { shuffled } from '../../tasks/random.ts';
import type { Page } from '../generate/generate.ts';
import { plantedOnPage } from './plant.ts';
import { trustedPrompts } from './resample.ts';

export type CritiquePage = Page & { when: 'before-vote' | 'after-vote' };

/** Real samples, and planted ones among them in an order that says nothing. */
export async function samplesToCriticise(
  db: Db,
  context: IterationContext,
  page: CritiquePage,
): Promise<Sample[]> {
  const { iterationId, first, count, when } = page;
  const real =
    when === 'before-vote'
      ? await votersOn(db, context, { iterationId, first, count })
      : await candidatesOn(db, context, { iterationId, first, count });
  const planted = await plantedOnPage(db, context, page);
  return planted.length === 0 ? real : shuffled([...real, ...planted], 'critique', ({ id }) => String(id));
}

async function votersOn(db: Db, context: IterationContext, { iterationId, first, count }: Page) {
  if (!votesAreApproved(context)) return [];
  const page = inUse(context, await promptPage(db, iterationId, first, count));
  const samples = await samplesByPrompt(db, page, 1);
  return page.flatMap((prompt) => votersAmong(context, prompt, samples.get(prompt.id) ?? []));
}

/**
 * The well-formed samples whose vote can matter: where fewer gave an answer than could win, or than could
 * cost a winner its lead, the critic's word on them changes nothing, so it is not asked.
 */
function votersAmong(context: IterationContext, prompt: StoredPrompt, samples: Sample[]): Sample[] {
  // Solutions by way of parts do not vote: the critic's word decides about each by itself.
  if (climbs(context, prompt)) return samples.filter((s) => s.answer !== null && isWellFormed(s));
  const { min, minMargin } = context.settings.gates.agreement;
  const k = samplesFor(context, prompt);
  const harmless = Math.min(Math.ceil(min * k) - 1, Math.floor(Math.ceil(min * k) - minMargin * k));
  const sound = samples.filter((s) => s.index < k && s.answer !== null && isWellFormed(s));
  return sound.filter(
    (s) => sound.filter((other) => context.task.sameAnswer(s.answer!, other.answer!)).length > harmless,
  );
}

async function candidatesOn(db: Db, context: IterationContext, { first, count }: Page) {
  const page = (await trustedPrompts(db, context)).slice(first, first + count);
  const samples = await samplesByPrompt(
    db,
    page.map(({ prompt }) => prompt),
  );
  return page.flatMap(({ prompt, vote }) =>
    candidatesAmong(context, vote.answer, samples.get(prompt.id) ?? []),
  );
}

/**
 * The samples that gave the trusted answer in good form: more than can be selected, so that those which the critic rejects
 * can be replaced, but not all.
 */
function candidatesAmong(context: IterationContext, answer: string, samples: Sample[]): Sample[] {
  const { settings, task } = context;
  const { perPrompt, hardPerRewrite } = settings.select;
  const taken = new Map<string, number>();
  return samples.filter((s) => {
    if (!isWellFormed(s) || s.answer === null || !task.sameAnswer(s.answer, answer)) return false;
    const again = s.round === 2;
    const quota = again ? s.rewrite : 'voted';
    const count = taken.get(quota) ?? 0;
    if (count >= 2 * (again ? hardPerRewrite : perPrompt)) return false;
    taken.set(quota, count + 1);
    return true;
  });
}
