/**
 * Plants bad samples among the real ones. Each stands where a real sample does and goes the way of all: to the critics, through the task's
 * verification, before the gates. It never votes, and the database keeps it out of examples, datasets and reviews.
 */
import { ADVERSARIAL, PROBE_KINDS, type ProbeKind } from '../../loop/words.ts';
import { addProbes, countProbes, plantedSamples } from '../../db/queries/probes.ts';
import { foundBefore, promptsToPlant } from '../../db/queries/self-play.ts';
import { countPrompts, promptPage, type Sample, type StoredPrompt } from '../../db/queries/prompts.ts';
import { storableText } from '../../db/storable.ts';
import type { Db } from '../../db/connect.ts';
import { vote } from '../../loop/vote.ts';
import { visibleOf } from '../../tasks/thinking-text.ts';
import { mutate } from '../../tasks/mutate.ts';
import { withVisible } from '../../tasks/thinking.ts';
import { priority, shuffled } from '../../tasks/random.ts';
import { type Rewrite } from '../../tasks/task.ts';
import { plantsProbes, playsAdversary } from '../../engine/probes.ts';
import { formsOf, iterationContext, seedOf, type Deps, type IterationContext } from '../../engine/context.ts';
import { votesAreApproved } from '../../engine/critic.ts';
import type { CritiquePage } from './critic-samples.ts';
import { inUse, samplesByPrompt } from '../../engine/pool.ts';
import { readWork } from '../../engine/reading.ts';
import { REFUSED } from '../../engine/refusals.ts';
import { trustedPrompts } from './resample.ts';
import { isWellFormed } from '../../engine/sampling.ts';

/** Places to try for one probe: not every sample can be made into every kind. */
const MOST_HOSTS = 40;

/** A real sample in whose place a bad one can stand. */
type Host = {
  prompt: StoredPrompt;
  sample: Sample;
  form: Rewrite;
  /** Answers to the prompt that the model gave, and the one that most samples give. */
  given: string[];
  likely: string | undefined;
  /** Share of the samples that give it. */
  share: number;
};

async function hostsOf(db: Db, context: IterationContext): Promise<Host[]> {
  const { iteration, task } = context;
  const count = await countPrompts(db, iteration.id);
  const all = inUse(
    context,
    await promptPage(db, iteration.id, 0, count.learn + count.rehearse + count.calibrate),
  );
  const learn = all.filter((prompt) => prompt.purpose === 'learn');
  const pool = learn.length > 0 ? learn : all.filter((prompt) => prompt.purpose === 'rehearse');
  const byPrompt = await samplesByPrompt(db, pool, 1);
  return pool.flatMap((prompt) => {
    const drawn = (byPrompt.get(prompt.id) ?? []).filter((sample) => sample.finishReason !== REFUSED);
    const answers = drawn.map((s) => (isWellFormed(s) ? (s.answer ?? undefined) : undefined));
    const { answer, agreement } = vote(answers, task.sameAnswer);
    const seed = `${iteration.plan.seed}/hosts`;
    const [sample] = shuffled(
      drawn.filter((s) => answer === undefined || (s.answer !== null && task.sameAnswer(s.answer, answer))),
      seed,
      ({ index }) => `${prompt.key}/${index}`,
    );
    const form =
      sample &&
      formsOf(context, { ...prompt, level: prompt.level ?? undefined }).find((f) => f.key === sample.rewrite);
    if (!sample || !form) return [];
    const given = drawn.flatMap((s) => (s.answer === null ? [] : [s.answer]));
    return [{ prompt, sample, form, given, likely: answer, share: agreement }];
  });
}

/** Hosts in the order in which they are tried. What is altered should be right, so where most agree comes first. */
function inOrder(hosts: Host[], seed: string, alters: boolean): Host[] {
  const mixed = shuffled(hosts, seed, ({ prompt }) => prompt.key);
  return alters ? mixed.toSorted((a, b) => b.share - a.share) : mixed;
}

/** A bad sample with what makes it a probe. */
type Planted = Parameters<typeof addProbes>[1][number];

type Made = { host: Host; kind: ProbeKind; origin: 'task' | 'mutation'; rationale: string };

function makeProbe(
  context: IterationContext,
  hosts: Host[],
  kind: ProbeKind,
  number: number,
): Made | undefined {
  const { iteration, task } = context;
  const seed = `${iteration.plan.seed}/probe/${kind}/${number}`;
  for (const host of inOrder(hosts, seed, false).slice(0, MOST_HOSTS)) {
    const { prompt, form } = host;
    const problem = { prompt: { ...prompt, level: prompt.level ?? undefined }, text: form.text };
    const rationale = task.probe?.(kind, { ...problem, seed: seedOf(seed) });
    if (rationale !== undefined) return { host, kind, origin: 'task', rationale };
  }
  const alterable = inOrder(
    hosts.filter(({ likely, sample }) => likely !== undefined && isWellFormed(sample)),
    seed,
    true,
  );
  // Each number begins elsewhere, so that they don't all alter the same sample.
  const from = alterable.length === 0 ? 0 : number % alterable.length;
  const rotated = [...alterable.slice(from), ...alterable.slice(0, from)].slice(0, MOST_HOSTS);
  for (const [i, host] of rotated.entries()) {
    const others = alterable.filter((one) => one.prompt.id !== host.prompt.id);
    const other = others[Math.floor(priority(seed, `other/${i}`) * others.length)]?.sample;
    const rationale = withVisible(host.sample.rationale, (visible) =>
      mutate(
        kind,
        task,
        { ...host.sample, rationale: visible },
        { other: other && { ...other, rationale: visibleOf(other.rationale) }, seed: `${seed}/${i}` },
      ),
    );
    if (rationale === undefined) continue;
    const read = task.readAnswer(rationale);
    const answer = read === undefined ? undefined : host.form.mapBack(read);
    if (answer === undefined) continue;
    // An answer that the model gave might be right after all.
    const known = host.given.some((one) => task.sameAnswer(one, answer));
    const right = task.sameAnswer(answer, host.likely!);
    if (right || !known) return { host, kind, origin: 'mutation', rationale };
  }
  return undefined;
}

/** The row of a planted sample: that of its host with the bad work, read as all work is. */
function rowOf({ task }: IterationContext, { host, rationale: made }: Made, index: number) {
  const { sample, form, prompt } = host;
  const planted = inPlaceOf(sample, storableText(made));
  const { rationale: text, finishReason, completionTokens } = planted;
  return {
    ...planted,
    promptId: prompt.id,
    index,
    ...readWork(task, form, { text, finishReason, completionTokens }),
  };
}

/** Planted work as if it had been drawn as a sample was. */
function inPlaceOf(sample: Sample, rationale: string) {
  const { checkpointId, callId, rewrite, strategy, request, fingerprint, seed } = sample;
  const perCharacter = sample.completionTokens / Math.max(1, sample.rationale.length);
  return {
    checkpointId,
    callId,
    rewrite,
    strategy,
    request,
    fingerprint,
    seed,
    origin: 'planted' as const,
    round: 0,
    rationale,
    finishReason: 'stop',
    completionTokens: Math.round(perCharacter * rationale.length),
  };
}

/** What an adversary found in earlier iterations, as it stood before the critics then, on the problem that it is work on. */
async function foundRows(db: Db, context: IterationContext, first: number): Promise<Planted[]> {
  const { iteration, run, settings } = context;
  const most = playsAdversary(settings) ? settings.strategy.selfPlay.plant : 0;
  const known = await foundBefore(db, run.id, iteration.index, most);
  const pool = await promptsToPlant(
    db,
    iteration.id,
    known.map(({ prompt }) => prompt),
  );
  return known.flatMap(({ found, sample, prompt }, i) => {
    const on = pool.get(prompt.key);
    if (!on) return [];
    const fine = 'as an adversary made it of good work';
    return [
      {
        sample: {
          ...inPlaceOf(sample, found.rationale),
          answer: found.answer,
          promptId: on.id,
          index: first + i,
          formatOk: true,
          formatReason: fine,
          coherenceOk: true,
          coherenceReason: fine,
        },
        probe: {
          iterationId: iteration.id,
          kind: ADVERSARIAL,
          origin: 'self-play' as const,
          hostSampleId: sample.id,
        },
      },
    ];
  });
}

/**
 * The planted samples that are put to the critics with a page: spread over the pages, and, like real ones, only where they are in form
 * and give an answer.
 */
export async function plantedOnPage(
  db: Db,
  context: IterationContext,
  { iterationId, first, count, when }: CritiquePage,
): Promise<Sample[]> {
  if (when === 'before-vote' && !votesAreApproved(context)) return [];
  const planted = await plantedSamples(db, iterationId);
  if (planted.length === 0) return [];
  const pool = when === 'before-vote' ? await countPrompts(db, iterationId) : undefined;
  const total = pool
    ? pool.learn + pool.rehearse + pool.calibrate
    : (await trustedPrompts(db, context)).length;
  return planted
    .filter((_, i) => {
      const place = Math.floor((i * total) / planted.length);
      return place >= first && place < first + count;
    })
    .map(({ sample }) => sample)
    .filter((sample) => isWellFormed(sample) && sample.answer !== null);
}

/**
 * Evaluate, first of all: plants bad samples of every kind, made by the task or of the iteration's own samples, and what an adversary
 * found before.
 *
 * Reads: prompts, first samples, tries of earlier iterations. Writes: probes with their samples. Safe to repeat: nothing is planted where anything is.
 */
export async function plantProbes(
  { db }: Deps,
  { iterationId }: { iterationId: number },
): Promise<{ planted: number }> {
  const context = await iterationContext(db, iterationId);
  const known = await countProbes(db, iterationId);
  if (known > 0 || !plantsProbes(context.settings)) return { planted: known };
  const hosts = await hostsOf(db, context);
  const { perKind } = context.settings.probes;
  const made = Array.from({ length: perKind }, (_, number) =>
    PROBE_KINDS.map((kind) => makeProbe(context, hosts, kind, number)),
  ).flat();
  const planted = made
    .filter((one) => one !== undefined)
    .map((one, index) => ({
      sample: rowOf(context, one, index),
      probe: { iterationId, kind: one.kind, origin: one.origin, hostSampleId: one.host.sample.id },
    }));
  await addProbes(db, [...planted, ...(await foundRows(db, context, planted.length))]);
  return { planted: await countProbes(db, iterationId) };
}
