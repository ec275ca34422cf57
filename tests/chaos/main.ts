/** `npm run chaos`: kills every part of the stack in every stage, makes the endpoint fail, and prints what held. */
import { parseArgs } from 'node:util';
import { reportError, UsageError } from '../../process/errors.ts';
import { listenForInterrupt } from '../../cli/interrupt.ts';
import { duration } from '../../process/text.ts';
import { faultCells } from './harness/fault-cells.ts';
import { STAGES } from './harness/moments.ts';
import { chosen, killCells, POINTS } from './harness/plan.ts';
import { VICTIMS } from './harness/stack.ts';
import { passed, runSuite } from './harness/suite.ts';
import { faultTable, killTable, writeSection } from './harness/table.ts';

function plan() {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      only: { type: 'string' },
      lanes: { type: 'string', default: '2' },
      write: { type: 'string' },
    },
  });
  const { only, write } = values;
  const [seed, lanes] = [Number(values.seed), Number(values.lanes)];
  if (!Number.isInteger(seed)) throw new UsageError(`--seed ${values.seed}: give a whole number.`);
  if (!Number.isInteger(lanes) || lanes < 1 || lanes > 16)
    throw new UsageError(`--lanes ${values.lanes}: give a number of stacks, 1 to 16.`);
  if (write && only) throw new UsageError('--write needs the whole suite: leave --only out.');
  const all = killCells(seed);
  const kills = only === 'faults' ? [] : only ? chosen(all, only) : all;
  if (kills.length === 0 && only !== 'faults') {
    throw new UsageError(
      `--only ${only}: no such cell. Write VICTIM/STAGE/POINT, each part optional, or faults. Victims: ${VICTIMS.join(', ')}. Stages: ${STAGES.join(', ')}. Points: ${POINTS.join(', ')}.`,
    );
  }
  const faults = only && only !== 'faults' ? [] : faultCells(seed);
  return { seed, kills, faults, lanes: Math.min(lanes, Math.max(1, kills.length)), write };
}

let planned: ReturnType<typeof plan>;
try {
  planned = plan();
} catch (error) {
  // parseArgs says in its own words which option it does not know.
  process.exit(reportError(error instanceof UsageError ? error : new UsageError((error as Error).message)));
}
const { seed, kills, faults, lanes, write } = planned;

// However this process ends, the stacks end with it: their reaper sees to that.
const interrupt = listenForInterrupt(() => console.log('Stopping …'));
let done = 0;
const result = await runSuite({
  kills,
  faults,
  lanes,
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
if (write) writeSection(write, 'chaos', tables);
process.exitCode = passed(result) ? 0 : 1;
