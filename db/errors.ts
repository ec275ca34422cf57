/**
 * What PostgreSQL said, without what it was asked with: drizzle puts a query's parameters into its message, and they hold
 * prompts and rationales, which must not cross into workflow histories.
 */
import { ApplicationFailure } from '@temporalio/common';
import { DrizzleQueryError } from 'drizzle-orm/errors';
import { FAILURE } from '../loop/failures.ts';
import { saidBy } from '../process/secrets.ts';

/** SQLSTATE classes that waiting does not mend: cardinality, bad data, a broken constraint, no such column, too large. */
const REFUSALS = new Set(['21', '22', '23', '42', '54']);
/** A right that somebody can still grant. */
const NO_PRIVILEGE = '42501';

const REASON_CHARACTERS = 300;
const QUERY_CHARACTERS = 160;

const cut = (text: string, most: number) => (text.length > most ? `${text.slice(0, most)} …` : text);

/** A failed connection to a name with several addresses has its reasons within. */
function reasonOf(error: Error): string {
  if (error.message) return saidBy(error);
  const [first] = error instanceof AggregateError ? (error.errors as Error[]) : [];
  return first?.message ?? (error as { code?: string }).code ?? error.name;
}

/** What pg says of a connection, outside of any query: at a transaction's end, or where none was to be had. */
const LOST =
  /^(Connection terminated|Query read timeout|timeout exceeded when trying to connect|the database did not answer|Client has encountered a connection error)/;

/** Maps the failure of a query to what Temporal and people should see; anything else is passed through. */
export function toDatabaseFailure(error: unknown): unknown {
  if (!(error instanceof DrizzleQueryError)) {
    if (!(error instanceof Error) || !LOST.test(error.message)) return error;
    const message = `PostgreSQL: ${cut(reasonOf(error), REASON_CHARACTERS)}`;
    return ApplicationFailure.create({ type: FAILURE.databaseUnavailable, message, nonRetryable: false });
  }
  const cause = error.cause ?? error;
  // PostgreSQL's own refusals have five characters, a connection's errors are words: ECONNREFUSED.
  const code = (cause as { code?: unknown }).code;
  const state = typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
  const refused = state !== undefined && REFUSALS.has(state.slice(0, 2)) && state !== NO_PRIVILEGE;
  const reason = cut(reasonOf(cause).split('\n')[0]!, REASON_CHARACTERS) + (state ? ` (${state})` : '');
  return ApplicationFailure.create({
    type: refused ? FAILURE.databaseRefused : FAILURE.databaseUnavailable,
    message: `${refused ? 'PostgreSQL refused a query' : 'PostgreSQL'}: ${reason}\nquery: ${cut(error.query, QUERY_CHARACTERS)}`,
    nonRetryable: refused,
  });
}
