/** `npm run hostile`: a hostile endpoint, trainer and client against the real stack, and what held. */
import { parseArgs } from 'node:util';
import { reportError, UsageError } from '../../process/errors.ts';
import { listenForInterrupt } from '../../cli/interrupt.ts';
import { writeSection } from '../chaos/harness/table.ts';
import { runHostile } from './harness/suite.ts';
import { hostileTable } from './harness/table.ts';

function plan() {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '10' },
      seed: { type: 'string', default: '1' },
      write: { type: 'string' },
    },
  });
  const minutes = Number(values.minutes);
  if (!(minutes >= 0.1 && minutes <= 1440))
    throw new UsageError(`--minutes ${values.minutes}: give a number of minutes, 0.1 to 1440.`);
  return { minutes, seed: values.seed, write: values.write };
}

let planned: ReturnType<typeof plan>;
try {
  planned = plan();
} catch (error) {
  // parseArgs says in its own words which option it does not know.
  process.exit(reportError(error instanceof UsageError ? error : new UsageError((error as Error).message)));
}
const { minutes, seed, write } = planned;

const interrupt = listenForInterrupt(() => console.log('Stopping …'));
const outcome = await runHostile({
  seed,
  seconds: minutes * 60,
  signal: interrupt.signal,
  onLine: (line) => console.log(line),
}).catch((error: unknown) => {
  if (!interrupt.signal.aborted) throw error;
  process.exit(130);
});
interrupt.dispose();

const text = hostileTable(outcome, seed);
console.log(`\n${text}`);
if (write) writeSection(write, 'hostile', text);
process.exit(outcome.broken.length === 0 ? 0 : 1);
