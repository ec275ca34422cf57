/**
 * A run of hundreds of short iterations: events per workflow execution, messages sent at random moments, memory of the
 * worker, and whether an iteration takes longer the more came before it. Fails when something does not hold.
 *
 *   npx node bench/long-run.ts [--iterations 300] [--seed 1]
 *
 * Starts its own PostgreSQL (unless DATABASE_URL names one), Temporal dev server and worker process.
 */
import { parseArgs } from 'node:util';
import { growthOf, lateSkips, problemsOf } from '../tests/support/long-run-checks.ts';
import { longRun } from '../tests/support/long-run.ts';

const { values: options } = parseArgs({
  options: {
    iterations: { type: 'string', default: '300' },
    seed: { type: 'string', default: '1' },
  },
});
const iterations = Number(options.iterations);
const run = await longRun({ iterations, seed: Number(options.seed), info: (line) => console.error(line) });

const { chain, longestChild, largestPayload } = run.histories;
const { middle, last } = growthOf(run.rssMb);
const count = (of: (one: (typeof run.sent)[number]) => boolean) => run.sent.filter(of).length;
const recorded = (name: string, accepted: boolean) =>
  run.recorded.filter((row) => row.name === name && row.accepted === accepted).length;

console.log(`\n${iterations} iterations in ${run.seconds.toFixed(0)} s: ${JSON.stringify(run.decisions)}`);
console.log(`events of the run's ${chain.length} executions: ${chain.join(', ')}`);
console.log(`events of the longest iteration: ${longestChild}`);
console.log(`largest payload: ${largestPayload.bytes} bytes (${largestPayload.event})`);
console.log(
  `messages: ${count((one) => one.as === 'signal' && one.outcome === 'delivered')} signals, ` +
    `${count((one) => one.as === 'update')} updates (${count((one) => one.outcome === 'accepted')} accepted); ` +
    `${run.recorded.length} recorded; ${count((one) => one.outcome === 'over')} came after the end`,
);
console.table(
  [...new Set(run.sent.map((one) => one.name))].map((name) => ({
    message: name,
    sent: count((one) => one.name === name),
    accepted: recorded(name, true),
    'recorded as refused': recorded(name, false),
  })),
);
const retries = run.sent.flatMap((one) => one.retries);
console.log(`updates sent again: ${retries.length} ${JSON.stringify([...new Set(retries)])}`);
console.log(
  `accepted skips that came after the decision: ${lateSkips(run)} of ${recorded('skipIteration', true)}`,
);
console.log(`worker, median RSS: ${middle} MB in the middle third, ${last} MB in the last`);
console.log(
  `RSS in MB, every 30 s: ${run.rssMb.filter((_, i) => i % 15 === 0 || i === run.rssMb.length - 1).join(', ')}`,
);
console.log(
  `median ms by third: an iteration ${run.iterationMs.join(', ')}; its decision ${run.decideMs.join(', ')}`,
);

const problems = problemsOf(run, iterations);
if (problems.length > 0) {
  console.error(`\nDoes not hold:\n${problems.join('\n')}`);
  process.exit(1);
}
