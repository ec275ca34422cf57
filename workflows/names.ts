/** Names shared by workflows, workers and clients. Free of I/O, so that workflow code may import it. */

export const TASK_QUEUE = {
  /** Workflows, the database, light work. */
  main: 'ratchet',
  /** Model calls. */
  llm: 'ratchet-llm',
  /** Fine-tuning, one at a time per trainer. */
  train: 'ratchet-train',
  /** What a model wrote is run here, by workers that hold no key and no database. */
  sandbox: 'ratchet-sandbox',
} as const;

export const WORKFLOW = {
  improve: 'improve',
  iteration: 'iteration',
  answer: 'answer',
  checks: 'checks',
} as const;

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

/** The id of the workflow that checks samples of the prompts from `first` on, for an iteration's workflow. */
export const checksWorkflowId = (iteration: string, first: number): string => `${iteration}/checks-${first}`;

/** The run, and the iteration if it is one's, to which a workflow belongs. */
export function identify(workflowId: string): { run: string; iteration?: number } {
  const [, run, iteration] = /^(.*)\/iteration-(\d+)(?:\/checks-\d+)?$/s.exec(workflowId) ?? [];
  return run === undefined ? { run: workflowId } : { run, iteration: Number(iteration) };
}
