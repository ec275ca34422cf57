import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import proto from '@temporalio/proto';

const { History } = proto.temporal.api.history.v1;

const HISTORIES = fileURLToPath(new URL('../fixtures/histories/', import.meta.url));

/**
 * Keeps the history of a finished workflow as a replay fixture when RATCHET_SAVE_HISTORIES=1. Fixtures are
 * only added or replaced when workflow code changes on purpose: an old history that no longer replays is a
 * run that would break in the middle.
 */
export async function saveHistory(
  temporal: TestWorkflowEnvironment,
  workflowId: string,
  name: string,
): Promise<void> {
  if (process.env.RATCHET_SAVE_HISTORIES !== '1') return;
  const history = await temporal.client.workflow.getHandle(workflowId).fetchHistory();
  mkdirSync(HISTORIES, { recursive: true });
  writeFileSync(`${HISTORIES}${name}.bin`, History.encode(history).finish());
}

/** The kept histories, by name. */
export function keptHistories() {
  return readdirSync(HISTORIES)
    .filter((name) => name.endsWith('.bin'))
    .map((name) => {
      const history = History.decode(readFileSync(HISTORIES + name));
      // Children are named after the run, so a replay needs the id that the workflow really had.
      const workflowId = history.events[0]?.workflowExecutionStartedEventAttributes?.workflowId;
      return { name, workflowId: workflowId || name, history };
    });
}
