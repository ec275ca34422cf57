/** Promote, roll back, unpin: asked first, then done by the functions of the command line (engine/serving.ts). */
import { Hono, type Context } from 'hono';
import {
  followPromotions,
  promoteCheckpoint,
  rollBack,
  ServingRefused,
  servingOfTask,
} from '../../engine/serving.ts';
import { measuredOnBoth } from '../../db/queries/comparisons.ts';
import { standingOf, taskNames } from '../../db/queries/serving.ts';
import type { Checkpoint } from '../../db/queries/runs.ts';
import type { Remember } from '../cache.ts';
import { checkpointPath, compared, taskPath } from '../checkpoints.ts';
import type { Deps } from '../deps.ts';
import { ChoicePage, CHOICES, type Choice, type ChoiceData, type Typed } from '../pages/choose.tsx';
import { Answer } from '../parts/dialogue.tsx';
import { frameOf, page, PageError } from '../render.ts';

/** @throws PageError when no run of it was started */
export async function wantedTask({ db }: Deps, task: string): Promise<string> {
  if ((await taskNames(db)).includes(task)) return task;
  throw new PageError(404, 'No such task', `No run of a task "${task}" was started.`);
}

/** @throws PageError when there is none */
export async function wantedCheckpoint({ db }: Deps, given: string): Promise<Checkpoint> {
  const id = /^[1-9]\d{0,14}$/.test(given) ? Number(given) : undefined;
  const found =
    id === undefined
      ? undefined
      : await db.query.checkpoints.findFirst({ where: (row, { eq }) => eq(row.id, id) });
  if (found) return found;
  throw new PageError(404, 'No such checkpoint', `There is no checkpoint ${given}.`);
}

type Wanted = { choice: Choice; task: string; checkpoint?: Checkpoint; passed: boolean; back: string };

export function servingRoutes(deps: Deps, remember: Remember): Hono {
  const { db } = deps;

  async function dataOf({ choice, task, checkpoint, passed }: Wanted, typed: Typed): Promise<ChoiceData> {
    const serving = await servingOfTask(db, task);
    const next = choice === 'rollback' ? serving.before : checkpoint;
    const now = serving.checkpoint;
    const measured = now && next && now.id !== next.id ? await measuredOnBoth(db, now, next) : [];
    const all = await Promise.all(
      measured.filter(({ role }) => role !== 'final').map((one) => compared(db, remember, one)),
    );
    return { choice, task, serving, next, passed, compared: all.filter(({ pairs }) => pairs > 0), typed };
  }

  const show = async (c: Context, wanted: Wanted, typed: Typed, problem?: string) =>
    page(
      c,
      <ChoicePage
        frame={frameOf(c, deps)}
        action={c.req.path}
        back={wanted.back}
        data={await dataOf(wanted, typed)}
        problem={problem}
      />,
      problem === undefined ? 200 : 409,
    );

  async function choose(c: Context, wanted: Wanted): Promise<Response> {
    const form = await c.req.parseBody();
    const text = (name: string) => (typeof form[name] === 'string' ? form[name] : '');
    const typed: Typed = {
      reason: text('reason').slice(0, 1000),
      pin: text('pin') === 'yes',
      force: text('force') === 'yes',
    };
    const { task, choice, checkpoint } = wanted;
    const seen = /^\d{1,15}$/.test(text('seen')) ? Number(text('seen')) : null;
    const choosing = { reason: typed.reason, by: deps.operator, seen };
    try {
      if (choice === 'unpin') await followPromotions(db, task, choosing);
      else if (choice === 'rollback') await rollBack(db, task, { ...choosing, pin: typed.pin });
      else
        await promoteCheckpoint(db, task, checkpoint!.id, {
          ...choosing,
          pin: typed.pin,
          force: typed.force,
        });
    } catch (error) {
      if (error instanceof ServingRefused) return show(c, wanted, typed, error.message);
      throw error;
    }
    const { checkpoint: served, pinned } = await servingOfTask(db, task);
    const answer = `${task} serves ${served ? `checkpoint ${served.id} of ${served.runId}` : 'nothing'}${pinned ? ', pinned' : ''}.`;
    return page(
      c,
      <Answer
        frame={frameOf(c, deps)}
        section="/checkpoints"
        title={CHOICES[choice].title}
        back={wanted.back}
        answer={answer}
      />,
    );
  }

  async function ofTask(c: Context): Promise<Wanted> {
    const task = await wantedTask(deps, c.req.param('task')!);
    const choice = c.req.param('choice') as Choice;
    return { choice, task, passed: true, back: taskPath(task) };
  }
  async function ofCheckpoint(c: Context): Promise<Wanted> {
    const checkpoint = await wantedCheckpoint(deps, c.req.param('id')!);
    const { task, promoted, experiment } = (await standingOf(db, checkpoint.id))!;
    const passed = promoted && experiment === 'none';
    return { choice: 'promote', task, checkpoint, passed, back: checkpointPath(checkpoint.id) };
  }

  return new Hono()
    .get('/tasks/:task/:choice{rollback|unpin}', async (c) => {
      const wanted = await ofTask(c);
      return show(c, wanted, { reason: '', pin: wanted.choice === 'rollback', force: false });
    })
    .post('/tasks/:task/:choice{rollback|unpin}', async (c) => choose(c, await ofTask(c)))
    .get('/checkpoints/:id/promote', async (c) =>
      show(c, await ofCheckpoint(c), { reason: '', pin: false, force: false }),
    )
    .post('/checkpoints/:id/promote', async (c) => choose(c, await ofCheckpoint(c)));
}
