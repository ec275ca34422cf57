/** Starts runs and makes schedules from the launcher's form. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Hono, type Context } from 'hono';
import { createSchedule } from '../../app/schedules/schedules.ts';
import { errorMessage, UsageError } from '../../process/errors.ts';
import { startRun } from '../../app/temporal.ts';
import type { Db } from '../../db/connect.ts';
import { findRun } from '../../db/queries/runs.ts';
import type { Deps } from '../deps.ts';
import { readForm, type Launch, type Problems, type Values } from '../launching.ts';
import { LaunchPage } from '../pages/launch.tsx';
import { runPath } from '../parts/basics.tsx';
import { frameOf, page } from '../render.ts';

const PREPARED_MS = 5_000;

/** Does what the form asks for and answers where to look at it. */
async function carryOut(deps: Deps, launch: Launch): Promise<string> {
  const client = await deps.temporal();
  if (launch.kind === 'schedule') {
    const { scheduleId: id, input, timing, catchUpMs } = launch;
    await createSchedule(client, { id, input, timing, catchUpMs });
    return '/schedules';
  }
  const { joined } = await startRun(client, launch.runId, launch.input);
  if (joined)
    throw new UsageError(`A run "${launch.runId}" is under way already: give this one another id, or none.`);
  return (await isStored(deps.db, launch.runId)) ? runPath(launch.runId) : '/';
}

/** A run is in the database once a worker has prepared it; where none is running, it waits in Temporal. */
async function isStored(db: Db, runId: string): Promise<boolean> {
  for (const deadline = Date.now() + PREPARED_MS; ; await sleep(100)) {
    if (await findRun(db, runId)) return true;
    if (Date.now() > deadline) return false;
  }
}

export function launchRoutes(deps: Deps): Hono {
  const answer = (c: Context, values: Values, problems: Problems, status: 200 | 400 | 503 = 200) =>
    page(c, <LaunchPage frame={frameOf(c, deps)} form={{ values, problems }} />, status);
  return new Hono()
    .get('/launch', (c) => answer(c, c.req.query(), new Map()))
    .post('/launch', async (c) => {
      const values: Values = {};
      for (const [name, value] of Object.entries(await c.req.parseBody())) {
        if (typeof value === 'string') values[name] = value;
      }
      const { launch, problems } = await readForm(values);
      if (!launch) return answer(c, values, problems, 400);
      try {
        return c.redirect(await carryOut(deps, launch), 303);
      } catch (error) {
        const known = error instanceof UsageError;
        const text = known ? error.message : `Nothing was started. ${errorMessage(error)}`;
        return answer(c, values, new Map([['', text]]), known ? 400 : 503);
      }
    });
}
