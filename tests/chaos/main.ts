/** `npm run chaos`: kills every part of the stack in every stage, makes the endpoint fail, and prints what held. */
import { parseArgs } from 'node:util';
import { listenForInterrupt } from '../../cli/interrupt.ts';
import { duration } from '../../cli/text.ts';
import { faultCells } from './harness/fault-cells.ts';
import { chosen, killCells } from './harness/plan.ts';
import { passed, runSuite } from './harness/suite.ts';
import { faultTable, killTable, writeSection } from './harness/table.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    lanes: { type: 'string', default: '2' },
    write: { type: 'string' },
  },
});
const [seed, lanes] = [Number(values.seed), Number(values.lanes)];
if (!Number.isInteger(seed)) throw new Error(`--seed ${values.seed}: give a whole number.`);
if (!(lanes >= 1 && lanes <= 16))
  throw new Error(`--lanes ${values.lanes}: give a number of stacks, 1 to 16.`);

const all = killCells(seed);
const onlyFaults = values.only === 'faults';
const kills = onlyFaults ? [] : values.only ? chosen(all, values.only) : all;
const faults = values.only && !onlyFaults ? [] : faultCells(seed);

// However this process ends, the stacks end with it: their reaper sees to that.
const interrupt = listenForInterrupt(() => console.log('Stopping …'));
let done = 0;
const result = await runSuite({
  kills,
  faults,
  lanes: Math.min(lanes, Math.max(1, kills.length)),
  signal: interrupt.signal,
  onResult: (line) => console.log(`[${done++}/${kills.length + faults.length}] ${line}`),
}).catch((error: unknown) => {
  if (!interrupt.signal.aborted) throw error;
  process.exit(130);
});
interrupt.dispose();

const cells = result.kills.length + result.faults.length;
const held = [...result.kills, ...result.faults].filter(({ broken }) => broken.length === 0).length;
const tables = [
  ...(result.kills.length > 0 ? [killTable(result.kills)] : []),
  ...(result.faults.length > 0 ? [faultTable(result.faults)] : []),
  `${held} of ${cells} cells hold; seed ${seed}, ${duration(result.seconds)} with ${lanes} stacks at once.`,
].join('\n\n');
console.log(`\n${tables}`);
for (const left of result.left) console.log(`✗ ${left}`);
if (values.write) {
  if (values.only) throw new Error('--write needs the whole suite: leave --only out.');
  writeSection(values.write, 'chaos', tables);
}
process.exitCode = passed(result) ? 0 : 1;
