/** What bench/long-run.ts measures over hundreds of iterations, over as many as it takes to continue as new. */
import { expect, it } from 'vitest';
import { problemsOf } from '../support/long-run-checks.ts';
import { longRun } from '../support/long-run.ts';

const ITERATIONS = 30;

it('continues as new and loses no message sent at a random moment', async () => {
  const run = await longRun({ iterations: ITERATIONS, seed: 7 });
  expect(problemsOf(run, ITERATIONS)).toEqual([]);
  expect(run.histories.chain.length).toBeGreaterThan(1);
  // All kinds of answers were seen, on both ways.
  const seen = new Set(run.recorded.map(({ name, accepted }) => `${name} ${accepted}`));
  expect([...seen]).toEqual(
    expect.arrayContaining(['pause true', 'resume true', 'setBudget true', 'retryIteration false']),
  );
  expect(new Set(run.sent.map((one) => one.as)).size).toBe(2);
  expect(run.decisions.promote).toBeGreaterThan(0);
}, 300_000);
