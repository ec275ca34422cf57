import {
  CancellationScope,
  condition,
  defineSignal,
  getExternalWorkflowHandle,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { attribute } from './attributes.ts';
import type { SafePoint } from './safe-point.ts';
import { main } from './proxies.ts';
import { waitingForReview } from './view.ts';

/** Sent to an iteration: decisions have been stored, it may go on. */
export const reviewedSignal = defineSignal('reviewed');
/** Sent by an iteration to its run: for how many decisions it waits. */
export const reviewsWaitSignal = defineSignal<[number]>('reviewsWait');

/** Decisions are looked for without being told, ever more rarely: each look costs history events, and this may take weeks. */
const FIRST_LOOK_MS = 30_000;
const RAREST_LOOK_MS = 3_600_000;

/**
 * Waits, for as long as it takes, until reviewers have decided what the run asks them. Only runs that ask for review come
 * here, so histories of others stay as they were.
 *
 * @throws Halted when the run is stopped
 */
export async function awaitReviews(
  {
    runId,
    iterationId,
    safePoint,
    state,
  }: {
    runId: string;
    iterationId: number;
    safePoint: SafePoint;
    state: { readonly paused: boolean; readonly halt: boolean; reviewed: boolean };
  },
  show: (waiting: string) => void,
): Promise<void> {
  let lookMs = FIRST_LOOK_MS;
  let told = 0;
  for (;;) {
    await safePoint.pass();
    // A decision that is told while we look is not lost.
    state.reviewed = false;
    const { waiting } = await main.openReviews({ iterationId });
    if (waiting !== told) await tellRun(waiting);
    if (waiting === 0) return;
    if (told === 0) upsertSearchAttributes([{ key: attribute.stage, value: 'review' }]);
    told = waiting;
    show(waitingForReview(waiting, runId));
    const woken = await condition(() => state.reviewed || state.paused || state.halt, lookMs);
    lookMs = woken ? FIRST_LOOK_MS : Math.min(2 * lookMs, RAREST_LOOK_MS);
  }
}

/** A run that has just ended needs no message. */
async function tellRun(waiting: number): Promise<void> {
  const { parent } = workflowInfo();
  if (!parent) return;
  try {
    await getExternalWorkflowHandle(parent.workflowId).signal(reviewsWaitSignal, waiting);
  } catch (error) {
    if (CancellationScope.current().consideredCancelled) throw error;
  }
}
