import { votedPrompts, type Sample, type StoredPrompt, type Vote } from '../../db/queries/prompts.ts';
import { formsOf, iterationContext, type Deps, type IterationContext } from '../../engine/context.ts';
import type { Page } from '../generate/generate.ts';
import { judgesBehaviour, type Rewrite } from '../../tasks/task.ts';
import { memoryFor } from '../../engine/memory/recall.ts';
import { acceptedParaphrases } from '../../engine/paraphrase.ts';
import { climbs, samplesByPrompt, wayOf } from '../../engine/pool.ts';
import { REFUSED } from '../../engine/refusals.ts';
import type { SampleRequest } from '../../engine/sampling.ts';
import { sample, type Sampled } from '../../engine/sampling.ts';

/**
 * Trusted prompts of an iteration, in order of position: what `resample` and `critique` page over. One that more
 * agree on than `gates.agreement.max` allows is trusted, but can't become an example.
 */
export async function trustedPrompts(
  db: Deps['db'],
  { iteration, settings }: IterationContext,
): Promise<{ prompt: StoredPrompt; vote: Vote & { answer: string } }[]> {
  const voted = await votedPrompts(db, iteration.id);
  const { agreement, policy } = settings.gates;
  const most = policy.agreement === 'required' ? agreement.max : 1;
  return voted.flatMap(({ prompt, vote }) =>
    vote.trusted && vote.agreement <= most && vote.answer !== null
      ? [{ prompt, vote: { ...vote, answer: vote.answer } }]
      : [],
  );
}

/** The forms that missed ŷ, each asked `resamples` times more. What was refused would be refused again. */
function secondRound(
  context: IterationContext,
  prompt: StoredPrompt,
  answer: string,
  first: Sample[],
  paraphrases: readonly Rewrite[] | undefined,
): SampleRequest[] {
  const { task, settings } = context;
  const missed = first.filter(
    (s) => s.finishReason !== REFUSED && (s.answer === null || !task.sameAnswer(s.answer, answer)),
  );
  const forms = new Map(
    formsOf(context, { ...prompt, level: prompt.level ?? undefined }, paraphrases).map((f) => [f.key, f]),
  );
  const distinct = new Map(missed.map((s) => [`${s.rewrite} ${s.strategy}`, s]));
  const n = settings.sampling.resamples;
  return [...distinct.values()].slice(0, settings.sampling.resampledRewrites).map((s, i) => ({
    prompt,
    form: forms.get(s.rewrite)!,
    strategy: wayOf(context.task, s.strategy),
    indices: Array.from({ length: n }, (_, j) => i * n + j),
  }));
}

/**
 * Evaluate, second part: once ŷ is trusted, the rewrites that missed it are sampled again, and what
 * now agrees may train too: those are the hard examples.
 *
 * Reads: votes, first samples, paraphrases, admitted memory. Writes: samples of the second round, with their calls and what they saw of it.
 * Safe to repeat: a prompt has one sample of a round and an index, and only what is missing is asked for.
 */
export async function resamplePage({ db }: Deps, { iterationId, first, count }: Page): Promise<Sampled> {
  const context = await iterationContext(db, iterationId);
  const { settings, task } = context;
  // What a program does is known before the vote alone.
  if (settings.sampling.resamples === 0 || settings.experiment === 'ungated' || judgesBehaviour(task)) {
    return { wanted: 0, asked: 0, cached: 0 };
  }
  const page = (await trustedPrompts(db, context))
    .filter(({ prompt }) => prompt.purpose === 'learn' && !climbs(context, prompt))
    .slice(first, first + count);
  const prompts = page.map(({ prompt }) => prompt);
  const firstSamples = await samplesByPrompt(db, prompts, 1);
  const paraphrases = await acceptedParaphrases(
    db,
    prompts.map(({ id }) => id),
  );
  const memory = await memoryFor(db, context, prompts);
  const requests = page.flatMap(({ prompt, vote }) =>
    secondRound(
      context,
      prompt,
      vote.answer,
      firstSamples.get(prompt.id) ?? [],
      paraphrases.get(prompt.id),
    ).map((one) => ({ ...one, memory: memory.get(prompt.id) })),
  );
  return sample(db, context, requests, {
    round: 2,
    temperature: context.settings.sampling.resampleTemperature,
    stage: 'evaluate',
  });
}
