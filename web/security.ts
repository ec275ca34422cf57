/**
 * What stands between the page and whoever calls it.
 *
 * Covers: other machines (loopback by default; anything else demands a token), DNS rebinding (the Host must be loopback, an IP
 * address or a configured name), writes from other sites (Sec-Fetch-Site and Origin), framing, script and style injection
 * (nothing inline runs, nothing is loaded from elsewhere), content sniffing, referrers, large bodies, and caches that keep a page.
 *
 * Does not cover: transport (put a proxy with TLS before it), other users of this machine while no token is set, guessing of a weak
 * token beyond slowing it down, and what the Temporal UI lets people do. Who may do what: roles.ts.
 */
import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import type { Context, MiddlewareHandler } from 'hono';
import { bearer, hostName, isLoopback } from '../process/access.ts';
import type { WebSettings } from './settings.ts';

export const SESSION = 'ratchet_session';

const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');

/** What is kept of a token: it tells whether one is the same, and is no way back to it. */
export function sessionOf(token: string): string {
  return createHash('sha256').update(`ratchet session of ${token}`).digest('hex');
}

/** Headers of every answer. */
export const headers: MiddlewareHandler = async (c, next) => {
  await next();
  const set = (name: string, value: string) => c.res.headers.set(name, value);
  set('content-security-policy', CONTENT_SECURITY_POLICY);
  set('x-content-type-options', 'nosniff');
  set('referrer-policy', 'no-referrer');
  set('x-frame-options', 'DENY');
  set('cross-origin-opener-policy', 'same-origin');
  set('cross-origin-resource-policy', 'same-origin');
  set('permissions-policy', 'camera=(), microphone=(), geolocation=(), payment=()');
  if (!c.res.headers.has('cache-control')) set('cache-control', 'no-store');
};

/** A page of another site that made its own name point here sends that name as Host. An IP address can't be made to. */
export function knownHost({ names }: Pick<WebSettings, 'names'>): MiddlewareHandler {
  return async (c, next) => {
    const host = hostName(c.req.header('host'));
    const known =
      host !== undefined &&
      (isLoopback(host) || host.endsWith('.localhost') || isIP(host) !== 0 || names.includes(host));
    if (!known)
      return c.text(
        `This page is not served under the name "${host ?? ''}". Where that is right, add it to RATCHET_WEB_NAMES.\n`,
        421,
      );
    return next();
  };
}

/** Is a write asked for by this page itself, or by a program that carries the token in its header? */
function sameOrigin(c: Context): boolean {
  const site = c.req.header('sec-fetch-site');
  if (site !== undefined) return site === 'same-origin';
  const origin = c.req.header('origin');
  if (origin !== undefined) {
    // A proxy before us may speak another scheme than we do: the authority decides.
    return URL.canParse(origin) && new URL(origin).host === (c.req.header('host') ?? '').toLowerCase();
  }
  // Browsers add no Authorization header by themselves.
  return bearer(c.req.header('authorization')) !== undefined;
}

export const writesFromHere: MiddlewareHandler = async (c, next) => {
  if (c.req.method === 'GET' || c.req.method === 'HEAD') return next();
  if (sameOrigin(c)) return next();
  return c.text(
    'Refused: this request comes from another site. Send it from the page itself, or with the token as Authorization: Bearer, or with this address as Origin.\n',
    403,
  );
};
