import type { Task } from '../task.ts';

/** What a task takes of the `models` of its file: where each role's model answers, and by which name. */
export const namedModels = (models: Task['endpoints'] = {}): Pick<Task, 'defaultModels' | 'endpoints'> => ({
  defaultModels: Object.fromEntries(
    Object.entries(models).flatMap(([role, { model }]) => (model === undefined ? [] : [[role, model]])),
  ),
  endpoints: models,
});
