/** One sample with all that led to it: prompt, vote, generator, the very request, verdicts and critiques. */
import { knownByWeights, sampleKeys } from '../activities/cache.ts';
import { endpointOf, iterationContext, type IterationContext } from '../activities/context.ts';
import { criticOf } from '../activities/critic.ts';
import { digestOf } from '../activities/dataset.ts';
import type { Db } from '../db/connect.ts';
import { judgedSamples, type JudgedRow } from '../db/lineage.ts';
import { revocationsOf, type Revocation } from '../db/revocations.ts';
import type { Checkpoint } from '../db/runs.ts';
import { EndpointError, type Endpoint } from '../models/endpoint.ts';
import { errorMessage } from './errors.ts';
import { storedOrigins } from './why-origin.ts';
import type { Asked, CheckpointName, StoredOrigin, SampleWhy } from './why-types.ts';

/** Strategy of what came from outside the run. */
const GIVEN = 'given';

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
  try {
    return endpointOf('generator', context.settings, context.task, generator);
  } catch (error) {
    if (error instanceof EndpointError) return undefined;
    throw error;
  }
}

/** The request as the present code renders it, and whether it is the one that was sent. */
function askedFor({ sample, generator }: JudgedRow, context: IterationContext): Asked | string {
  const { settings, task } = context;
  if (sample.strategy === GIVEN) return 'no model was asked: a person wrote it';
  const known = [...task.strategies, ...(task.alternatives ?? [])];
  const strategy = known.find((one) => one.name === sample.strategy);
  if (!strategy) return `the task knows no way of asking named "${sample.strategy}" any more`;
  const { temperature, resampleTemperature, topP } = settings.sampling;
  const request = {
    messages: strategy.messages(sample.request),
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

function sampleWhy(
  row: JudgedRow,
  context: IterationContext | string,
  revoked: Revocation[],
  stored: StoredOrigin | null,
): SampleWhy {
  const { sample, prompt, iteration, vote, call, generator, example } = row;
  const revocation = revoked.find((one) => one.exampleId === example?.id);
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
    },
    vote: vote && {
      answer: vote.answer,
      votes: vote.votes,
      runnerUpVotes: vote.runnerUpVotes,
      samples: vote.samples,
      agreement: vote.agreement,
      margin: vote.margin,
      trusted: vote.trusted,
    },
    sample: {
      id: sample.id,
      planted: row.planted,
      round: sample.round,
      index: sample.index,
      rewrite: sample.rewrite,
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
      ? 'no model: it was planted to test the gates'
      : typeof context === 'string'
        ? context
        : askedFor(row, context),
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
    },
    example: example && {
      id: example.id,
      kind: example.kind,
      answer: example.answer,
      revoked: revocation
        ? { reason: revocation.reason, by: revocation.by, at: revocation.createdAt.toISOString() }
        : null,
    },
  };
}

/** Explains samples, many at once. One reader keeps what it knows of iterations from page to page. */
export function createSampleReader(db: Db): (sampleIds: number[]) => Promise<SampleWhy[]> {
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
  return async (sampleIds) => {
    const rows = await judgedSamples(db, sampleIds);
    const revoked = await revocationsOf(
      db,
      rows.flatMap(({ example }) => (example ? [example.id] : [])),
    );
    const stored = await storedOrigins(
      db,
      rows.map((row) => row.prompt),
    );
    const all: SampleWhy[] = [];
    for (const row of rows) {
      const from = stored.get(row.prompt.storedPromptId ?? 0) ?? null;
      all.push(sampleWhy(row, await contextOf(row.iteration.id), revoked, from));
    }
    const place = new Map(sampleIds.map((id, i) => [id, i]));
    return all.toSorted((a, b) => place.get(a.sample.id)! - place.get(b.sample.id)!);
  };
}
