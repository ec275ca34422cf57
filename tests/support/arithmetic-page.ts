/** A stored run, arithmetic by default, whose iterations go from collect to filter, as a worker would run them. */
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
  options: { url: string; model: string; settings?: ImproveInput; spec?: TaskSpec },
) {
  const taskSpec: TaskSpec = options.spec ?? { kind: 'arithmetic', benchmarkSize: 2 };
  const runId = `${taskSpec.kind}-${++runs}`;
  const task = loadTask(taskSpec);
  const settings = improveInputSchema.parse(
    layered(task.suggested, {
      ...options.settings,
      models: { generator: { baseURL: options.url, model: options.model } },
    }),
  );
  const items = [];
  for (const { name, role, items: list } of task.benchmarks) {
    let position = 0;
    for await (const item of list()) items.push({ ...item, benchmark: name, role, position: position++ });
  }
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
    async iterate(index: number, levels?: number[], checkpointId = base.id) {
      const plan = { seed: index, levels };
      const { id: iterationId } = await addIteration(db, { runId, index, checkpointId, plan });
      const collected = await run(main.collect, { iterationId });
      const count = collected.prompts + collected.rehearsal + (collected.calibration ?? 0);
      const page = { iterationId, first: 0, count };
      if (settings.memory.mode === 'on') {
        await run(llm.proposeMemory, { iterationId });
        for (let number = 0; number < settings.memory.tests; number++) {
          const test = await run(main.openMemoryTest, { iterationId, number });
          if (!test) break;
          await run(llm.memoryTestPage, { testId: test.testId, first: 0, count: test.trials });
          await run(main.closeMemoryTest, { testId: test.testId });
        }
      }
      await run(llm.generatePage, page);
      if (settings.strategy.selfPlay.mode === 'on') await run(main.plantProbes, { iterationId });
      await run(llm.critiquePage, { ...page, when: 'before-vote' as const });
      if (settings.strategy.debate.mode === 'on') {
        const { debates } = await run(main.openDebates, { iterationId });
        await run(llm.debatePage, { iterationId, first: 0, count: debates });
      }
      const voted = await run(main.vote, { iterationId });
      await run(llm.critiquePage, { ...page, when: 'after-vote' as const });
      const filtered = await run(main.filter, { iterationId });
      return { iterationId, collected, voted, filtered };
    },
    settings,
    propose: (iterationId: number) => run(llm.proposeMemory, { iterationId }),
    memoryPage: (testId: number) => run(llm.memoryTestPage, { testId, first: 0, count: 1000 }),
    generate: (iterationId: number, count: number) => run(llm.generatePage, { iterationId, first: 0, count }),
    debate: (iterationId: number, count: number) => run(llm.debatePage, { iterationId, first: 0, count }),
    filterAgain: (iterationId: number) => run(main.filter, { iterationId }),
    openDebates: (iterationId: number) => run(main.openDebates, { iterationId }),
    voteAgain: (iterationId: number) => run(main.vote, { iterationId }),
  };
}
