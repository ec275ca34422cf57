/** What the commands ask Temporal: start a run, see whether its workflow is open, and why it failed. */
import {
  ApplicationFailure,
  Client,
  Connection,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import type { RunOutcome } from '../activities/run/run.ts';
import type { ImproveInput } from '../loop/input.ts';
import { payloadCodecs } from '../process/payload-codec.ts';
import { connectionOptions, queuePrefix } from '../process/temporal.ts';
import { fairnessKey, taskQueues, WORKFLOW } from '../workflows/names.ts';
import { errorMessage, UsageError } from '../process/errors.ts';
import { startTracing } from '../process/tracing.ts';
import type { Addresses } from './addresses.ts';

/** Connects with what the TEMPORAL_* variables, or the profile that they name, say of this server. */
export async function connectTemporal(addresses: Pick<Addresses, 'temporal' | 'namespace'>): Promise<Client> {
  const payload = await payloadCodecs();
  const options = { ...connectionOptions(addresses.temporal), connectTimeout: '5s' } as const;
  const connection = await Connection.connect(options).catch((error: unknown) => {
    const reason = errorMessage(error);
    throw new Error(
      `Temporal does not answer at ${addresses.temporal} (${reason}). Start it with: ratchet up`,
    );
  });
  const tracing = await startTracing('ratchet');
  // A command that is done sends its spans before it ends.
  if (tracing) process.once('beforeExit', () => void tracing.shutdown());
  const plugins = tracing ? [tracing.plugin] : [];
  const dataConverter = { payloadCodecs: payload };
  return new Client({ connection, namespace: addresses.namespace, plugins, dataConverter });
}

export type WorkflowState =
  | { state: 'open' }
  /** `takenBy`: the queue of another installation that shares the namespace and has a workflow of this id. */
  | { state: 'absent'; takenBy?: string }
  | { state: 'closed'; status: string; failure?: string };

/** Whether the run's workflow is open, and the message of its failure when it failed. */
export async function workflowState(client: Client, runId: string): Promise<WorkflowState> {
  const handle = client.workflow.getHandle(runId);
  try {
    const { status, taskQueue } = await handle.describe();
    if (!isOurQueue(taskQueue)) return { state: 'absent', takenBy: taskQueue };
    if (status.name === 'RUNNING' || status.name === 'PAUSED') return { state: 'open' };
    if (status.name !== 'FAILED') return { state: 'closed', status: status.name };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { state: 'absent' };
    throw error;
  }
  const failure = await handle.result().then(
    () => undefined,
    (error: unknown) => innermost(error)?.message ?? String(error),
  );
  return { state: 'closed', status: 'FAILED', failure };
}

/** The innermost application failure, else the error itself: the layers around it only say that an activity failed. */
export function innermost(error: unknown): Error | undefined {
  let found: Error | undefined;
  for (
    let e: unknown = error instanceof WorkflowFailedError ? error.cause : error;
    e instanceof Error;
    e = e.cause
  ) {
    if (e instanceof ApplicationFailure || found === undefined) found = e;
  }
  return found;
}

/** Does anyone take work from the queue? Undefined when the server does not say. */
export async function workersPolling(client: Client): Promise<boolean | undefined> {
  try {
    const { pollers } = await client.workflowService.describeTaskQueue({
      namespace: client.options.namespace,
      taskQueue: { name: mainQueue() },
      // TASK_QUEUE_TYPE_WORKFLOW
      taskQueueType: 1,
    });
    return (pollers?.length ?? 0) > 0;
  } catch {
    return undefined;
  }
}

/** The queue of this installation's workflows. */
export const mainQueue = (): string => taskQueues(queuePrefix()).main;

/** Whether a workflow is this installation's: others may share the namespace. */
export const isOurQueue = (taskQueue: string | undefined): boolean => taskQueue === mainQueue();

/** The run that was started last of those that are open. The database knows it a moment later, when a worker has taken it in. */
export async function newestOpenRun(client: Client): Promise<string | undefined> {
  const query = `WorkflowType = '${WORKFLOW.improve}' AND ExecutionStatus = 'Running' AND TaskQueue = '${mainQueue()}'`;
  for await (const { workflowId } of client.workflow.list({ query, pageSize: 1 })) return workflowId;
  return undefined;
}

/**
 * Starts a run, or joins the unfinished one of this id. A failed run goes on where it stopped.
 * Answers whether there was an open workflow already.
 */
export async function startRun(
  client: Client,
  runId: string,
  input: ImproveInput,
): Promise<{ joined: boolean }> {
  const before = await workflowState(client, runId);
  if (before.state === 'open') return { joined: true };
  if (before.state === 'absent' && before.takenBy !== undefined)
    throw new UsageError(
      `The id "${runId}" is taken by another installation, whose queue is ${before.takenBy}: both share Temporal's namespace. Start this run under another --id.`,
    );
  const stopped =
    before.state === 'closed' && before.status === 'COMPLETED' && (await wasStopped(client, runId));
  try {
    await client.workflow.start(WORKFLOW.improve, {
      workflowId: runId,
      taskQueue: mainQueue(),
      priority: { fairnessKey: fairnessKey(runId), priorityKey: input.priority },
      args: [input],
      workflowIdConflictPolicy: 'USE_EXISTING',
      // A stopped run's workflow ended well; it goes on all the same.
      workflowIdReusePolicy: stopped ? 'ALLOW_DUPLICATE' : 'ALLOW_DUPLICATE_FAILED_ONLY',
      staticSummary: `Ratchet run of ${input.task ?? 'arithmetic'}`,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    throw new UsageError(
      `The run "${runId}" is finished already. See it with: ratchet report ${runId}; start another under a new --id.`,
    );
  }
  return { joined: false };
}

async function wasStopped(client: Client, runId: string): Promise<boolean> {
  const outcome = (await client.workflow.getHandle(runId).result()) as RunOutcome | undefined;
  return outcome?.status === 'stopped';
}

/** Where the Temporal UI is, and the namespace to show there. */
type UiAddress = Pick<Addresses, 'temporalUi' | 'namespace'>;

/** The workflow's page in the Temporal UI; undefined where no UI address is known, as are all links here. */
export function workflowLink(ui: UiAddress, runId: string): string | undefined {
  return pageLink(ui, `workflows/${encodeURIComponent(runId)}`);
}

/** The schedule's page in the Temporal UI. */
export function scheduleLink(ui: UiAddress, scheduleId: string): string | undefined {
  return pageLink(ui, `schedules/${encodeURIComponent(scheduleId)}`);
}

/** The form that starts a run, filled in but for the input, which may stay empty. */
export function startLink(ui: UiAddress, runId: string): string | undefined {
  return pageLink(ui, 'workflows/start-workflow', {
    taskQueue: mainQueue(),
    workflowType: WORKFLOW.improve,
    workflowId: runId,
  });
}

/** The list of workflows, without the iterations of the runs. `query` narrows it, as in `RatchetStage="parked"`. */
export function runsLink(ui: UiAddress, query?: string): string | undefined {
  const runs = `WorkflowType="${WORKFLOW.improve}"`;
  return pageLink(ui, 'workflows', { query: query ? `${runs} AND ${query}` : runs });
}

function pageLink(ui: UiAddress, page: string, parameters: Record<string, string> = {}): string | undefined {
  if (!ui.temporalUi) return undefined;
  const base = ui.temporalUi.replace(/\/+$/, '');
  const query = Object.entries(parameters).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return [`${base}/namespaces/${encodeURIComponent(ui.namespace)}/${page}`, query.join('&')]
    .filter(Boolean)
    .join('?');
}
