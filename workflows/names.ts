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
