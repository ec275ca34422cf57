/** A stored arithmetic run whose iterations go from collect to filter, as a worker would run them. */
import { MockActivityEnvironment } from '@temporalio/testing';
import { createActivities } from '../../activities/index.ts';
import type { Db } from '../../db/connect.ts';
import { addIteration } from '../../db/queries/iterations.ts';
import { addCheckpoint, createRun } from '../../db/queries/runs.ts';
import { improveInputSchema, type ImproveInput } from '../../loop/input.ts';
import { layered } from '../../loop/presets.ts';
import { loadTask, type TaskSpec } from '../../tasks/index.ts';

let runs = 0;

export async function addArithmeticRun(
  db: Db,
  options: { url: string; model: string; settings?: ImproveInput },
) {
  const runId = `arithmetic-${++runs}`;
  const taskSpec: TaskSpec = { kind: 'arithmetic', benchmarkSize: 2 };
  const task = loadTask(taskSpec);
  const settings = improveInputSchema.parse(
    layered(task.suggested, {
      ...options.settings,
      models: { generator: { baseURL: options.url, model: options.model } },
    }),
  );
  const items = task.benchmarks.flatMap(({ name, role, items: list }) =>
    [...(list() as Iterable<{ key: string; text: string; answer: string }>)].map((item, position) => {
      return { ...item, benchmark: name, role, position };
    }),
  );
  await createRun(db, { id: runId, task: task.name, taskSpec, settings, codeVersion: 'test' }, items);
  const base = await addCheckpoint(db, { runId, iterationIndex: 0, kind: 'base', model: options.model });
  const { main, llm } = createActivities({ db });
  const run = <Args extends unknown[], Result>(
    activity: (...args: Args) => Promise<Result>,
    ...args: Args
  ): Promise<Result> => new MockActivityEnvironment().run(activity, ...args) as Promise<Result>;

  return {
    runId,
    task,
    /** One iteration up to the filter, its critics included. */
    async iterate(index: number, levels: number[]) {
      const plan = { seed: index, levels };
      const { id: iterationId } = await addIteration(db, { runId, index, checkpointId: base.id, plan });
      const collected = await run(main.collect, { iterationId });
      const count = collected.prompts + collected.rehearsal + (collected.calibration ?? 0);
      const page = { iterationId, first: 0, count };
      await run(llm.generatePage, page);
      await run(llm.critiquePage, { ...page, when: 'before-vote' as const });
      const voted = await run(main.vote, { iterationId });
      await run(llm.critiquePage, { ...page, when: 'after-vote' as const });
      const filtered = await run(main.filter, { iterationId });
      return { iterationId, collected, voted, filtered };
    },
    generate: (iterationId: number, count: number) => run(llm.generatePage, { iterationId, first: 0, count }),
    voteAgain: (iterationId: number) => run(main.vote, { iterationId }),
  };
}
