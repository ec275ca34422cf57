/** What the commands ask Temporal: start a run, see whether its workflow is open, and why it failed. */
import {
  ApplicationFailure,
  Client,
  Connection,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  type ConnectionOptions,
} from '@temporalio/client';
import type { RunOutcome } from '../activities/run/run.ts';
import type { ImproveInput } from '../loop/input.ts';
import { grpcOptions } from '../process/proxy.ts';
import { TASK_QUEUE, WORKFLOW } from '../workflows/names.ts';
import { errorMessage, UsageError } from '../process/errors.ts';
import { startTracing } from '../process/tracing.ts';
import type { Addresses } from './addresses.ts';

/** Connects with what TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY and TEMPORAL_TLS say. */
export async function connectTemporal(addresses: Pick<Addresses, 'temporal' | 'namespace'>): Promise<Client> {
  const options: ConnectionOptions = {
    address: addresses.temporal,
    connectTimeout: '5s',
    ...grpcOptions(addresses.temporal),
  };
  if (process.env.TEMPORAL_API_KEY) options.apiKey = process.env.TEMPORAL_API_KEY;
  if (process.env.TEMPORAL_API_KEY || process.env.TEMPORAL_TLS === 'true') options.tls = true;
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
  return new Client({ connection, namespace: addresses.namespace, plugins });
}

export type WorkflowState =
  | { state: 'open' }
  | { state: 'absent' }
  | { state: 'closed'; status: string; failure?: string };

/** Whether the run's workflow is open, and the message of its failure when it failed. */
export async function workflowState(client: Client, runId: string): Promise<WorkflowState> {
  const handle = client.workflow.getHandle(runId);
  try {
    const { status } = await handle.describe();
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
      taskQueue: { name: TASK_QUEUE.main },
      // TASK_QUEUE_TYPE_WORKFLOW
      taskQueueType: 1,
    });
    return (pollers?.length ?? 0) > 0;
  } catch {
    return undefined;
  }
}

/** The run that was started last of those that are open. The database knows it a moment later, when a worker has taken it in. */
export async function newestOpenRun(client: Client): Promise<string | undefined> {
  const query = `WorkflowType = '${WORKFLOW.improve}' AND ExecutionStatus = 'Running'`;
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
  const stopped =
    before.state === 'closed' && before.status === 'COMPLETED' && (await wasStopped(client, runId));
  try {
    await client.workflow.start(WORKFLOW.improve, {
      workflowId: runId,
      taskQueue: TASK_QUEUE.main,
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
    taskQueue: TASK_QUEUE.main,
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
