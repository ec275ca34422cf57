import { nextLevels } from '../loop/curriculum.ts';
import {
  addIteration,
  closeStage,
  failStage,
  findStage,
  finishIteration,
  openStage,
} from '../db/iterations.ts';
import type { StageOutput } from '../db/iterations.ts';
import { levelStats } from '../db/prompts.ts';
import { baseAndBest, getRun } from '../db/runs.ts';
import type { StageName } from '../db/schema.ts';
import { seedOf, taskOf, type Deps } from './context.ts';

export type StageRef = { iterationId: number; name: StageName };

/** Longest error kept with a stage. The whole of it is in the activity's failure. */
const ERROR_CHARACTERS = 2000;

export function createIterationActivities({ db }: Deps) {
  return {
    /** Begins an iteration, or finds it begun: which checkpoint generates, and at which levels. */
    async startIteration({
      runId,
      index,
    }: {
      runId: string;
      index: number;
    }): Promise<{ iterationId: number; levels?: number[] }> {
      const run = await getRun(db, runId);
      const task = taskOf(run);
      const { best } = await baseAndBest(db, runId);
      const levels =
        task.levels && nextLevels(await levelStats(db, runId), run.settings.curriculum, task.levels);
      const plan = { levels, seed: seedOf(run.settings.seed, 'iteration', index) };
      const iteration = await addIteration(db, { runId, index, checkpointId: best.id, plan });
      return { iterationId: iteration.id, levels: iteration.plan.levels };
    },

    /** Marks a stage as running. `done` carries the output of one that is finished: it is not redone. */
    async openStage({ iterationId, name }: StageRef): Promise<{ done?: StageOutput }> {
      const stage = await openStage(db, iterationId, name);
      return stage.status === 'done' ? { done: stage.output ?? {} } : {};
    },

    async closeStage({ iterationId, name, output }: StageRef & { output: StageOutput }): Promise<void> {
      const stage = await findStage(db, iterationId, name);
      await closeStage(db, iterationId, name, { ...stage?.output, ...output });
      if (name === 'decide') await finishIteration(db, iterationId);
    },

    async failStage({ iterationId, name, error }: StageRef & { error: string }): Promise<void> {
      await failStage(db, iterationId, name, error.slice(0, ERROR_CHARACTERS));
    },
  };
}

export type IterationActivities = ReturnType<typeof createIterationActivities>;
