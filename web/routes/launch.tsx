/** Starts runs and makes schedules from the launcher's form. */
import { Hono, type Context } from 'hono';
import { createSchedule } from '../../app/schedules/schedules.ts';
import { UsageError } from '../../process/errors.ts';
import { startRun } from '../../app/temporal.ts';
import { findRun } from '../../db/queries/runs.ts';
import type { Deps } from '../deps.ts';
import { readForm, type Launch, type Problems, type Values } from '../launching.ts';
import { LaunchPage } from '../pages/launch.tsx';
import { runPath } from '../parts/basics.tsx';
import { frameOf, page } from '../render.ts';
import { isStored, notStarted, typedValues } from '../starting.ts';

/** Does what the form asks for and answers where to look at it. */
async function carryOut(deps: Deps, launch: Launch): Promise<string> {
  const client = await deps.temporal();
  if (launch.kind === 'schedule') {
    const { scheduleId: id, input, spec, timing, catchUpMs } = launch;
    await createSchedule(client, { id, input, spec, timing, catchUpMs });
    return '/schedules';
  }
  const { joined } = await startRun(client, launch.runId, launch.input);
  if (joined)
    throw new UsageError(`A run "${launch.runId}" is under way already: give this one another id, or none.`);
  return (await isStored(() => findRun(deps.db, launch.runId))) ? runPath(launch.runId) : '/';
}

export function launchRoutes(deps: Deps): Hono {
  const answer = (c: Context, values: Values, problems: Problems, status: 200 | 400 | 503 = 200) =>
    page(c, <LaunchPage frame={frameOf(c, deps)} form={{ values, problems }} />, status);
  return new Hono()
    .get('/launch', (c) => answer(c, c.req.query(), new Map()))
    .post('/launch', async (c) => {
      const values = await typedValues(c);
      const { launch, problems } = await readForm(values);
      if (!launch) return answer(c, values, problems, 400);
      try {
        return c.redirect(await carryOut(deps, launch), 303);
      } catch (error) {
        const { problems: wrong, status } = notStarted(error);
        return answer(c, values, wrong, status);
      }
    });
}
