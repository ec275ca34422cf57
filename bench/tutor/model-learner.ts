/** A learner that is a model: the built-in adder with an adapter on top, trained and asked through a real model server. */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import pLimit from 'p-limit';
import { chat } from '../../models/chat.ts';
import { resolveEndpoint, type Endpoint } from '../../models/endpoint.ts';
import { createJob, deleteMade, getJob } from '../../models/fine-tuning.ts';
import { secondsTaken, TERMINAL } from '../../models/job.ts';
import { readAnswer } from '../../tasks/arithmetic/addition.ts';
import { jsonLine } from '../../tasks/jsonl.ts';
import { askedLong, workedLong } from '../../tasks/tutor/long-addition.ts';
import type { Item } from '../../tasks/tutor/skill.ts';
import type { ColumnRule } from '../../tasks/tutor/skills/addition.ts';

export const MODEL = 'arithmetic';
export const endpointAt = (url: string | undefined): Endpoint =>
  resolveEndpoint('generator', { baseURL: url }, MODEL);

/** Longest wait for one training. */
const PATIENCE_MS = 300_000;
/** Every training takes as many steps, whatever the number of items, so that only the items make a difference. */
const STEPS = 50;
const BATCH = 8;
const never = AbortSignal.timeout(2 ** 31 - 1);

export type Taught = { model: string; seconds: number; forget(): Promise<void> };

/**
 * Trains on worked items.
 *
 * @param options.on the model or adapter that goes on learning
 * @param options.rule how the items are worked; without it, rightly
 */
export async function teach(
  endpoint: Endpoint,
  items: readonly Item[],
  { on, rule, seed, steps = STEPS }: { on: string; rule?: ColumnRule; seed: number; steps?: number },
): Promise<Taught> {
  const rows = items.map((item) => {
    const work = workedLong(item, rule);
    if (work === undefined) throw new Error(`${item.text} can't be written in the model's form by this rule`);
    return {
      messages: [
        { role: 'user', content: askedLong(item) },
        { role: 'assistant', content: work },
      ],
    };
  });
  const batchSize = Math.min(BATCH, rows.length);
  const epochs = Math.max(1, Math.round((steps * batchSize) / rows.length));
  const options = {
    key: randomUUID(),
    model: on,
    dataset: rows.map(jsonLine).join('\n'),
    parameters: { epochs, batchSize },
    seed,
    suffix: 'tutor',
  };
  let job = await createJob(endpoint, options, never);
  const deadline = Date.now() + PATIENCE_MS;
  while (!TERMINAL.has(job.status)) {
    if (Date.now() > deadline) throw new Error(`the training ${job.id} takes too long`);
    await pause(200);
    job = await getJob(endpoint, job.id, never);
  }
  if (job.status !== 'succeeded' || !job.fine_tuned_model)
    throw new Error(`the training ${job.id} ${job.status}: ${JSON.stringify(job.error)}`);
  const made = job;
  return {
    model: job.fine_tuned_model,
    seconds: secondsTaken(job),
    forget: () => deleteMade(endpoint, made, never),
  };
}

const limit = pLimit(64);

/** What the model answers to each, greedily; null where nothing can be read. */
export function answersOf(
  endpoint: Endpoint,
  model: string,
  items: readonly Item[],
): Promise<(string | null)[]> {
  return Promise.all(
    items.map((item) =>
      limit(async () => {
        const request = {
          messages: [{ role: 'user' as const, content: askedLong(item) }],
          maxTokens: 120,
          temperature: 0,
        };
        const { choices } = await chat({ ...endpoint, model }, request, never);
        return readAnswer(choices[0]!.text) ?? null;
      }),
    ),
  );
}
