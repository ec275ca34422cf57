/** How long workflow histories are, and how large the payloads in them. */
import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';

const { EventType } = proto.temporal.api.enums.v1;

export type Histories = {
  /** Events of each execution of the run, in order: the next one continues it as new. */
  chain: number[];
  /** Events of the longest history of an iteration. */
  longestChild: number;
  largestPayload: { bytes: number; event: string };
};

type Payload = { metadata?: object; data?: unknown };

/** Every payload within a value, of whatever type of event. */
function* payloads(value: unknown): Generator<Uint8Array> {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return;
  const { metadata, data } = value as Payload;
  if (metadata && data instanceof Uint8Array) yield data;
  for (const part of Object.values(value)) yield* payloads(part);
}

export async function measureHistories(
  client: Client,
  runId: string,
  firstExecution: string,
  children: string[],
): Promise<Histories> {
  let largestPayload = { bytes: 0, event: '' };
  async function events(workflowId: string, execution?: string) {
    const { events: found } = await client.workflow.getHandle(workflowId, execution).fetchHistory();
    for (const event of found ?? []) {
      for (const { length } of payloads(event)) {
        if (length > largestPayload.bytes)
          largestPayload = { bytes: length, event: EventType[event.eventType!]! };
      }
    }
    return found ?? [];
  }
  const chain: number[] = [];
  for (let execution: string | undefined | null = firstExecution; execution;) {
    const found = await events(runId, execution);
    chain.push(found.length);
    execution = found.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId;
  }
  let longestChild = 0;
  for (const child of children) longestChild = Math.max(longestChild, (await events(child)).length);
  return { chain, longestChild, largestPayload };
}
