import {
  ActivityCancellationType,
  CancellationScope,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow';
import type { Answered } from '../activities/answer/open.ts';
import type { LlmActivities, MainActivities } from '../activities/index.ts';
import type { AnswerInput } from '../loop/answer-input.ts';
import { FAILURE, NEVER_RETRIED } from '../loop/failures.ts';
import { failureType, firstLine } from './failures.ts';
import { scheduledOn } from './scheduled-on.ts';

const main = proxyActivities<Pick<MainActivities, 'openAnswer' | 'chooseDemonstrations' | 'closeAnswer'>>(
  scheduledOn('main', {
    startToCloseTimeout: '1 minute',
    heartbeatTimeout: '15 seconds',
    retry: {
      initialInterval: '200 milliseconds',
      maximumAttempts: 10,
      nonRetryableErrorTypes: NEVER_RETRIED,
    },
  }),
);

/** Somebody waits for it: an endpoint that does not answer gets less patience than from a run. */
const models = proxyActivities<Pick<LlmActivities, 'lookFirst' | 'trainAnswer' | 'askAdapted'>>(
  scheduledOn('llm', {
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    startToCloseTimeout: '75 minutes',
    heartbeatTimeout: '20 seconds',
    retry: {
      initialInterval: '500 milliseconds',
      maximumInterval: '5 seconds',
      maximumAttempts: 8,
      nonRetryableErrorTypes: NEVER_RETRIED,
    },
  }),
);

/** The answer does not wait for a server that is away: what is not freed by then, the workers' sweeper frees. */
const freeing = proxyActivities<Pick<LlmActivities, 'freeAnswer'>>(
  scheduledOn('llm', {
    startToCloseTimeout: '2 minutes',
    retry: { initialInterval: '500 milliseconds', maximumInterval: '5 seconds', maximumAttempts: 5 },
  }),
);

/** Adapting that did not come about leaves the answer of the checkpoint as it is. */
const SURVIVED = new Set<string>([FAILURE.trainingFailed, FAILURE.budgetExceeded]);

/**
 * One answer: what the served checkpoint says first, and where its samples disagree, or it misses the demonstrations, what it says with an
 * adapter that is trained on them for this one prompt, and gone afterwards (test-time training). The checkpoint itself never changes.
 *
 * @throws InvalidInput for a prompt that the task can't read, or a task without runs
 */
export async function answer(input: AnswerInput): Promise<Answered> {
  const { workflowId: id } = workflowInfo();
  await main.openAnswer(input);
  await main.chooseDemonstrations({ id });
  setCurrentDetails('Asking the checkpoint as it is');
  const { adapt, first } = await models.lookFirst({ id });
  const answered = adapt ? await adapted(id, first) : first;
  await main.closeAnswer({ id, answered });
  setCurrentDetails(`Answer: ${answered.answer ?? 'none'}. ${answered.reason}`);
  return answered;
}

async function adapted(id: string, first: Answered): Promise<Answered> {
  setCurrentDetails(`Adapting: ${first.reason}`);
  try {
    await models.trainAnswer({ id });
    return await models.askAdapted({ id, first });
  } catch (error) {
    if (isCancellation(error) || !SURVIVED.has(failureType(error) ?? '')) throw error;
    return { ...first, reason: `${first.reason}; ${firstLine(error)}` };
  } finally {
    await CancellationScope.nonCancellable(() => freeing.freeAnswer({ id })).catch(() => undefined);
  }
}
