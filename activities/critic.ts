import { structuredCritic } from '../tasks/critic.ts';
import type { Critic, Task } from '../tasks/task.ts';
import type { IterationContext } from './context.ts';

/** The task's own critic, else the one for chat models. */
export function criticOf(task: Task): Critic {
  return task.critic ?? structuredCritic;
}

/** Is the critic asked about every sample before the vote? */
export function votesAreApproved({ settings }: IterationContext): boolean {
  const { mode, votes } = settings.gates.critique;
  return votes === 'approved' && mode === 'required' && settings.experiment !== 'ungated';
}
