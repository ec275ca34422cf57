/** `npm run gallery`: runs every rogue against the real stack, and prints what stopped it. */
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { reportError, UsageError } from '../../process/errors.ts';
import { listenForInterrupt } from '../../cli/interrupt.ts';
import { duration } from '../../process/text.ts';
import { writeSection } from '../chaos/harness/table.ts';
import { runSuite } from './harness/suite.ts';
import { galleryTable } from './harness/table.ts';
import { ROGUES } from './rogues/index.ts';

function plan() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      lanes: { type: 'string', default: '3' },
      write: { type: 'string' },
    },
  });
  const { only, write } = values;
  const lanes = Number(values.lanes);
  if (!Number.isInteger(lanes) || lanes < 1 || lanes > 16)
    throw new UsageError(`--lanes ${values.lanes}: give a number of rogues at once, 1 to 16.`);
  if (write && only) throw new UsageError('--write needs the whole gallery: leave --only out.');
  const rogues = ROGUES.filter(({ name }) => name.includes(only ?? ''));
  if (rogues.length === 0)
    throw new UsageError(
      `--only ${only}: no such rogue. There are: ${ROGUES.map(({ name }) => name).join('; ')}.`,
    );
  return { rogues, lanes, write };
}

// The rogues' tasks are written there, and the workers read them.
process.env.RATCHET_TASKS ??= tmpdir();

let planned: ReturnType<typeof plan>;
try {
  planned = plan();
} catch (error) {
  // parseArgs says in its own words which option it does not know.
  process.exit(reportError(error instanceof UsageError ? error : new UsageError((error as Error).message)));
}
const { rogues, lanes, write } = planned;

// A database of the user's own is not for rogues.
delete process.env.DATABASE_URL;
const interrupt = listenForInterrupt(() => console.log('Stopping …'));
let done = 0;
const { results, seconds } = await runSuite({
  rogues,
  lanes,
  signal: interrupt.signal,
  onResult: (line) => console.log(`[${++done}/${rogues.length}] ${line}`),
}).catch((error: unknown) => {
  if (!interrupt.signal.aborted) throw error;
  process.exit(130);
});
interrupt.dispose();

const stopped = results.filter(({ broken }) => broken.length === 0).length;
const text = `${galleryTable(results)}\n\n${stopped} of ${results.length} rogues are stopped; ${duration(seconds)} with ${lanes} at once.`;
console.log(`\n${text}`);
if (write) writeSection(write, 'gallery', text);
process.exit(stopped === results.length ? 0 : 1);
