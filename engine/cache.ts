/**
 * What was paid for once is not paid for again: a sample or critique of any run is used where everything that
 * determines the draw is equal, so that a changed gate or parser costs no calls. Only what the model said is
 * taken over; answers are read anew.
 */
import { and, asc, inArray, sql } from 'drizzle-orm';
import type { Db } from '../db/connect.ts';
import { byCacheKey } from '../db/queries/calls.ts';
import type { Checkpoint } from '../db/queries/runs.ts';
import { audits, critiques, probes, prompts, samples } from '../db/schema.ts';
import type { ChatRequest } from '../models/chat.ts';
import type { Endpoint } from '../models/endpoint.ts';
import { digestOf } from '../process/digest.ts';
import type { CriticRequest } from '../tasks/task.ts';

const digest = (parts: unknown[]): string => digestOf(JSON.stringify(parts));

/** The fingerprint of our model server: a digest of the weights. Elsewhere it may name just a build. */
const WEIGHTS_FINGERPRINT = /^fp_[0-9a-f]{16}$/;

/** Where a model answers, and with what in each request beside what the loop sets. */
type Place = Pick<Endpoint, 'baseURL' | 'model' | 'extra'>;

/** Further fields as a part of a key, whatever their order; nothing where there are none: keys stay as they were. */
export function extraKey({ extra }: Pick<Endpoint, 'extra'>): unknown[] {
  return extra === undefined ? [] : [ordered(extra)];
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, one]) => [key, ordered(one)]));
}

/** Is the checkpoint known by its very weights? Then it does not matter where it answers. */
export function knownByWeights({ fingerprint }: Checkpoint): boolean {
  return fingerprint !== null && WEIGHTS_FINGERPRINT.test(fingerprint);
}

/** What tells a checkpoint's weights from all others: their digest where there is one, else where they answer. */
function weightsOf(endpoint: Place, checkpoint: Checkpoint): unknown[] {
  const { fingerprint } = checkpoint;
  return knownByWeights(checkpoint) ? [fingerprint] : [fingerprint, endpoint.baseURL, endpoint.model];
}

/**
 * Keys of the samples that one request draws, in the order of `indices`. The place among the reply's choices
 * and the sample's own index are both in the key: no two samples of a prompt share one, so one draw can never
 * vote twice.
 */
export function sampleKeys(
  endpoint: Place,
  checkpoint: Checkpoint,
  request: ChatRequest & { seed: number },
  indices: number[],
): string[] {
  const { messages, temperature, topP, maxTokens, seed } = request;
  const asked = [messages, temperature, topP ?? null, maxTokens, seed];
  const draw = [weightsOf(endpoint, checkpoint), ...asked, ...extraKey(endpoint)];
  return indices.map((index, place) => digest(['sample', ...draw, place, index]));
}

/** May what `fingerprint` answered be kept under the checkpoint's key? Not when other weights answered. */
export function isOf(checkpoint: Checkpoint, fingerprint: string | undefined): boolean {
  const known = checkpoint.fingerprint;
  if (known === null || fingerprint === undefined || !WEIGHTS_FINGERPRINT.test(known)) return true;
  return fingerprint === known;
}

export function critiqueKey(endpoint: Endpoint, critic: string, request: CriticRequest): string {
  return digest(['critique', critic, endpoint.baseURL, endpoint.model, request, ...extraKey(endpoint)]);
}

export type StoredSample = typeof samples.$inferSelect;
export type StoredCritique = typeof critiques.$inferSelect;

/** Stored samples by key, of any run; the oldest where there are several. */
export async function storedSamples(db: Db, keys: string[]): Promise<Map<string, StoredSample>> {
  return byCacheKey(keys, (some) =>
    db.select().from(samples).where(inArray(samples.cacheKey, some)).orderBy(asc(samples.id)),
  );
}

/**
 * Stored critiques by key, of any run; the oldest where there are several. What a critic said in another iteration whose gates were
 * tested counts only once they passed the test.
 */
export async function storedCritiques(
  db: Db,
  keys: string[],
  iterationId: number,
): Promise<Map<string, StoredCritique>> {
  const trusted = sql`not exists (select 1 from ${samples} s join ${prompts} p on p.id = s.prompt_id
    where s.id = ${critiques.sampleId} and p.iteration_id <> ${iterationId}
    and exists (select 1 from ${probes} planted where planted.iteration_id = p.iteration_id)
    and not exists (select 1 from ${audits} a where a.iteration_id = p.iteration_id and a.outcome <> 'failed'))`;
  return byCacheKey(keys, (some) =>
    db
      .select()
      .from(critiques)
      .where(and(inArray(critiques.cacheKey, some), trusted))
      .orderBy(asc(critiques.id)),
  );
}
