import { fileURLToPath } from 'node:url';
import {
  bundleWorkflowCode,
  DefaultLogger,
  Worker,
  type NativeConnection,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import { createActivities } from '../activities/index.ts';
import type { Db } from '../db/connect.ts';
import { TASK_QUEUE } from '../workflows/names.ts';
import { beating } from './beating.ts';

export type Queue = keyof typeof TASK_QUEUE;

/** Activities at once, per queue. Pages bound their calls themselves; a trainer trains one at a time. */
const SLOTS: Record<Queue, number> = { main: 20, llm: 8, train: 1 };

/** Bundles the workflows from their TypeScript sources: about three seconds. */
export async function bundleWorkflows(): Promise<WorkflowBundleWithSourceMap> {
  return bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../workflows/index.ts', import.meta.url)),
    logger: new DefaultLogger('WARN'),
  });
}

/** One worker per queue, in this process. They are not running yet. */
export async function createWorkers(options: {
  connection: NativeConnection;
  namespace: string;
  db: Db;
  queues: Queue[];
  /** Needed for the queue `main`. */
  workflowBundle?: WorkflowBundleWithSourceMap;
}): Promise<Worker[]> {
  const activities = createActivities({ db: options.db });
  return Promise.all(
    options.queues.map((queue) =>
      Worker.create({
        connection: options.connection,
        namespace: options.namespace,
        taskQueue: TASK_QUEUE[queue],
        activities: activities[queue],
        // Pages and training beat by themselves, with what they have done.
        ...(queue === 'main'
          ? { workflowBundle: options.workflowBundle, interceptors: { activity: [beating] } }
          : {}),
        maxConcurrentActivityTaskExecutions: SLOTS[queue],
        // An activity learns with its heartbeats that it is cancelled.
        maxHeartbeatThrottleInterval: '5 seconds',
        // Long enough to store what is in flight; a page that is cut off is resumed elsewhere.
        shutdownGraceTime: '3 seconds',
        shutdownForceTime: '10 seconds',
        // A bug must fail the workflow, visibly, instead of its task for ever.
        workflowFailureErrorTypes: { '*': ['TypeError', 'RangeError', 'ReferenceError', 'SyntaxError'] },
      }),
    ),
  );
}
