/**
 * A fine-tuning job as a trainer tells it. The API promises the types; what came may be anything, and nothing of it may look like a
 * bug of ours further in.
 */
import OpenAI, { APIConnectionError } from 'openai';

/** Our server's additions to OpenAI's job object. */
export type Job = OpenAI.FineTuning.FineTuningJob & {
  adapter_path?: string | null;
  system_fingerprint?: string | null;
};

const record = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
/** Seconds since 1970, or a number of them. */
const seconds = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null;

/** What a job's status is once nothing more happens to it. */
export const TERMINAL: ReadonlySet<string> = new Set(['succeeded', 'failed', 'cancelled']);

/**
 * A job with an id and a status; of the other fields those that are what they should be. One that names no beginning began
 * when it was asked for.
 *
 * @throws APIConnectionError when the answer is no job: it may be asked for again
 */
export function readJob(raw: unknown): Job {
  const given = record(raw);
  const [id, status] = [text(given.id), text(given.status)];
  if (id === null || status === null) {
    const start = (JSON.stringify(raw) ?? 'nothing').slice(0, 200);
    throw new APIConnectionError({
      message: `The trainer answers with no job (an id and a status): ${start}`,
    });
  }
  const error = record(given.error);
  const said = text(error.message) ?? text(given.error);
  return {
    ...given,
    id,
    status,
    created_at: seconds(given.created_at) ?? Date.now() / 1000,
    finished_at: seconds(given.finished_at),
    trained_tokens: seconds(given.trained_tokens),
    fine_tuned_model: text(given.fine_tuned_model),
    system_fingerprint: text(given.system_fingerprint),
    adapter_path: text(given.adapter_path),
    metadata: record(given.metadata),
    method: record(given.method),
    error: said === null ? null : { ...error, message: said },
  } as unknown as Job;
}

/** Seconds from a job's beginning to its end, or until now. */
export const secondsTaken = ({ created_at: began, finished_at: ended }: Job): number =>
  Math.max(0, (ended ?? Date.now() / 1000) - began);

/** Entries of a page of a list; none where it is no list. */
export function entriesOf(page: unknown): Record<string, unknown>[] {
  const { data } = record(page);
  return Array.isArray(data) ? data.map(record) : [];
}

/** Does a page of a list say that it is not the last? */
export const hasMore = (page: unknown): boolean => record(page).has_more !== false;

/** @throws APIConnectionError when the answer has no id */
export function idIn(raw: unknown, what: string): string {
  const id = text(record(raw).id);
  if (id !== null) return id;
  throw new APIConnectionError({
    message: `The trainer answers with no ${what} (an id): ${(JSON.stringify(raw) ?? 'nothing').slice(0, 200)}`,
  });
}

/** Most steps that anybody trains for: what the column holds. */
const MOST_STEPS = 2 ** 31 - 1;

/** Whole steps from 0, or undefined. */
function steps(value: unknown): number | undefined {
  const found = seconds(value);
  return found === null ? undefined : Math.min(MOST_STEPS, Math.round(found));
}

/** Training step and total of a job's events, newest first; undefined where none tells. */
export function progressIn(
  events: readonly Record<string, unknown>[],
): { step: number; total: number; loss?: number } | undefined {
  for (const { type, data } of events) {
    const { step, total_steps: total, train_loss: loss } = record(data);
    const at = steps(step);
    if (type !== 'metrics' || at === undefined) continue;
    const known = typeof loss === 'number' && Number.isFinite(loss) ? { loss } : {};
    return { step: at, total: steps(total) ?? 0, ...known };
  }
  return undefined;
}
