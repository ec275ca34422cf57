/** Studies: the list, and one with its claims, plots and experiments. */
import { Hono } from 'hono';
import { buildStudyReport, listed } from '../../app/discovery/report.ts';
import { findStudy } from '../../db/queries/discovery.ts';
import type { Deps } from '../deps.ts';
import { StudiesPage, StudyPage } from '../pages/studies.tsx';
import { frameOf, page, PageError } from '../render.ts';

/** Studies of a page. */
const MOST = 200;

export function studiesRoutes(deps: Deps): Hono {
  const { db } = deps;
  return new Hono()
    .get('/studies', async (c) =>
      page(c, <StudiesPage frame={frameOf(c, deps)} studies={await listed(db, MOST)} />),
    )
    .get('/studies/:id', async (c) => {
      const id = c.req.param('id');
      if (!(await findStudy(db, id)))
        throw new PageError(404, 'No such study', 'There is no study of this id.');
      return page(c, <StudyPage frame={frameOf(c, deps)} report={await buildStudyReport(db, id)} />);
    });
}
