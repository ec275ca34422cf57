/** Shows who is logged in, and ends sessions. For those who operate; where no token is set there are none. */
import { Hono } from 'hono';
import { endSessions, openSessions } from '../../db/queries/sessions.ts';
import type { Deps } from '../deps.ts';
import { SessionsPage } from '../pages/sessions.tsx';
import { frameOf, page, PageError, visitorIn } from '../render.ts';

export function sessionsRoutes(deps: Deps): Hono {
  const { db } = deps;
  return new Hono()
    .get('/sessions', async (c) =>
      page(
        c,
        <SessionsPage
          frame={frameOf(c, deps)}
          sessions={await openSessions(db)}
          own={visitorIn(c)?.session}
        />,
      ),
    )
    .post('/sessions', async (c) => {
      const { end } = await c.req.parseBody();
      if (end === 'others') await endSessions(db, { allBut: visitorIn(c)?.session ?? 0 });
      else if (typeof end === 'string' && /^[1-9]\d{0,14}$/.test(end))
        await endSessions(db, { id: Number(end) });
      else throw new PageError(400, 'Not understood', 'The form asks for nothing.');
      return c.redirect('/sessions', 303);
    });
}
