/** One sample with all that led to it: prompt, vote, generator, the very request, verdicts and critiques. */
import { knownByWeights, sampleKeys } from '../../engine/cache.ts';
import { iterationContext, sourceOf, type IterationContext } from '../../engine/context.ts';
import { criticOf } from '../../engine/critic.ts';
import { digestOf } from '../../process/digest.ts';
import { withMemory } from '../../engine/memory/prompt.ts';
import { paraphraseMessages } from '../../engine/paraphrase.ts';
import { strategyNamed } from '../../engine/pool.ts';
import type { Db } from '../../db/connect.ts';
import { judgedSamples, type JudgedRow } from '../../db/queries/judged-samples.ts';
import { revocationsOf, type Revocation } from '../../db/queries/revocations.ts';
import type { Checkpoint } from '../../db/queries/runs.ts';
import type { Endpoint } from '../../models/endpoint.ts';
import { errorMessage } from '../../process/errors.ts';
import { DEBATE } from '../../engine/debate/rows.ts';
import { LADDER } from '../../engine/ladder/work.ts';
import { debatesOf, type DebateWhy } from './debate.ts';
import { sandboxOf, type SandboxWhy } from './sandboxed.ts';
import { treesOf, type TreeNode } from './tree.ts';
import { storedOrigins } from './origin.ts';
import { variantOriginsOf, type VariantOrigin } from './variant.ts';
import { TEACHER } from '../../loop/words.ts';
import { visibleOf } from '../../tasks/thinking-text.ts';
import type { StoredOrigin } from './production-types.ts';
import type { Asked, CheckpointName, ReviewWhy, SampleWhy } from './types.ts';

/** A sample's place among the choices of its reply is not stored; no reply holds more. */
const MOST_CHOICES = 256;

export function nameOf(checkpoint: Checkpoint): CheckpointName {
  const { id, runId, iterationIndex, kind, model, fingerprint } = checkpoint;
  return { id, run: runId, iteration: iterationIndex, kind, model, fingerprint };
}

/** Short enough to read, long enough to tell versions apart. */
const versionOf = (request: unknown): string => digestOf(JSON.stringify(request)).slice(0, 12);

/** Where the samples came from; undefined where only the workers' environment names it and it matters. */
function placeOf(
  context: IterationContext,
  generator: Checkpoint,
): Pick<Endpoint, 'baseURL' | 'model'> | undefined {
  if (knownByWeights(generator)) return { baseURL: '', model: generator.model };
  const role = generator.iterationIndex === TEACHER ? 'teacher' : 'generator';
  const baseURL = sourceOf(role, context.settings, context.task)?.baseURL ?? process.env.MODEL_BASE_URL;
  return baseURL === undefined ? undefined : { baseURL, model: generator.model };
}

/** The request as the present code renders it, and whether it is the one that was sent. */
function askedFor({ sample, generator, memory }: JudgedRow, context: IterationContext): Asked | string {
  const { settings, task } = context;
  if (sample.strategy === LADDER) return 'no model was asked for the whole: it is put together of its parts';
  if (sample.strategy === DEBATE) return 'an agent of a debate holds it: its turns say how it was asked';
  if (sample.origin === 'person') return 'no model was asked: a person wrote it';
  const strategy = strategyNamed(task, sample.strategy);
  if (!strategy) return `the task knows no way of asking named "${sample.strategy}" any more`;
  const { temperature, resampleTemperature, topP } = settings.sampling;
  const request = {
    messages: withMemory(strategy, memory)(sample.request),
    temperature: sample.round === 1 ? temperature : resampleTemperature,
    topP,
    maxTokens: settings.sampling.maxTokens ?? task.maxTokens,
  };
  const { cacheKey, index } = sample;
  const place = placeOf(context, generator);
  let draw: Asked['draw'] = 'unknown';
  if (cacheKey !== null && place) {
    const places = Array.from({ length: MOST_CHOICES }, () => index);
    const keys = sampleKeys(place, generator, { ...request, seed: sample.seed }, places);
    draw = keys.includes(cacheKey) ? 'matches' : 'differs';
  }
  return { promptVersion: versionOf(strategy.messages('{prompt}')), ...request, draw };
}

function voteWhy({ vote, answers, calibration }: JudgedRow): SampleWhy['vote'] {
  if (!vote) return null;
  const { promptId: _, createdAt: __, tallies, ...counts } = vote;
  return {
    ...counts,
    answers: answers.map(({ answer, samples }) => ({ answer, samples })),
    tallies: tallies ?? [],
    required: calibration && {
      votes: calibration.votes,
      lead: calibration.lead,
      asked: calibration.asked,
      precision: calibration.precision,
      reason: calibration.reason,
    },
  };
}

function reviewsWhy({ decided }: JudgedRow): ReviewWhy[] {
  return decided.map(({ review, answer }) => ({
    item: review.id,
    sample: review.sampleId,
    askedFor: review.reason,
    audit: review.audit,
    decision: review.decision!,
    unseen: review.bulk,
    answer,
    correctedAnswer: review.correctedAnswer,
    reviewer: review.reviewer,
    note: review.note,
    feedback: review.feedbackId,
    at: review.decidedAt?.toISOString() ?? null,
  }));
}

function exampleWhy(
  { examples }: JudgedRow,
  as: number | undefined,
  revoked: Revocation[],
): SampleWhy['example'] {
  // What a reviewer made of it is the newer one.
  const made = examples.find((one) => one.example.id === as) ?? examples.at(-1);
  if (!made) return null;
  const { example, given } = made;
  const revocation = revoked.find((one) => one.exampleId === example.id);
  return {
    id: example.id,
    kind: example.kind,
    answer: example.answer,
    rationale: example.rationale,
    given: given && { by: given.by, source: given.source, origin: given.origin, note: given.note },
    others: examples.map((one) => one.example.id).filter((id) => id !== example.id),
    revoked: revocation
      ? { reason: revocation.reason, by: revocation.by, at: revocation.createdAt.toISOString() }
      : null,
  };
}

function patchOf({ prompt, sample }: JudgedRow, { task }: IterationContext): string | null {
  return (
    task.patch?.({ ...prompt, level: prompt.level ?? undefined }, visibleOf(sample.rationale))?.diff ?? null
  );
}

function sampleWhy(
  row: JudgedRow,
  context: IterationContext | string,
  example: SampleWhy['example'],
  stored: StoredOrigin | null,
  {
    variant,
    tree,
    debate,
    sandbox,
  }: {
    variant: VariantOrigin | undefined;
    tree: TreeNode[] | undefined;
    debate: DebateWhy | undefined;
    sandbox: Omit<SandboxWhy, 'patch'> | undefined;
  },
): SampleWhy {
  const { sample, prompt, iteration, call, generator, paraphrase } = row;
  const critic = typeof context === 'string' ? undefined : criticOf(context.task);
  return {
    prompt: {
      id: prompt.id,
      key: prompt.key,
      text: prompt.text,
      level: prompt.level,
      purpose: prompt.purpose,
      run: iteration.runId,
      iteration: iteration.index,
      stored,
      source: prompt.source,
      ...(variant ? { variant } : {}),
    },
    vote: voteWhy(row),
    sample: {
      id: sample.id,
      planted: row.planted,
      host: row.host,
      origin: sample.origin,
      writtenBy: sample.writtenBy,
      round: sample.round,
      index: sample.index,
      rewrite: sample.rewrite,
      paraphrasedBy: paraphrase
        ? {
            model: paraphrase.call.model,
            fingerprint: paraphrase.call.fingerprint,
            promptVersion: versionOf(paraphraseMessages('{prompt}')),
          }
        : null,
      strategy: sample.strategy,
      rationale: sample.rationale,
      answer: sample.answer,
      finishReason: sample.finishReason,
      completionTokens: sample.completionTokens,
      seed: sample.seed,
      cached: sample.cached,
      at: sample.createdAt.toISOString(),
    },
    generator: {
      ...nameOf(generator),
      answeredAs: call.model,
      answeredBy: sample.fingerprint,
      drawnIn: call.runId,
    },
    asked: row.planted
      ? row.plantedFrom === 'self-play'
        ? `as an adversary made it of sample ${row.host}: it fooled the critics, and was planted to test the gates`
        : 'no model: it was planted to test the gates'
      : typeof context === 'string'
        ? context
        : askedFor(row, context),
    ...(tree && sample.strategy === LADDER ? { tree } : {}),
    ...(row.memory.length > 0
      ? { memory: row.memory.map(({ id, kind, request, text }) => ({ id, kind, request, text })) }
      : {}),
    ...(debate ? { debate } : {}),
    ...(sandbox && typeof context !== 'string' && context.task.sandboxed
      ? { sandbox: { ...sandbox, patch: patchOf(row, context) } }
      : {}),
    judged: {
      verdicts: row.verdicts.map(({ gate, outcome, score, threshold, reason, advisory }) => {
        return { gate, outcome, score, threshold, reason, advisory };
      }),
      critiques: row.critiques.map(({ critique, call: judging }) => ({
        critic: critique.critic,
        outcome: critique.outcome,
        score: critique.score,
        reason: critique.reason,
        model: judging.model,
        fingerprint: judging.fingerprint,
        promptVersion:
          critic?.name === critique.critic ? versionOf(critic.request('{problem}', '{work}')) : null,
        cached: critique.cached,
      })),
      reviews: reviewsWhy(row),
    },
    example,
  };
}

/**
 * Explains samples, many at once, each once. One reader keeps what it knows of iterations from page to page.
 *
 * @param read.as examples as which samples are asked for, where a sample is more than one
 */
export function createSampleReader(
  db: Db,
): (sampleIds: number[], as?: readonly number[]) => Promise<SampleWhy[]> {
  const contexts = new Map<number, IterationContext | string>();
  async function contextOf(iterationId: number): Promise<IterationContext | string> {
    const known = contexts.get(iterationId);
    if (known !== undefined) return known;
    // A task file that this code no longer takes must not hide everything else.
    const context = await iterationContext(db, iterationId).catch(
      (error: unknown) => `the task can't be loaded: ${errorMessage(error)}`,
    );
    contexts.set(iterationId, context);
    return context;
  }
  return async (sampleIds, as = []) => {
    const rows = await judgedSamples(db, sampleIds);
    const revoked = await revocationsOf(
      db,
      rows.flatMap(({ examples }) => examples.map(({ example }) => example.id)),
    );
    const stored = await storedOrigins(
      db,
      rows.map((row) => row.prompt),
    );
    const variants = await variantOriginsOf(
      db,
      rows.map((row) => row.prompt),
    );
    const promptIds = rows.map((row) => row.prompt.id);
    const [trees, held] = [await treesOf(db, promptIds), await debatesOf(db, promptIds)];
    const checked = await sandboxOf(
      db,
      rows.map(({ sample }) => sample.id),
    );
    const all: SampleWhy[] = [];
    for (const row of rows) {
      const from = stored.get(row.prompt.storedPromptId ?? 0) ?? null;
      const own = as.find((id) => row.examples.some(({ example }) => example.id === id));
      const example = exampleWhy(row, own, revoked);
      const { id } = row.prompt;
      const led = {
        variant: variants.get(row.prompt.variantId ?? 0),
        tree: trees.get(id),
        debate: held.get(id),
        sandbox: checked.get(row.sample.id),
      };
      all.push(sampleWhy(row, await contextOf(row.iteration.id), example, from, led));
    }
    const place = new Map(sampleIds.map((id, i) => [id, i]));
    return all.toSorted((a, b) => place.get(a.sample.id)! - place.get(b.sample.id)!);
  };
}
