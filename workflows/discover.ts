import {
  ActivityCancellationType,
  continueAsNew,
  proxyActivities,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow';
import type { Discovered } from '../activities/discover/close.ts';
import type { MainActivities } from '../activities/index.ts';
import type { SandboxActivities } from '../activities/sandbox/index.ts';
import { NEVER_RETRIED } from '../loop/failures.ts';
import type { DiscoverInput } from '../tasks/discovery/subject.ts';
import { scheduledOn } from './scheduled-on.ts';

/** The database, and fits that take seconds. A database that is away is waited for: a study may last for days. */
const main = proxyActivities<
  Pick<MainActivities, 'openStudy' | 'planExperiment' | 'observe' | 'storeSimulated' | 'closeStudy'>
>(
  scheduledOn('main', {
    startToCloseTimeout: '10 minutes',
    heartbeatTimeout: '15 seconds',
    retry: {
      initialInterval: '200 milliseconds',
      maximumInterval: '30 seconds',
      nonRetryableErrorTypes: NEVER_RETRIED,
    },
  }),
);

/** A worker that dies takes an experiment with it that nobody has seen: it is made again, under its key. */
const sandbox = proxyActivities<Pick<SandboxActivities, 'simulate'>>(
  scheduledOn('sandbox', {
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    startToCloseTimeout: '30 minutes',
    scheduleToStartTimeout: '30 minutes',
    heartbeatTimeout: '20 seconds',
    retry: {
      initialInterval: '1 second',
      maximumInterval: '30 seconds',
      maximumAttempts: 5,
      nonRetryableErrorTypes: NEVER_RETRIED,
    },
  }),
);

/** An experiment on a simulator brings its files with it: some tens of them stay far below what a history may hold. */
const EXPERIMENTS = 50;

/**
 * One study: experiments on a law or a simulator, each chosen for what it is expected to tell, until the budget is used up or no
 * experiment is worth making. What was measured, foretold and refuted is in the database; a study that begins again goes on there.
 *
 * @throws InvalidInput for a law or a simulator that can't be read
 */
export async function discover(input: DiscoverInput): Promise<Discovered> {
  const { workflowId: id } = workflowInfo();
  await main.openStudy(input);
  for (let made = 0; made < EXPERIMENTS; made++) {
    const planned = await main.planExperiment({ id });
    if ('ending' in planned) {
      const found = await main.closeStudy({ id, ending: planned.ending });
      setCurrentDetails(`Claim: ${found.claim ?? 'none'}. ${found.ending}.`);
      return found;
    }
    const { number, simulation } = planned;
    setCurrentDetails(`Experiment ${number}`);
    if (simulation) await main.storeSimulated({ id, number, simulated: await sandbox.simulate(simulation) });
    else await main.observe({ id, number });
  }
  return continueAsNew<typeof discover>(input);
}
