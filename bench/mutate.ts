/**
 * Does a test fail when a limit of the gates or of the loop's rules is a little wrong? Each `<`, `<=`, `>` and `>=` of gates/ and loop/ is moved
 * by its boundary (`<` for `<=`) and turned round (`>=` for `<`), one change at a time, against the tests of tests/gates and tests/loop that
 * reach it. Prints what no test notices.
 *
 *   npx node bench/mutate.ts [--only loop/promotion.ts,gates/length.ts] [--tests 'tests/loop/vote.test.ts']
 *
 * Exits with 1 where a change goes unnoticed that `bench/mutate/accepted.json` does not name with a reason, where that file names one that is
 * noticed or no longer there, or where a test fails without any change.
 */
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startVitest } from 'vitest/node';
import type { Mutant } from './mutate/mutants.ts';

type Result = Mutant & { reached: boolean; noticed: boolean };
/** A change that no test can notice, by the comparison as it is written; without `to`, both of its changes. */
type Accepted = { file: string; from: string; to?: string; why: string };

const root = fileURLToPath(new URL('..', import.meta.url));
const FILES = globSync('{gates,loop}/*.ts', { cwd: root }).toSorted();
const ALL_TESTS = 'tests/{gates,loop}/*.test.ts';

const { values } = parseArgs({
  options: { only: { type: 'string' }, tests: { type: 'string', default: ALL_TESTS } },
});
const sources = values.only?.split(',') ?? FILES;
const unknown = sources.filter((file) => !FILES.includes(file));
if (unknown.length > 0) {
  console.error(`--only ${unknown.join(',')}: no such file. There are: ${FILES.join(', ')}.`);
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), 'ratchet-mutate-'));
const out = join(folder, 'results.json');
process.env.RATCHET_MUTATE = JSON.stringify({ sources, tests: values.tests, out });
const vitest = await startVitest('test', [], {
  config: false,
  root,
  include: ['bench/mutate/host.ts'],
  watch: false,
  pool: 'forks',
  testTimeout: 3_600_000,
  reporters: ['dot'],
  // Node itself loads and strips the sources: the hooks of the host can change them.
  experimental: { viteModuleRunner: false },
});
await vitest.close();
const { tests, left, failing, results } = JSON.parse(readFileSync(out, 'utf8')) as {
  tests: number;
  /** Tests that compare too often to be run for each change. */
  left: string[];
  /** Tests that fail without any change. */
  failing: string[];
  results: Result[];
};
rmSync(folder, { recursive: true });

const accepted = JSON.parse(readFileSync(join(root, 'bench/mutate/accepted.json'), 'utf8')) as Accepted[];
const names = (one: Accepted, { file, from, to }: Result): boolean =>
  one.file === file && one.from === from && (one.to ?? to) === to;
const survivors = results.filter(({ noticed }) => !noticed);
const open = survivors.filter((result) => !accepted.some((one) => names(one, result)));
const stale = accepted
  .filter(({ file }) => sources.includes(file))
  .filter((one) => !survivors.some((result) => names(one, result)));

for (const { file, line, from, to, reached } of open)
  console.log(`${file}:${line}  ${from}  →  ${to}${reached ? '' : '  (no test reaches it)'}`);
for (const { file, from, to } of stale)
  console.log(`accepted.json: ${file}  ${from}  →  ${to ?? 'any'}  is noticed, or is no longer there`);
for (const line of failing) console.log(`fails without any change: ${line}`);
if (left.length > 0)
  console.log(`Not run for each change, since they compare too often: ${left.join('; ')}.`);
console.log(
  `${results.length - survivors.length} of ${results.length} changes are noticed by ${tests} tests, ` +
    `${survivors.length - open.length} are accepted with a reason, ${open.length} go unnoticed.`,
);
process.exit(open.length + stale.length + failing.length === 0 ? 0 : 1);
