/** Names shared by workflows, workers and clients. Free of I/O, so that workflow code may import it. */

/** The task queues of an installation that has its namespace to itself. */
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

export type TaskQueue = keyof typeof TASK_QUEUE;

/** The queues of an installation: several may share a namespace, each under its prefix (RATCHET_TASK_QUEUE_PREFIX). */
export function taskQueues(prefix: string): Record<TaskQueue, string> {
  const before = prefix === '' ? '' : `${prefix}-`;
  return {
    main: before + TASK_QUEUE.main,
    llm: before + TASK_QUEUE.llm,
    train: before + TASK_QUEUE.train,
    sandbox: before + TASK_QUEUE.sandbox,
  };
}

/** Another queue of the installation on whose main queue a workflow runs: a workflow knows no environment. */
export function queueBeside(main: string, queue: TaskQueue): string {
  const before = main.endsWith(TASK_QUEUE.main) ? main.slice(0, -TASK_QUEUE.main.length) : '';
  return before + TASK_QUEUE[queue];
}

export const WORKFLOW = {
  improve: 'improve',
  iteration: 'iteration',
  answer: 'answer',
  checks: 'checks',
  discover: 'discover',
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

/** The id of the workflow that checks samples of the prompts from `first` on, for an iteration's workflow, or for a run's own measurement. */
export const checksWorkflowId = (parent: string, first: number, of = ''): string =>
  `${parent}/checks-${of}${first}`;

/** The run, and the iteration if it is one's, to which a workflow belongs. */
export function identify(workflowId: string): { run: string; iteration?: number } {
  const of = workflowId.replace(/\/checks-[^/]*\d+$/, '');
  const [, run, iteration] = /^(.*)\/iteration-(\d+)$/s.exec(of) ?? [];
  return run === undefined ? { run: of } : { run, iteration: Number(iteration) };
}

/** A key has at most 64 bytes. Runs of which the beginnings are equal share one where their names are longer, which costs them some of their share. */
export function fairnessKey(run: string): string {
  const bytes = new TextEncoder().encode(run);
  return bytes.length <= 64 ? run : new TextDecoder().decode(bytes.slice(0, 61)).replace(/\uFFFD$/, '');
}
