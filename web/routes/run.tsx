import { Hono } from 'hono';
import { listAdjustments, listMessages } from '../../db/adjustments.ts';
import { driftRows } from '../../db/drift.ts';
import { readProgress } from '../../cli/progress.ts';
import { majorityReport } from '../../cli/report.ts';
import { workflowLink } from '../../cli/temporal.ts';
import { settingsOf } from '../../loop/course.ts';
import type { Count, Remember } from '../cache.ts';
import { hasEnded, summarize, withProgress } from '../data.ts';
import type { Deps } from '../deps.ts';
import { RunPage } from '../pages/run.tsx';
import { frameOf, page } from '../render.ts';
import { wantedRun } from './steer.tsx';

const EVENTS = 40;

export function runRoutes(deps: Deps, remember: Remember, count: Count): Hono {
  const { db } = deps;
  return new Hono().get('/runs/:run', async (c) => {
    const run = await wantedRun(deps, c.req.param('run'));
    const [[summary], majority, adjustments, messages, drift, progress] = await Promise.all([
      summarize(db, remember, [run]),
      remember(`majority/${run.id}`, hasEnded(run) ? Infinity : 5_000, () => majorityReport(db, run.id)),
      listAdjustments(db, run.id),
      listMessages(db, run.id),
      driftRows(db, run.id),
      hasEnded(run) ? undefined : count(`progress/${run.id}`, 1_000, () => readProgress(db, run.id)),
    ]);
    const asked = Number(c.req.query('events'));
    return page(
      c,
      <RunPage
        frame={frameOf(c, deps)}
        data={{
          summary: progress ? withProgress(summary!, progress) : summary!,
          majority,
          adjustments,
          messages,
          drift,
          progress,
          settings: settingsOf(run.settings, adjustments, Number.MAX_SAFE_INTEGER),
          temporalLink: workflowLink(deps.ui, run.id),
          events: Number.isInteger(asked) && asked > 0 ? asked : EVENTS,
        }}
      />,
    );
  });
}
