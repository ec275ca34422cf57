/** Frees the adapters of answers whose workflow was terminated before it could: a worker looks every half minute. */
import { Client, WorkflowNotFoundError } from '@temporalio/client';
import type { PayloadCodec } from '@temporalio/common';
import type { NativeConnection } from '@temporalio/worker';
import type { Db } from '../db/connect.ts';
import { sweepAdapters } from '../engine/answer-adapters.ts';

const SWEEP_MS = 30_000;
/** A server that does not answer is left until the next sweep. */
const PATIENCE_MS = 20_000;

/**
 * @param failed told of what went wrong; the next sweep tries again
 * @returns ends it
 */
export function startSweeper(
  {
    connection,
    namespace,
    db,
    payloadCodecs,
  }: { connection: NativeConnection; namespace: string; db: Db; payloadCodecs: PayloadCodec[] },
  failed: (what: string, error: unknown) => void,
): () => void {
  const { workflow } = new Client({ connection, namespace, dataConverter: { payloadCodecs } });
  const isOpen = async (id: string): Promise<boolean> => {
    try {
      const { status } = await workflow.getHandle(id).describe();
      return status.name === 'RUNNING' || status.name === 'PAUSED';
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  };
  const sweep = () =>
    sweepAdapters(
      db,
      isOpen,
      (id, error) => failed(`the adapter of answer ${id} could not be freed`, error),
      AbortSignal.timeout(PATIENCE_MS),
    );
  let sweeping = false;
  const timer = setInterval(() => {
    if (sweeping) return;
    sweeping = true;
    void sweep()
      .catch((error: unknown) => failed('adapters of answers could not be looked through', error))
      .finally(() => (sweeping = false));
  }, SWEEP_MS);
  timer.unref();
  return () => clearInterval(timer);
}
