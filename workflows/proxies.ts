/**
 * Activities as workflows see them: which queue, how long, how often again. Durations are bounds, not
 * estimates; each retry policy has one line of why. Bad input, failed training and bugs are never retried.
 */
import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { LlmActivities, MainActivities, TrainActivities } from '../activities/index.ts';
import type { SandboxActivities } from '../activities/sandbox/index.ts';
import { NEVER_RETRIED } from '../loop/failures.ts';
import { scheduledOn } from './scheduled-on.ts';

/** A page stores what it has, a trainer cancels its job: both are waited for. */
const cancellationType = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED;

/** The database and light work. A restart of PostgreSQL takes seconds, so ten tries outlast it. */
export const main = proxyActivities<MainActivities>(
  scheduledOn('main', {
    startToCloseTimeout: '30 minutes',
    heartbeatTimeout: '15 seconds',
    retry: {
      initialInterval: '500 milliseconds',
      maximumInterval: '15 seconds',
      maximumAttempts: 10,
      nonRetryableErrorTypes: NEVER_RETRIED,
    },
  }),
);

/** What must be written for the run to go on at all: a database that is away is waited for, however long. */
export const durable = proxyActivities<
  Pick<
    MainActivities,
    | 'recordState'
    | 'finishRun'
    | 'changeBudget'
    | 'findResetTarget'
    | 'runCheckpoints'
    | 'lighten'
    | 'skipIteration'
    | 'decideReviews'
  >
>(
  scheduledOn('main', {
    startToCloseTimeout: '1 minute',
    heartbeatTimeout: '15 seconds',
    retry: {
      initialInterval: '500 milliseconds',
      maximumInterval: '30 seconds',
      nonRetryableErrorTypes: NEVER_RETRIED,
    },
  }),
);

/**
 * Trackers of experiments. One that is away costs a run two minutes at its decision, and never the run: the next time makes up for it.
 */
export const tracking = proxyActivities<Pick<MainActivities, 'trackRun'>>(
  scheduledOn('main', {
    startToCloseTimeout: '1 minute',
    scheduleToCloseTimeout: '2 minutes',
    heartbeatTimeout: '15 seconds',
    retry: { initialInterval: '2 seconds', maximumAttempts: 3, nonRetryableErrorTypes: NEVER_RETRIED },
  }),
);

/**
 * Model calls, in pages. What a page has stored is not asked for again, so trying again is cheap; an
 * endpoint that is down, restarting or limiting us gets about fifteen minutes before the stage gives up.
 */
export const llm = proxyActivities<LlmActivities>(
  scheduledOn('llm', {
    cancellationType,
    startToCloseTimeout: '6 hours',
    heartbeatTimeout: '20 seconds',
    retry: {
      initialInterval: '1 second',
      maximumInterval: '30 seconds',
      maximumAttempts: 35,
      nonRetryableErrorTypes: NEVER_RETRIED,
    },
  }),
);

/** A server that is away keeps the adapter until it runs out of room: nothing waits for it. */
export const retiring = proxyActivities<Pick<LlmActivities, 'retireAdapter'>>(
  scheduledOn('llm', {
    startToCloseTimeout: '1 minute',
    scheduleToCloseTimeout: '3 minutes',
    retry: { initialInterval: '2 seconds', maximumAttempts: 3, nonRetryableErrorTypes: NEVER_RETRIED },
  }),
);

/**
 * Fine-tuning. The job lives at the trainer and is found again by its key, so a new attempt re-attaches and
 * costs nothing; a trainer that restarts gets the same patience as an endpoint.
 */
export const trainer = proxyActivities<TrainActivities>(
  scheduledOn('train', {
    cancellationType,
    startToCloseTimeout: '24 hours',
    heartbeatTimeout: '20 seconds',
    retry: {
      initialInterval: '1 second',
      maximumInterval: '30 seconds',
      maximumAttempts: 35,
      nonRetryableErrorTypes: NEVER_RETRIED,
    },
  }),
);

/** The queue may be busy with another run's job for hours: a run does not wait as long to go on. */
export const cancelling = proxyActivities<Pick<TrainActivities, 'cancelTraining'>>(
  scheduledOn('train', {
    cancellationType,
    startToCloseTimeout: '2 minutes',
    scheduleToCloseTimeout: '10 minutes',
    retry: {
      initialInterval: '1 second',
      maximumInterval: '30 seconds',
      nonRetryableErrorTypes: NEVER_RETRIED,
    },
  }),
);

/**
 * What a model wrote, run in containers, each within its limits. Where nobody serves the queue for half an hour, the run parks.
 */
export const sandbox = proxyActivities<Pick<SandboxActivities, 'describeImage' | 'runChecks'>>(
  scheduledOn('sandbox', {
    cancellationType,
    startToCloseTimeout: '12 hours',
    scheduleToStartTimeout: '30 minutes',
    heartbeatTimeout: '20 seconds',
    retry: {
      initialInterval: '1 second',
      maximumInterval: '30 seconds',
      maximumAttempts: 3,
      nonRetryableErrorTypes: NEVER_RETRIED,
    },
  }),
);
