import { and, eq, inArray } from 'drizzle-orm';
import type { Db } from '../db/connect.ts';
import { addShown, type MemoryEntry } from '../db/queries/memory.ts';
import type { StoredPrompt } from '../db/queries/prompts.ts';
import { samples } from '../db/schema.ts';
import { meanTokens, withinBudget } from './budget.ts';
import { storedSamples } from './cache.ts';
import { samplerOf, seedOf, type IterationContext } from './context.ts';
import {
  askFor,
  countOf,
  missingOf,
  takeFromCache,
  untilWhole,
  type Drawing,
  type Drawn,
} from './drawing.ts';
import { withMemory } from './memory/prompt.ts';
import { count as counted } from './metrics.ts';
import type { Draw } from './pool.ts';
import { readWork } from './reading.ts';
import { allowanceOf, REFUSED } from './refusals.ts';

/** One way in which a prompt is put to the model, and the memory entries that stand before it. */
export type SampleRequest = Draw & { prompt: StoredPrompt; memory?: readonly MemoryEntry[] };

/** Samples of a page: all, those asked for now, and those taken from equal draws of earlier runs. */
export type Sampled = { wanted: number; asked: number; cached: number };

type NewSample = typeof samples.$inferInsert;
type StoredRow = { promptId: number; index: number; finishReason: string };

/** Rows in one insert: PostgreSQL takes 65,535 parameters. */
const ROWS_AT_ONCE = 1000;

/** In the task's form, with steps that hang together: only such work votes or is put to the critic. */
export function isWellFormed(sample: { formatOk: boolean; coherenceOk: boolean }): boolean {
  return sample.formatOk && sample.coherenceOk;
}

const idOf = (promptId: number, index: number) => `${promptId}/${index}`;

/** The samples that these prompts have already. */
async function storedOf(db: Db, requests: SampleRequest[], round: number): Promise<StoredRow[]> {
  const promptIds = [...new Set(requests.map((r) => r.prompt.id))];
  if (promptIds.length === 0) return [];
  return db
    .select({ promptId: samples.promptId, index: samples.index, finishReason: samples.finishReason })
    .from(samples)
    .where(and(inArray(samples.promptId, promptIds), eq(samples.round, round)));
}

function missing(requests: SampleRequest[], stored: StoredRow[]): SampleRequest[] {
  const have = new Set(stored.map((row) => idOf(row.promptId, row.index)));
  return missingOf(requests, ({ prompt }, index) => have.has(idOf(prompt.id, index)));
}

/**
 * Asks the generator for samples and stores each as it arrives, under its natural key (prompt, round,
 * index): what is stored is never asked for again, nor is what an earlier run drew under equal conditions.
 * A malformed rationale is data. Choices beyond those asked for are ignored, missing ones asked for again. What
 * the endpoint refuses for good is stored as samples that abstain, up to the page's allowance.
 *
 * @throws ModelUnavailable
 */
export async function sample(
  db: Db,
  context: IterationContext,
  requests: SampleRequest[],
  { round, temperature, stage }: { round: number; temperature: number; stage: string },
): Promise<Sampled> {
  const { run, iteration, settings, task } = context;
  const drawing = drawingOf(db, context, requests, { round, temperature, stage });
  const { what, endpoint } = drawing;

  let stored = await storedOf(db, requests, round);
  let left = missing(requests, stored);
  let cached = 0;
  // A request that was answered in parts was stored in parts, each under its own seed: look until no more is found.
  while (settings.sampling.cache && left.length > 0) {
    const hits = await takeFromCache(drawing, left, storedSamples);
    if (hits === 0) break;
    cached += hits;
    stored = await storedOf(db, requests, round);
    left = missing(requests, stored);
  }
  const asked = countOf(left);
  counted('ratchet_samples', cached, { source: 'cached' });

  const refusedIds = new Set(
    stored.filter((row) => row.finishReason === REFUSED).map((row) => idOf(row.promptId, row.index)),
  );
  const allowance = allowanceOf(what, {
    share: settings.paging.failureAllowance,
    total: requests.length,
    before: requests.filter((r) => r.indices.some((index) => refusedIds.has(idOf(r.prompt.id, index))))
      .length,
  });
  const { sample: each } = await meanTokens(db, run, settings, task);
  const first = requests[0]?.prompt.position ?? 0;
  const page = { key: `${stage}/${iteration.index}/${first}`, model: endpoint.model, units: asked, each };
  await withinBudget(db, { run, settings, task, iterationId: iteration.id }, page, () =>
    untilWhole(what, left, async (asking) => {
      await askFor(drawing, asking, allowance);
      return { asked: asking, still: missing(asking, await storedOf(db, asking, round)) };
    }),
  );
  return { wanted: countOf(requests), asked, cached };
}

function drawingOf(
  db: Db,
  context: IterationContext,
  requests: readonly SampleRequest[],
  { round, temperature, stage }: { round: number; temperature: number; stage: string },
): Drawing<SampleRequest, NewSample> {
  const { run, iteration, settings, task } = context;
  const { role, checkpoint, endpoint } = samplerOf(context);
  const shown = new Map(requests.map(({ prompt, memory = [] }) => [prompt.id, memory.map(({ id }) => id)]));
  return {
    db,
    context,
    endpoint,
    checkpoint,
    whose: { runId: run.id, iterationId: iteration.id, stage, role },
    what: `sampling from ${endpoint.model}`,
    chatRequest: ({ prompt, form, strategy, indices, memory = [] }) => ({
      messages: withMemory(strategy, memory)(form.text),
      maxTokens: settings.sampling.maxTokens ?? task.maxTokens,
      temperature,
      topP: settings.sampling.topP,
      n: indices.length,
      seed: seedOf(iteration.plan.seed, prompt.key, round, indices[0]!),
    }),
    rowOf: (request, index, drawn) => rowOf({ task, checkpoint }, round, request, index, drawn),
    refused: (row, reason) => ({
      ...row,
      answer: null,
      formatOk: false,
      formatReason: reason,
      coherenceOk: false,
      coherenceReason: reason,
    }),
    async write(to, rows, source) {
      for (let i = 0; i < rows.length; i += ROWS_AT_ONCE) {
        const added = await to
          .insert(samples)
          .values(rows.slice(i, i + ROWS_AT_ONCE))
          .onConflictDoNothing()
          .returning({ id: samples.id, promptId: samples.promptId });
        await addShown(
          to,
          added.map(({ id, promptId }) => ({ sampleId: id, entryIds: shown.get(promptId) ?? [] })),
        );
      }
      if (source === 'drawn') counted('ratchet_samples', rows.length, { source });
    },
  };
}

/** The row of one sample: what the model said, and what the task makes of it. */
function rowOf(
  { task, checkpoint }: Pick<IterationContext, 'task' | 'checkpoint'>,
  round: number,
  { prompt, form, strategy }: SampleRequest,
  index: number,
  drawn: Drawn,
): NewSample {
  const { rationale, finishReason, completionTokens } = drawn;
  const read = readWork(task, form, { text: rationale, finishReason, completionTokens });
  const unread = read.answer === null && task.unreadable?.(rationale) !== undefined;
  counted('ratchet_unread', unread ? 1 : 0, { stage: 'samples' });
  return {
    ...drawn,
    promptId: prompt.id,
    round,
    index,
    checkpointId: checkpoint.id,
    rewrite: form.key,
    strategy: strategy.name,
    request: form.text,
    ...read,
  };
}
