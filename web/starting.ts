/** What forms that start something have in common: what was typed, whether it has begun, and what is said where it has not. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from 'hono';
import { errorMessage, UsageError } from '../process/errors.ts';
import { InvalidInputError } from '../tasks/errors.ts';
import type { Problems, Values } from './launching.ts';

export async function typedValues(c: Context): Promise<Values> {
  const values: Values = {};
  for (const [name, value] of Object.entries(await c.req.parseBody())) {
    if (typeof value === 'string') values[name] = value;
  }
  return values;
}

const PREPARED_MS = 5_000;

/** What was started is in the database once a worker has begun with it; where none is running, it waits in Temporal. */
export async function isStored(find: () => Promise<unknown>): Promise<boolean> {
  for (const deadline = Date.now() + PREPARED_MS; ; await sleep(100)) {
    if (await find()) return true;
    if (Date.now() > deadline) return false;
  }
}

/** Why nothing was started: what the visitor can mend (400), or what is not there (503). */
export function notStarted(error: unknown): { problems: Problems; status: 400 | 503 } {
  const known = error instanceof UsageError || error instanceof InvalidInputError;
  const text = known ? error.message : `Nothing was started. ${errorMessage(error)}`;
  return { problems: new Map([['', text]]), status: known ? 400 : 503 };
}
