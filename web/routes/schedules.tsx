/** Schedules: the list, and what can be done to one. */
import { Hono, type Context } from 'hono';
import { errorMessage } from '../../process/errors.ts';
import {
  deleteSchedule,
  listSchedules,
  pauseSchedule,
  triggerSchedule,
  unpauseSchedule,
} from '../../app/schedules/schedules.ts';
import type { Deps } from '../deps.ts';
import { AskPage, SCHEDULE_ACTIONS, SchedulesPage, type ScheduleAction } from '../pages/schedules.tsx';
import { Answer } from '../parts/dialogue.tsx';
import { frameOf, page, PageError } from '../render.ts';

function actionOf(c: Context): ScheduleAction {
  const action = c.req.param('action')!;
  if (!Object.hasOwn(SCHEDULE_ACTIONS, action))
    throw new PageError(404, 'Nothing here', 'No such thing can be done to a schedule.');
  return action as ScheduleAction;
}

/** Does it and says what was done. @throws Error that says why it could not be */
async function act(deps: Deps, id: string, action: ScheduleAction, note: string): Promise<string> {
  const client = await deps.temporal();
  switch (action) {
    case 'pause':
      await pauseSchedule(client, id, note || `paused by ${deps.operator}`);
      return `${id} no longer fires.`;
    case 'unpause':
      await unpauseSchedule(client, id, `unpaused by ${deps.operator}`);
      return `${id} fires again.`;
    case 'trigger':
      return `The run ${(await triggerSchedule(client, id)).run} has begun.`;
    case 'delete': {
      const { running } = await deleteSchedule(client, id);
      return `${id} is deleted.${running.map((run) => ` The run ${run} goes on.`).join('')}`;
    }
  }
}

export function schedulesRoutes(deps: Deps): Hono {
  const path = '/schedules/:id/:action';
  return new Hono()
    .get('/schedules', async (c) => {
      const client = await deps.temporal().catch((error: unknown) => {
        throw new PageError(503, 'Temporal does not answer', errorMessage(error));
      });
      const schedules = await listSchedules(client, deps.db);
      return page(c, <SchedulesPage frame={frameOf(c, deps)} schedules={schedules} />);
    })
    .get(path, (c) =>
      page(c, <AskPage frame={frameOf(c, deps)} id={c.req.param('id')} action={actionOf(c)} />),
    )
    .post(path, async (c) => {
      const action = actionOf(c);
      const framed = {
        frame: frameOf(c, deps),
        section: '/schedules',
        title: SCHEDULE_ACTIONS[action].title,
        back: '/schedules',
      };
      const { note } = await c.req.parseBody();
      try {
        const answer = await act(
          deps,
          c.req.param('id'),
          action,
          typeof note === 'string' ? note.trim() : '',
        );
        return page(c, <Answer {...framed} answer={answer} />);
      } catch (error) {
        return page(c, <Answer {...framed} answer={errorMessage(error)} refused />, 409);
      }
    });
}
