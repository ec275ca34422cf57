/** Schedules of a namespace that installations share, read without decoding what they hold. */
import { isGrpcServiceError, ScheduleNotFoundError, type Client } from '@temporalio/client';
import { WORKFLOW } from '../../workflows/names.ts';

const GRPC_NOT_FOUND = 5;

/**
 * What a schedule starts and where, as the server has it: another installation's may be encoded by a codec that is not ours.
 * @throws ScheduleNotFoundError
 */
export async function actionOf(client: Client, scheduleId: string) {
  const { namespace } = client.options;
  try {
    const { schedule } = await client.workflowService.describeSchedule({ namespace, scheduleId });
    const { workflowType, taskQueue } = schedule?.action?.startWorkflow ?? {};
    return { workflowType: workflowType?.name, taskQueue: taskQueue?.name ?? undefined };
  } catch (error) {
    if (isGrpcServiceError(error) && error.code === GRPC_NOT_FOUND)
      throw new ScheduleNotFoundError('no such schedule', scheduleId);
    throw error;
  }
}

/** Ids of all schedules in the namespace that start runs, whosever they are. */
export async function idsInNamespace(client: Client): Promise<string[]> {
  const ids: string[] = [];
  let nextPageToken: Uint8Array | undefined;
  do {
    const page = await client.workflowService.listSchedules({
      namespace: client.options.namespace,
      maximumPageSize: 1000,
      nextPageToken,
    });
    for (const { scheduleId, info } of page.schedules ?? [])
      if (scheduleId && (!info?.workflowType || info.workflowType.name === WORKFLOW.improve))
        ids.push(scheduleId);
    nextPageToken = page.nextPageToken?.length ? page.nextPageToken : undefined;
  } while (nextPageToken);
  return ids.toSorted();
}
