import { homedir } from 'node:os';
import { join } from 'node:path';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, type Worker } from '@temporalio/worker';
import { defineSearchAttributeKey } from '@temporalio/common';
import { findTemporal } from '../../stack/temporal-binary.ts';
import type { Db } from '../../db/connect.ts';
import { keptBundle } from '../../workers/bundle.ts';
import { createWorkers } from '../../workers/create.ts';
import { SEARCH_ATTRIBUTE } from '../../workflows/names.ts';

let installed = false;

/** The SDK's own logs would drown the tests'. Before the first client or worker of a process. */
export function quietRuntime(): void {
  if (!installed) Runtime.install({ logger: new DefaultLogger('ERROR') });
  installed = true;
}

/**
 * A Temporal dev server of its own for one test file: real, in memory, gone with the file.
 *
 * @param extraArgs of `temporal server start-dev`
 */
export async function startTemporal(extraArgs: readonly string[] = []): Promise<TestWorkflowEnvironment> {
  quietRuntime();
  const path = await findTemporal({
    home: process.env.RATCHET_HOME ?? join(homedir(), '.ratchet'),
    env: process.env,
    info: () => {},
  });
  return TestWorkflowEnvironment.createLocal({
    server: {
      executable: { type: 'existing-path', path },
      extraArgs: [...extraArgs],
      searchAttributes: [
        defineSearchAttributeKey(SEARCH_ATTRIBUTE.task, 'KEYWORD'),
        defineSearchAttributeKey(SEARCH_ATTRIBUTE.stage, 'KEYWORD'),
        defineSearchAttributeKey(SEARCH_ATTRIBUTE.iteration, 'INT'),
        defineSearchAttributeKey(SEARCH_ATTRIBUTE.decision, 'KEYWORD'),
        defineSearchAttributeKey(SEARCH_ATTRIBUTE.targetAccuracy, 'DOUBLE'),
      ],
    },
  });
}

/** Runs real workers on all queues; call the returned function to stop them. */
export async function startWorkers(
  temporal: Pick<TestWorkflowEnvironment, 'nativeConnection' | 'namespace'>,
  db: Db,
): Promise<() => Promise<void>> {
  const workers: Worker[] = await createWorkers({
    connection: temporal.nativeConnection,
    namespace: temporal.namespace ?? 'default',
    db,
    queues: ['main', 'llm', 'train'],
    workflowBundle: await keptBundle(),
  });
  const running = Promise.all(workers.map((worker) => worker.run()));
  return async () => {
    for (const worker of workers) worker.shutdown();
    await running;
  };
}
