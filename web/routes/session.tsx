/** Logging in and out, where a token is demanded. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Hono } from 'hono';
import { deleteCookie, setCookie } from 'hono/cookie';
import { beginSession, endSessions, LONGEST_MS } from '../../db/queries/sessions.ts';
import type { Deps } from '../deps.ts';
import { LoginPage } from '../pages/login.tsx';
import { frameOf, page, visitorIn } from '../render.ts';
import { roleOf, tokenDigest } from '../roles.ts';
import { SESSION } from '../security.ts';

/** Makes guessing slow. */
const WRONG_TOKEN_MS = 500;

/** Only a path of ours: "//elsewhere" and "https://elsewhere" lead away. */
const ownPath = (to: string) => (/^\/(?![/\\])[^\p{Cc}]*$/u.test(to) ? to : '/');

export function sessionRoutes(deps: Deps): Hono {
  const { token } = deps.settings;
  const { db, settings } = deps;
  const app = new Hono();
  app.get('/login', (c) =>
    token === undefined
      ? c.redirect('/')
      : page(
          c,
          <LoginPage
            frame={{ ...frameOf(c, deps), session: false }}
            wrong={false}
            to={ownPath(c.req.query('to') ?? '/')}
          />,
        ),
  );
  app.post('/login', async (c) => {
    if (token === undefined) return c.redirect('/');
    const form = await c.req.parseBody();
    const to = ownPath(typeof form.to === 'string' ? form.to : '/');
    const role = typeof form.token === 'string' ? roleOf(form.token, settings) : undefined;
    if (!role) {
      await sleep(WRONG_TOKEN_MS);
      return page(c, <LoginPage frame={{ ...frameOf(c, deps), session: false }} wrong to={to} />, 401);
    }
    const secure = new URL(c.req.url).protocol === 'https:' || c.req.header('x-forwarded-proto') === 'https';
    const agent = c.req.header('user-agent') ?? '';
    const secret = await beginSession(db, { role, tokenDigest: tokenDigest(role, settings), agent });
    setCookie(c, SESSION, secret, {
      httpOnly: true,
      sameSite: 'Strict',
      path: '/',
      secure,
      maxAge: LONGEST_MS / 1000,
    });
    return c.redirect(to, 303);
  });
  app.post('/logout', async (c) => {
    const session = visitorIn(c)?.session;
    // The cookie is worth nothing from now on, wherever else it may have got to.
    if (session !== undefined) await endSessions(db, { id: session });
    deleteCookie(c, SESSION, { path: '/' });
    return c.redirect('/login', 303);
  });
  return app;
}
