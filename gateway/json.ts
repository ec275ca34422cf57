/** JSON that comes out as it went in: numbers that JavaScript would round keep their digits. */
import type { Context } from 'hono';
import { GatewayError } from './errors.ts';

type RawJson = { rawJSON(text: string): unknown };
type Reviver = (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown;

/** @throws SyntaxError */
export function parseExactly(text: string): unknown {
  const keep: Reviver = (_, value, { source }) =>
    typeof value === 'number' && source !== undefined && String(value) !== source
      ? (JSON as unknown as RawJson).rawJSON(source)
      : value;
  return JSON.parse(text, keep as Parameters<typeof JSON.parse>[1]);
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
    body = parseExactly(await c.req.text());
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new GatewayError(400, `The body is no JSON: ${error.message}`);
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new GatewayError(400, 'The body must be one JSON object.');
  return body as Record<string, unknown>;
}
