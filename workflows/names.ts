/** Names shared by workflows, workers and clients. Free of I/O, so that workflow code may import it. */

export const TASK_QUEUE = {
  /** Workflows, the database, light work. */
  main: 'ratchet',
  /** Model calls. */
  llm: 'ratchet-llm',
  /** Fine-tuning, one at a time per trainer. */
  train: 'ratchet-train',
} as const;

export const WORKFLOW = { improve: 'improve', iteration: 'iteration' } as const;

/** Custom search attributes, registered by the stack and upserted by `improve`. */
export const SEARCH_ATTRIBUTE = {
  task: 'RatchetTask',
  stage: 'RatchetStage',
  iteration: 'RatchetIteration',
  decision: 'RatchetDecision',
  targetAccuracy: 'RatchetTargetAccuracy',
} as const;

/** The id of an iteration's workflow. */
export const iterationWorkflowId = (runId: string, index: number): string => `${runId}/iteration-${index}`;

/** The run, and the iteration if it is one's, to which a workflow belongs. */
export function identify(workflowId: string): { run: string; iteration?: number } {
  const [, run, iteration] = /^(.*)\/iteration-(\d+)$/s.exec(workflowId) ?? [];
  return run === undefined ? { run: workflowId } : { run, iteration: Number(iteration) };
}
