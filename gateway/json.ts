/** JSON that comes out as it went in: numbers that JavaScript would round keep their digits. */
import type { Context } from 'hono';
import { GatewayError } from './errors.ts';

/** What an endpoint may answer: where recursion is still far from its end. */
const MAX_READ_DEPTH = 1000;

type RawJson = { rawJSON(text: string): unknown };
type Reviver = (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown;

/** JSON that is nested too deep: it is not parsed. */
class TooDeep extends SyntaxError {}

/** @throws SyntaxError, also where more than `most` lists and objects lie in one another */
export function parseKeepingDigits(text: string, most = MAX_READ_DEPTH): unknown {
  const keep: Reviver = (_, value, { source }) =>
    typeof value === 'number' && source !== undefined && String(value) !== source
      ? (JSON as unknown as RawJson).rawJSON(source)
      : value;
  if (isTooDeep(text, most)) throw new TooDeep(`nested more than ${most} deep`);
  return JSON.parse(text, keep as Parameters<typeof JSON.parse>[1]);
}

function placeIn({ message }: SyntaxError): string {
  const at = /at position (\d+)/.exec(message)?.[1];
  return at === undefined ? '' : `: see position ${at}`;
}

/** Deeper than any request that means something, and far from where recursion ends. */
const MAX_DEPTH = 200;

/** How deep lists and objects of a JSON text lie in one another, without parsing it; it stops counting beyond the limit. */
export function isTooDeep(text: string, most = MAX_DEPTH): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) {
      // To the end of the string: what stands in it is none of the structure.
      for (at += 1; at < text.length && text.charCodeAt(at) !== 0x22; at++)
        if (text.charCodeAt(at) === 0x5c) at += 1;
    } else if (code === 0x5b || code === 0x7b) {
      depth += 1;
      if (depth > most) return true;
    } else if (code === 0x5d || code === 0x7d) depth -= 1;
  }
  return false;
}

/**
 * The request's JSON. A page of another site can't send this type without being asked first, which is not answered.
 *
 * @throws GatewayError
 */
export async function jsonBody(c: Context): Promise<Record<string, unknown>> {
  if (!/^application\/json\b/i.test(c.req.header('content-type') ?? ''))
    throw new GatewayError(415, 'Send the request as application/json.');
  let body: unknown;
  try {
    body = parseKeepingDigits(await c.req.text(), MAX_DEPTH);
  } catch (error) {
    if (error instanceof TooDeep) throw new GatewayError(400, `The body is ${error.message}.`);
    if (!(error instanceof SyntaxError)) throw error;
    // V8's own words quote the body.
    throw new GatewayError(400, `The body is no JSON${placeIn(error)}.`);
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new GatewayError(400, 'The body must be one JSON object.');
  return body as Record<string, unknown>;
}
