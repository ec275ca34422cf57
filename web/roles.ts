/** Who a visitor is: by the token in a header, or by a session that began with one. */
import type { Context } from 'hono';
import { getCookie } from 'hono/cookie';
import type { Db } from '../db/connect.ts';
import { findSession } from '../db/queries/sessions.ts';
import type { WebRole } from '../db/schema.ts';
import { bearer, sameSecret } from '../process/access.ts';
import { SESSION, sessionOf } from './security.ts';
import type { WebSettings } from './settings.ts';

/** `session`: its id, where there is one. */
export type Visitor = { role: WebRole; session?: number };

export type Tokens = Pick<WebSettings, 'token' | 'reviewToken'>;

/** What a token lets its bearer do. Both are compared, so that the time tells nothing. */
export function roleOf(given: string, { token, reviewToken }: Tokens): WebRole | undefined {
  const operates = token !== undefined && sameSecret(given, token);
  const reviews = reviewToken !== undefined && sameSecret(given, reviewToken);
  return operates ? 'operate' : reviews ? 'review' : undefined;
}

const tokenFor = (role: WebRole, { token, reviewToken }: Tokens) =>
  role === 'operate' ? token : reviewToken;

/** What a session stores of the token with which it begins. */
export const tokenDigest = (role: WebRole, tokens: Tokens): string => sessionOf(tokenFor(role, tokens)!);

/** Undefined: nobody who may come in. Where no token is set, everybody operates. */
export async function visitorOf(c: Context, db: Db, tokens: Tokens): Promise<Visitor | undefined> {
  if (tokens.token === undefined) return { role: 'operate' };
  const given = bearer(c.req.header('authorization'));
  if (given !== undefined) {
    const role = roleOf(given, tokens);
    return role && { role };
  }
  const secret = getCookie(c, SESSION);
  const session = secret ? await findSession(db, secret) : undefined;
  if (!session) return undefined;
  const { role } = session;
  const now = tokenFor(role, tokens);
  // A token that was changed ends all sessions that began with it.
  return now !== undefined && sameSecret(session.tokenDigest, sessionOf(now))
    ? { role, session: session.id }
    : undefined;
}

/** What one who reviews may send, beside looking at everything: decisions, and the end of their own session. */
const REVIEWERS_WRITE = /^(\/runs\/[^/]+\/review(\/[^/]+)?|\/logout)$/;

export const mayAsk = (role: WebRole, method: string, path: string): boolean =>
  role === 'operate' || method === 'GET' || method === 'HEAD'
    ? role === 'operate' || !/^\/(sessions|launch|discover)(\/|$)/.test(path)
    : REVIEWERS_WRITE.test(path);
