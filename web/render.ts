import type { Context } from 'hono';
import { getCookie } from 'hono/cookie';
import type { Deps } from './deps.ts';
import type { Visitor } from './roles.ts';
import type { Frame, Theme } from './parts/layout.tsx';

/** What the app keeps of a request: who asks. */
export type WebEnv = { Variables: { visitor?: Visitor } };

export const visitorIn = (c: Context): Visitor | undefined => (c as Context<WebEnv>).get('visitor');

/** What the frame of a page takes from the request. */
export function frameOf(
  c: Context,
  { settings }: Pick<Deps, 'settings'>,
): Pick<Frame, 'theme' | 'session' | 'role'> {
  const theme = getCookie(c, 'ratchet_theme');
  return {
    theme: theme === 'light' || theme === 'dark' ? (theme as Theme) : undefined,
    session: settings.token !== undefined,
    role: settings.token === undefined ? undefined : visitorIn(c)?.role,
  };
}

/** Answers with a whole page. */
export function page(
  c: Context,
  body: object,
  status: 200 | 400 | 401 | 403 | 404 | 409 | 500 | 503 = 200,
): Response {
  // Elements are strings of markup; ours wait for nothing, so none is a promise of one.
  return c.html(`<!doctype html>${(body as { toString(): string }).toString()}`, status);
}

/** What the request asks for is not there, or is asked for wrongly; the text is shown to the visitor. */
export class PageError extends Error {
  readonly status: 400 | 404 | 409 | 503;
  readonly title: string;
  constructor(status: 400 | 404 | 409 | 503, title: string, text: string) {
    super(text);
    this.status = status;
    this.title = title;
  }
}
