import type { MiddlewareHandler } from 'hono';
import { GatewayError } from './errors.ts';

/**
 * Refuses a body of more than so many bytes: at its declared length, or while it is read. Hono's own makes a new Request of one that
 * has no length, which this server's requests are not made for: a chunked body, and a PATCH without any, would get a 500.
 *
 * @throws GatewayError 413
 */
export function limitBody(maxBytes: number): MiddlewareHandler {
  const refuse = () => {
    // The rest of the body is not read, so nothing else can be asked over this connection.
    throw new GatewayError(413, `The body is larger than ${maxBytes} bytes.`, {
      code: 'too_large',
      headers: { connection: 'close' },
    });
  };
  return async (c, next) => {
    const chunked = c.req.raw.headers.has('transfer-encoding');
    const declared = c.req.header('content-length');
    if (declared !== undefined && !chunked) {
      if (Number.parseInt(declared, 10) > maxBytes) refuse();
    } else if (c.req.raw.body) {
      const pieces: Uint8Array[] = [];
      let size = 0;
      for await (const piece of c.req.raw.body as unknown as AsyncIterable<Uint8Array>) {
        size += piece.length;
        if (size > maxBytes) refuse();
        pieces.push(piece);
      }
      // Whoever reads the body gets what was read here.
      const whole = new Uint8Array(Buffer.concat(pieces)).buffer;
      // Hono keeps promises there, whatever its types say.
      Object.assign(c.req.bodyCache, { arrayBuffer: Promise.resolve(whole) });
    }
    await next();
  };
}
