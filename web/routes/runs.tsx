import { Hono } from 'hono';
import { runsPage } from '../../db/queries/overview.ts';
import type { Remember } from '../cache.ts';
import { summarize } from '../data.ts';
import type { Deps } from '../deps.ts';
import { RunsPage } from '../pages/runs.tsx';
import { frameOf, page, PageError } from '../render.ts';

const PAGE = 25;

export function runsRoutes(deps: Deps, remember: Remember): Hono {
  return new Hono().get('/', async (c) => {
    const { at, id } = c.req.query();
    if (at !== undefined && Number.isNaN(Date.parse(at)))
      throw new PageError(400, 'No such page', 'The address names no place in the list of runs.');
    const before = at !== undefined && id !== undefined ? { at, id } : undefined;
    const { runs, next } = await runsPage(deps.db, PAGE, { before });
    const summaries = await summarize(deps.db, remember, runs);
    return page(
      c,
      <RunsPage frame={frameOf(c, deps)} summaries={summaries} next={next} later={before !== undefined} />,
    );
  });
}
