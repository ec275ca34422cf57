/** What tasks serve, their trees of checkpoints, and one checkpoint. */
import { Hono } from 'hono';
import { childrenOf, revokedExamples } from '../../db/queries/checkpoints.ts';
import { runsPage } from '../../db/queries/overview.ts';
import { findRun } from '../../db/queries/runs.ts';
import { servingOfTask } from '../../engine/serving.ts';
import { standingOf, taskNames } from '../../db/queries/serving.ts';
import { explain } from '../../app/lineage/why.ts';
import type { CheckpointWhy } from '../../app/lineage/types.ts';
import { originOf, scoresOfSome, standingsOf, taskPath, treesOf } from '../checkpoints.ts';
import type { Deps } from '../deps.ts';
import { CheckpointPage } from '../pages/checkpoint.tsx';
import { CheckpointsPage, TaskPage } from '../pages/checkpoints.tsx';
import { frameOf, page, PageError } from '../render.ts';
import { wantedCheckpoint, wantedTask } from './serving.tsx';

const TASKS = 20;
/** Runs of a page; each has as many rows as iterations. */
const RUNS = 8;
const EXAMPLES = 10;
const MOST_REVOKED = 20;

export function checkpointRoutes(deps: Deps): Hono {
  const { db } = deps;
  return new Hono()
    .get('/checkpoints', async (c) => {
      const after = c.req.query('after');
      // In an order that the comparison with `after` shares.
      const tasks = (await taskNames(db))
        .toSorted((a, b) => (a < b ? -1 : 1))
        .filter((task) => after === undefined || task > after);
      const shown = tasks.slice(0, TASKS);
      return page(
        c,
        <CheckpointsPage
          frame={frameOf(c, deps)}
          standings={await standingsOf(db, shown)}
          next={tasks.length > TASKS ? shown.at(-1)! : null}
          later={after !== undefined}
        />,
      );
    })
    .get('/tasks/:task', async (c) => {
      const task = await wantedTask(deps, c.req.param('task'));
      const { at, id, run: only, turns } = c.req.query();
      if (at !== undefined && Number.isNaN(Date.parse(at)))
        throw new PageError(400, 'No such page', 'The address names no place in the list of runs.');
      const before = at !== undefined && id !== undefined ? { at, id } : undefined;
      const one = only === undefined ? undefined : await findRun(db, only);
      if (only !== undefined && one?.task !== task)
        throw new PageError(404, 'No such run', `The task has no run "${only}".`);
      const { runs, next } = one ? { runs: [one], next: null } : await runsPage(db, RUNS, { before, task });
      const [standing] = await standingsOf(db, [task]);
      return page(
        c,
        <TaskPage
          frame={frameOf(c, deps)}
          data={{
            standing: standing!,
            trees: await treesOf(db, runs, standing!.serving),
            next,
            later: before !== undefined,
            only: one?.id,
            allTurns: turns === 'all',
          }}
        />,
      );
    })
    .get('/runs/:run/checkpoints', async (c) => {
      const run = await findRun(db, c.req.param('run'));
      if (!run) throw new PageError(404, 'No such run', `There is no run "${c.req.param('run')}".`);
      return c.redirect(`${taskPath(run.task)}?run=${encodeURIComponent(run.id)}`);
    })
    .get('/checkpoints/:id', async (c) => {
      const checkpoint = await wantedCheckpoint(deps, c.req.param('id'));
      const from = Number(c.req.query('from') ?? 0);
      if (!Number.isInteger(from) || from < 0 || from > 2 ** 31 - 1 - EXAMPLES)
        throw new PageError(400, 'No such place', 'The address names no place in the training set.');
      const verify = c.req.query('verify') === 'yes';
      const target = { kind: 'checkpoint' as const, id: checkpoint.id };
      const [why, standing, pupils] = await Promise.all([
        explain(db, target, { count: EXAMPLES, from, verify: verify || 'never' }) as Promise<CheckpointWhy>,
        standingOf(db, checkpoint.id),
        childrenOf(db, [checkpoint.id]),
      ]);
      const { task, promoted, experiment } = standing!;
      const related = [...why.chain.map((one) => one.id), ...pupils.map((one) => one.id)];
      const [serving, rows, revoked] = await Promise.all([
        servingOfTask(db, task),
        db.query.checkpoints.findMany({ where: (row, { inArray }) => inArray(row.id, related) }),
        why.training ? revokedExamples(db, why.training.dataset.id, MOST_REVOKED) : [],
      ]);
      const served = serving.checkpoint;
      return page(
        c,
        <CheckpointPage
          frame={frameOf(c, deps)}
          data={{
            checkpoint,
            why,
            serving,
            serves: served !== undefined && originOf(served) === originOf(checkpoint),
            passed: promoted && experiment === 'none',
            pupils,
            scores: await scoresOfSome(db, rows),
            revoked,
          }}
        />,
      );
    });
}
