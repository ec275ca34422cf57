/** What of an open run fails and is tried again: Temporal knows each attempt, also those that no worker lived to tell of. */
import type { Client } from '@temporalio/client';
import { iterationWorkflowId } from '../../workflows/names.ts';
import { cut, duration, plain } from '../../process/text.ts';

export type Failing = {
  /** The activity that fails, e.g. `generatePage`. */
  activity: string;
  /** Attempts that failed, and how many there may be; 0: any number. */
  failed: number;
  most: number;
  error: string;
  /** When it is tried again; undefined while it is being tried. */
  nextAt?: Date;
};

const ERROR_CHARACTERS = 500;
/** A page must not wait for a server that does not answer. */
const DEADLINE_MS = 5_000;

/** Of each kind of activity of the run and its iteration under way the one that failed most often, the worst first. */
export async function failingAttempts(client: Client, runId: string, iteration?: number): Promise<Failing[]> {
  const ids = [runId, ...(iteration === undefined ? [] : [iterationWorkflowId(runId, iteration)])];
  const described = await client.connection.withDeadline(Date.now() + DEADLINE_MS, () =>
    Promise.allSettled(ids.map((id) => client.workflow.getHandle(id).describe())),
  );
  const all = described.flatMap((one) => {
    // One that has just ended, or not begun, has nothing pending.
    const pending = one.status === 'fulfilled' ? (one.value.raw.pendingActivities ?? []) : [];
    return pending.flatMap((activity): Failing[] => {
      const { attempt, lastFailure, maximumAttempts, activityType } = activity;
      const next = activity.nextAttemptScheduleTime ?? activity.scheduledTime;
      if (!lastFailure) return [];
      // PENDING_ACTIVITY_STATE_SCHEDULED: it waits, and its next attempt is counted already.
      const waits = Number(activity.state) === 1;
      return [
        {
          activity: activityType?.name ?? 'an activity',
          failed: Math.max(1, Number(attempt ?? 1) - 1),
          most: Number(maximumAttempts ?? 0),
          error: (lastFailure.message ?? '').split('\n')[0]!.slice(0, ERROR_CHARACTERS),
          ...(waits && next?.seconds ? { nextAt: new Date(Number(next.seconds) * 1000) } : {}),
        },
      ];
    });
  });
  const worst = [...Map.groupBy(all, (one) => one.activity).values()].map(
    (alike) => alike.toSorted((a, b) => b.failed - a.failed)[0]!,
  );
  return worst.toSorted((a, b) => b.failed - a.failed);
}

/** `generatePage failed, 3 of 35 attempts: … Tried again in 4.0 s.` */
export function failingLine({ activity, failed, most, error, nextAt }: Failing, now = new Date()): string {
  const times =
    most > 0 ? `${failed} of ${most} attempts` : `${failed} ${failed === 1 ? 'attempt' : 'attempts'}`;
  const seconds = nextAt && (nextAt.getTime() - now.getTime()) / 1000;
  const next =
    seconds === undefined || seconds <= 0 ? 'Being tried again.' : `Tried again in ${duration(seconds)}.`;
  return `${activity} failed, ${times}: ${cut(plain(error), 400)} ${next}`;
}
