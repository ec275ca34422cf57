import {
  Worker,
  type ActivityInterceptorsFactory,
  type NativeConnection,
  type WorkerDeploymentOptions,
  type WorkflowBundle,
} from '@temporalio/worker';
import type { PayloadCodec } from '@temporalio/common';
import { createActivities } from '../activities/index.ts';
import { sandboxActivities } from '../activities/sandbox/index.ts';
import type { Deps } from '../engine/context.ts';
import type { Db } from '../db/connect.ts';
import type { Tracing } from '../process/tracing.ts';
import { taskQueues, type TaskQueue } from '../workflows/names.ts';
import { failureConverterPath } from './bundle.ts';
import { identified } from './observe.ts';

/** Queues of workers with the database. */
export type Queue = Exclude<TaskQueue, 'sandbox'>;

/** Activities at once, per queue. Pages bound their calls themselves; a trainer trains one at a time. */
const SLOTS: Record<Queue, number> = { main: 20, llm: 8, train: 1 };

/** A version of this program, as Temporal's Worker Deployments know it. */
export type Deployment = {
  deploymentName: string;
  buildId: string;
  versioning: 'pinned' | 'auto-upgrade';
};

function deploymentOptions({ deploymentName, buildId, versioning }: Deployment): WorkerDeploymentOptions {
  return {
    version: { deploymentName, buildId },
    useWorkerVersioning: true,
    // A run may last for weeks: pinned, it would keep the workers of its version alive as long. Kept histories
    // are replayed by the tests, so a run may move to the current version at its next step.
    defaultVersioningBehavior: versioning === 'pinned' ? 'PINNED' : 'AUTO_UPGRADE',
  };
}

/** Well under the heartbeat timeout of the queue `main`. */
const BEAT_MS = 4_000;

/**
 * Activities on the queue `main` beat as long as they run, so that those of a worker that was killed are taken up elsewhere
 * in seconds. Model calls and training beat themselves: there a beat has to mean progress.
 */
const beating: ActivityInterceptorsFactory = (context) => ({
  inbound: {
    async execute(input, next) {
      const beat = setInterval(() => context.heartbeat(), BEAT_MS);
      try {
        return await next(input);
      } finally {
        clearInterval(beat);
      }
    },
  },
});

/**
 * The worker of what a model wrote. It is given no database and should hold no key but Temporal's; one page of checks at a time, which
 * takes as many processors as there are.
 */
export const createSandboxWorker = (options: {
  connection: NativeConnection;
  namespace: string;
  slots?: number;
  queuePrefix?: string;
  payloadCodecs?: PayloadCodec[];
}): Promise<Worker> =>
  Worker.create({
    connection: options.connection,
    namespace: options.namespace,
    taskQueue: taskQueues(options.queuePrefix ?? '').sandbox,
    activities: sandboxActivities,
    dataConverter: { failureConverterPath, payloadCodecs: options.payloadCodecs ?? [] },
    maxHeartbeatThrottleInterval: '1 second',
    maxConcurrentActivityTaskExecutions: options.slots ?? 1,
    shutdownGraceTime: '3 seconds',
    shutdownForceTime: '10 seconds',
  });

/** One worker per queue, in this process. They are not running yet. */
export async function createWorkers(options: {
  connection: NativeConnection;
  namespace: string;
  db: Db;
  track?: Deps['track'];
  queues: Queue[];
  /** Where several installations share the namespace. */
  queuePrefix?: string;
  /** What Temporal stores is encoded by them, as clients do it. */
  payloadCodecs?: PayloadCodec[];
  /** Needed for the queue `main`. */
  workflowBundle?: WorkflowBundle;
  /** Activities at once, where they differ from the defaults. */
  slots?: Partial<Record<Queue, number>>;
  /** Workflows kept in memory between their tasks; the SDK's own measure where not given. */
  maxCachedWorkflows?: number;
  deployment?: Deployment;
  /** Where given, the workflows must have been bundled with it. */
  tracing?: Tracing;
}): Promise<Worker[]> {
  const activities = createActivities({ db: options.db, track: options.track });
  const names = taskQueues(options.queuePrefix ?? '');
  return Promise.all(
    options.queues.map((queue) =>
      Worker.create({
        connection: options.connection,
        namespace: options.namespace,
        taskQueue: names[queue],
        activities: activities[queue],
        dataConverter: { failureConverterPath, payloadCodecs: options.payloadCodecs ?? [] },
        ...(queue === 'main' ? { workflowBundle: options.workflowBundle } : {}),
        interceptors: { activity: queue === 'main' ? [identified, beating] : [identified] },
        ...(options.tracing ? { plugins: [options.tracing.plugin] } : {}),
        // An activity learns with its heartbeats that it is cancelled.
        maxHeartbeatThrottleInterval: '5 seconds',
        maxConcurrentActivityTaskExecutions: options.slots?.[queue] ?? SLOTS[queue],
        ...(options.maxCachedWorkflows ? { maxCachedWorkflows: options.maxCachedWorkflows } : {}),
        ...(options.deployment ? { workerDeploymentOptions: deploymentOptions(options.deployment) } : {}),
        // Long enough to store what is in flight; a page that is cut off is resumed elsewhere.
        shutdownGraceTime: '3 seconds',
        shutdownForceTime: '10 seconds',
        // A bug must fail the workflow, visibly, instead of its task for ever. Code that does not fit the history is none of
        // the run's: one bad deploy would fail every open run. Their tasks fail and are tried again until it is rolled back.
        workflowFailureErrorTypes: { '*': ['TypeError', 'RangeError', 'ReferenceError', 'SyntaxError'] },
      }),
    ),
  );
}
