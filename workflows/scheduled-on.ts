/** Where a workflow's activities are done and which come first: its installation's queue, and the share of its run. */
import type { Priority } from '@temporalio/common';
import { workflowInfo, type ActivityOptions } from '@temporalio/workflow';
import { fairnessKey, identify, queueBeside, type TaskQueue } from './names.ts';

let priorityKey: number | undefined;

/** What the run's input says, for all that this workflow schedules from now on; otherwise it is what the workflow was started with. */
export function comeFirst(key: number | undefined): void {
  priorityKey = key;
}

/** Runs share the workers of a queue evenly, whatever each has waiting there: Temporal's fairness, with the run for its key. */
export function runPriority(): Priority {
  return {
    fairnessKey: fairnessKey(identify(workflowInfo().workflowId).run),
    ...(priorityKey === undefined ? {} : { priorityKey }),
  };
}

/** The options are read when an activity is scheduled: only then is there a workflow whose queue and run these are. */
export function scheduledOn(queue: TaskQueue, options: ActivityOptions): ActivityOptions {
  return {
    ...options,
    get taskQueue() {
      return queueBeside(workflowInfo().taskQueue, queue);
    },
    get priority() {
      return runPriority();
    },
  };
}
