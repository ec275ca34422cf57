/** Tells a run what a visitor asks for: as a workflow update, whose answer or refusal is shown. */
import { Hono, type Context } from 'hono';
import { listAdjustments } from '../../db/queries/adjustments.ts';
import { evaluationRows } from '../../db/queries/overview.ts';
import { checkpointRows, type RunRow } from '../../db/queries/report.ts';
import { baseAndBest, findRun } from '../../db/queries/runs.ts';
import { errorMessage, UsageError } from '../../process/errors.ts';
import { Refused, sendMessage, startAgain, whatIsDone } from '../../app/runs/steer.ts';
import { workflowState } from '../../app/temporal.ts';
import type { MessageArgs } from '../../loop/control.ts';
import { settingsOf } from '../../loop/course.ts';
import { scoresOf } from '../data.ts';
import type { Deps } from '../deps.ts';
import { SteerPage, type SteerData } from '../pages/steer.tsx';
import { runPath } from '../parts/basics.tsx';
import { Answer } from '../parts/dialogue.tsx';
import { frameOf, page, PageError } from '../render.ts';
import { ACTIONS, argsOf, type Action } from '../steering.ts';

export async function wantedRun({ db }: Deps, runId: string): Promise<RunRow> {
  const run = await findRun(db, runId);
  if (!run) throw new PageError(404, 'No such run', `There is no run "${runId}".`);
  return run;
}

async function dataFor(deps: Deps, run: RunRow, action: Action): Promise<SteerData> {
  const { db } = deps;
  const [rows, scores, adjustments, ends] = await Promise.all([
    action.asks === 'checkpoint' ? checkpointRows(db, [run.id]) : [],
    action.asks === 'checkpoint' ? evaluationRows(db, [run.id]) : [],
    listAdjustments(db, run.id),
    action.asks === 'checkpoint' ? baseAndBest(db, run.id).catch(() => undefined) : undefined,
  ]);
  const checkpoints = rows.map((row) => ({
    row,
    scores: scoresOf(scores, row.id),
    best: row.id === ends?.best.id,
  }));
  // What holds from the next iteration on, all adjustments begun.
  const { budget } = settingsOf(run.settings, adjustments, Number.MAX_SAFE_INTEGER);
  return { runId: run.id, action, checkpoints, budget };
}

/** What the run answers, in lines. @throws UsageError when it refuses */
async function tell(deps: Deps, run: RunRow, action: Action, args: MessageArgs): Promise<string[]> {
  const client = await deps.temporal();
  const open = (await workflowState(client, run.id)).state === 'open';
  if (!open && action.startsAgain) {
    const done = await whatIsDone(deps.db, run.id);
    await startAgain(deps.db, client, run.id);
    return ['The run goes on where it stopped:', ...done];
  }
  return [await sendMessage(client, run.id, action.message, { by: deps.operator, ...args })];
}

export function steerRoutes(deps: Deps): Hono {
  const actionOf = (c: Context) => {
    const action = ACTIONS.find(({ name }) => name === c.req.param('action'));
    if (!action) throw new PageError(404, 'Nothing here', 'A run can be told no such thing.');
    return action;
  };
  const path = '/runs/:run/steer/:action';
  return new Hono()
    .get(path, async (c) => {
      const run = await wantedRun(deps, c.req.param('run'));
      return page(c, <SteerPage frame={frameOf(c, deps)} data={await dataFor(deps, run, actionOf(c))} />);
    })
    .post(path, async (c) => {
      const action = actionOf(c);
      const run = await wantedRun(deps, c.req.param('run'));
      const frame = frameOf(c, deps);
      const answered = (answer: string[], refused: boolean, status: 200 | 409 | 503) =>
        page(
          c,
          <Answer
            frame={frame}
            section="/"
            title={action.title}
            back={runPath(run.id)}
            answer={answer}
            refused={refused}
          />,
          status,
        );
      let args: MessageArgs;
      try {
        args = argsOf(action, await c.req.parseBody());
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        const data = await dataFor(deps, run, action);
        return page(c, <SteerPage frame={frame} data={data} problem={error.message} />, 400);
      }
      try {
        return answered(await tell(deps, run, action, args), false, 200);
      } catch (error) {
        if (error instanceof UsageError)
          return answered([error instanceof Refused ? error.answer : error.message], true, 409);
        return answered([errorMessage(error)], true, 503);
      }
    });
}
