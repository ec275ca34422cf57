/** The learners of a run's log, as they were when the run began. */
import { Hono } from 'hono';
import { learnerReport, withPractice } from '../../app/tutor/learners.ts';
import { catalogueOf } from '../../tasks/tutor/catalogue.ts';
import { misconceptionOf } from '../../tasks/tutor/further.ts';
import type { Deps } from '../deps.ts';
import { LearnersPage } from '../pages/learners.tsx';
import { frameOf, page, PageError } from '../render.ts';
import { wantedRun } from './steer.tsx';

/** Learners whose explanations and practice are written out. */
const WRITTEN_OUT = 60;
/** Practice items of each misconception. */
const ITEMS = 3;

export const learnersRoutes = (deps: Deps): Hono =>
  new Hono().get('/runs/:run/learners', async (c) => {
    const { id, taskSpec } = await wantedRun(deps, c.req.param('run'));
    const report = learnerReport(taskSpec);
    if (report === null || taskSpec.kind !== 'tutor')
      throw new PageError(404, 'No learners', 'The task of this run does not tutor.');
    const catalogue = catalogueOf(taskSpec.further.map(misconceptionOf));
    const shown = taskSpec.learners
      .slice(0, WRITTEN_OUT)
      .map((one) => withPractice(one, catalogue, { count: ITEMS, seed: 1 }));
    return page(c, <LearnersPage frame={frameOf(c, deps)} data={{ run: id, report, shown, catalogue }} />);
  });
