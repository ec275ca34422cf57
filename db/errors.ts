/**
 * What PostgreSQL said, without what it was asked with: drizzle puts a query's parameters into its message, and they hold
 * prompts and rationales, which must not cross into workflow histories.
 */
import { ApplicationFailure } from '@temporalio/common';
import { DrizzleQueryError } from 'drizzle-orm/errors';

export const DATABASE_FAILURE = {
  /** It does not answer, or can't now: may succeed later. */
  away: 'DatabaseUnavailable',
  /** It answers, and will always say no: a bug. */
  refused: 'DatabaseRefused',
} as const;

/** SQLSTATE classes that waiting does not mend: cardinality, bad data, a broken constraint, no such column, too large. */
const REFUSALS = new Set(['21', '22', '23', '42', '54']);
/** A right that somebody can still grant. */
const NO_PRIVILEGE = '42501';

const REASON_CHARACTERS = 300;
const QUERY_CHARACTERS = 160;

const cut = (text: string, most: number) => (text.length > most ? `${text.slice(0, most)} …` : text);

/** A failed connection to a name with several addresses has its reasons within. */
function reasonOf(error: Error): string {
  if (error.message) return error.message;
  const [first] = error instanceof AggregateError ? (error.errors as Error[]) : [];
  return first?.message ?? (error as { code?: string }).code ?? error.name;
}

/** Maps the failure of a query to what Temporal and people should see; anything else is passed through. */
export function toDatabaseFailure(error: unknown): unknown {
  if (!(error instanceof DrizzleQueryError)) return error;
  const cause = error.cause ?? error;
  // PostgreSQL's own refusals have five characters, a connection's errors are words: ECONNREFUSED.
  const code = (cause as { code?: unknown }).code;
  const state = typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
  const refused = state !== undefined && REFUSALS.has(state.slice(0, 2)) && state !== NO_PRIVILEGE;
  const reason = cut(reasonOf(cause).split('\n')[0]!, REASON_CHARACTERS) + (state ? ` (${state})` : '');
  return ApplicationFailure.create({
    type: refused ? DATABASE_FAILURE.refused : DATABASE_FAILURE.away,
    message: `${refused ? 'PostgreSQL refused a query' : 'PostgreSQL'}: ${reason}\nquery: ${cut(error.query, QUERY_CHARACTERS)}`,
    nonRetryable: refused,
  });
}
