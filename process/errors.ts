/** Errors as a person reads them: one sentence that says what is wrong and what to do. */
import { redacted, redactError, saidBy } from './secrets.ts';
import { plain } from './text.ts';

/** `parked`: the run waits for an operator, and nobody waits with it (`--exit-when-parked`). */
export const EXIT = { ok: 0, failed: 1, usage: 2, parked: 3, interrupted: 130 } as const;

/** Wrong arguments or input: nothing was started. */
export class UsageError extends Error {}

function systemProblem(
  error: NodeJS.ErrnoException & { address?: string; port?: number },
): string | undefined {
  if (error.code === 'ECONNREFUSED') {
    return `Nothing answers at ${error.address ?? '?'}:${error.port ?? '?'}. Is the stack up? Start it with: ratchet up`;
  }
  if (error.code === 'ENOENT' && error.path) return `There is no file ${error.path}.`;
  if (error.code === 'EACCES' && error.path) return `${error.path} may not be read or written by this user.`;
  if (error.code === 'ENOSPC') return 'The disk is full: free some space, then run this again.';
  // PostgreSQL's own codes.
  if (error.code === '42P01')
    return 'The database lacks tables that this version needs: `ratchet up` makes them.';
  if (error.code === '3D000' || error.code === '28P01')
    return `The database refuses DATABASE_URL: ${error.message}.`;
  return undefined;
}

/** The sentence for an error; looks through wrappers for the cause that says something. */
export function errorMessage(error: unknown): string {
  const seen = new Set<unknown>();
  let message = '';
  for (
    let current: unknown = error;
    current instanceof Error && !seen.has(current);
    current = next(current)
  ) {
    seen.add(current);
    const known = systemProblem(current);
    if (known) return known;
    // drizzle's own message is the whole query; gRPC wraps the reason.
    if (current.message && !current.message.startsWith('Failed query:')) message ||= saidBy(current);
  }
  return message || redacted(String(error));
}

function next(error: Error): unknown {
  return error instanceof AggregateError ? error.errors[0] : error.cause;
}

/** Prints an error and answers the exit code for it. Stack traces only with RATCHET_DEBUG=1. */
export function reportError(error: unknown): number {
  const text = errorMessage(error)
    .split('\n')
    .map((line) => line.replace(/^(\s*)(.*)$/, (_, indent: string, rest: string) => indent + plain(rest)))
    .join('\n');
  process.stderr.write(`✗ ${text}\n`);
  if (process.env.RATCHET_DEBUG === '1') console.error(redactError(error));
  return error instanceof UsageError ? EXIT.usage : EXIT.failed;
}
