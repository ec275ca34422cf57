/**
 * How long `ratchet why` takes to explain a checkpoint: the queries alone, and the command as it is typed. docs/lineage.md
 * quotes it.
 *
 *   npx node bench/why.ts [--examples 100000]
 *
 * Starts its own PostgreSQL; DATABASE_URL names another server to use.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { planRevocation } from '../app/lineage/revoke.ts';
import { explain } from '../app/lineage/why.ts';
import { createTestDatabase } from '../tests/support/database.ts';
import { addSynthetic } from '../tests/support/synthetic-lineage.ts';

const { values: options } = parseArgs({ options: { examples: { type: 'string', default: '100000' } } });
const ratchet = fileURLToPath(new URL('../bin/ratchet.js', import.meta.url));
const REPEATS = 5;

const database = await createTestDatabase();
const { db } = database;
const { checkpointId } = await addSynthetic(db, 'bench', Number(options.examples));
const [{ id: exampleId } = { id: 0 }] = (
  await db.execute<{ id: number }>('select min(id)::float8 as id from examples')
).rows;

async function median(work: () => Promise<unknown>): Promise<string> {
  const times: number[] = [];
  for (let i = 0; i < REPEATS; i++) {
    const began = performance.now();
    await work();
    times.push(performance.now() - began);
  }
  return `${Math.round(times.toSorted((a, b) => a - b)[Math.floor(REPEATS / 2)]!)} ms`;
}

/** As it is typed: how long it took, and how much of that a processor worked, which a busy machine changes less. */
async function command(...args: string[]): Promise<string> {
  const times: { took: number; worked: number }[] = [];
  for (let i = 0; i < REPEATS; i++) {
    const { stderr } = await promisify(execFile)(
      'bash',
      ['-c', 'TIMEFORMAT="%R %U %S"; time "$@" > /dev/null', '-', process.execPath, ratchet, ...args],
      { env: { ...process.env, DATABASE_URL: database.url } },
    );
    const [took, user, system] = stderr.trim().split('\n').at(-1)!.split(' ').map(Number);
    times.push({ took: took!, worked: user! + system! });
  }
  const middle = times.toSorted((a, b) => a.took - b.took)[Math.floor(REPEATS / 2)]!;
  return `${Math.round(1000 * middle.took)} ms, ${Math.round(1000 * middle.worked)} ms of a processor`;
}
const ask = (count: number, verify: boolean) =>
  explain(db, { kind: 'checkpoint', id: checkpointId }, { count, from: 0, verify });

console.log(`A checkpoint trained from ${options.examples} examples, median of ${REPEATS}`);
console.table({
  'queries, 3 examples': await median(() => ask(3, false)),
  'queries, 1000 examples': await median(() => ask(1000, false)),
  'queries, 3 examples, --verify': await median(() => ask(3, true)),
  'queries, one example': await median(() =>
    explain(db, { kind: 'example', id: exampleId }, { count: 3, from: 0, verify: false }),
  ),
  'queries, what revoking one touches': await median(() => planRevocation(db, [exampleId])),
  'ratchet why checkpoint:…': await command('why', `checkpoint:${checkpointId}`),
  'ratchet --version': await command('--version'),
});
await database.drop();
