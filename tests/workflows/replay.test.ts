import { Worker } from '@temporalio/worker';
import { expect, it } from 'vitest';
import { bundleWorkflows } from '../../workers/bundle.ts';
import { keptHistories } from '../support/histories.ts';

it('replays every history that was ever kept', async () => {
  const histories = keptHistories();
  expect(histories.map(({ name }) => name)).toContain('improve-plain.bin');
  const failed: string[] = [];
  for await (const result of Worker.runReplayHistories(
    { workflowBundle: await bundleWorkflows() },
    histories,
  )) {
    if (result.error) failed.push(`${result.workflowId}: ${result.error.message}`);
  }
  expect(failed).toEqual([]);
}, 600_000);
