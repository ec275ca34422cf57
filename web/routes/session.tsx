/** Logging in and out, where a token is demanded. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Hono } from 'hono';
import { deleteCookie, setCookie } from 'hono/cookie';
import type { Deps } from '../deps.ts';
import { LoginPage } from '../pages/login.tsx';
import { frameOf, page } from '../render.ts';
import { sameSecret } from '../../net/access.ts';
import { SESSION, sessionOf } from '../security.ts';

/** Makes guessing slow. */
const WRONG_TOKEN_MS = 500;

/** Only a path of ours: "//elsewhere" and "https://elsewhere" lead away. */
const ownPath = (to: string) => (/^\/(?![/\\])[^\p{Cc}]*$/u.test(to) ? to : '/');

export function sessionRoutes(deps: Deps): Hono {
  const { token } = deps.settings;
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
    if (typeof form.token !== 'string' || !sameSecret(form.token, token)) {
      await sleep(WRONG_TOKEN_MS);
      return page(c, <LoginPage frame={{ ...frameOf(c, deps), session: false }} wrong to={to} />, 401);
    }
    const secure = new URL(c.req.url).protocol === 'https:' || c.req.header('x-forwarded-proto') === 'https';
    setCookie(c, SESSION, sessionOf(token), {
      httpOnly: true,
      sameSite: 'Strict',
      path: '/',
      secure,
      maxAge: 30 * 86_400,
    });
    return c.redirect(to, 303);
  });
  app.post('/logout', (c) => {
    deleteCookie(c, SESSION, { path: '/' });
    return c.redirect('/login', 303);
  });
  return app;
}
