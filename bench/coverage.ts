/**
 * Which lines of gates/ and loop/ the tests of tests/gates and tests/loop run, as V8 counts them. A line counts as run only when all of its
 * code ran: a branch within a line that was never taken leaves the line out.
 *
 *   npx node bench/coverage.ts [--least 95]
 *
 * Exits with 1 where a room is under `--least` percent. What workflows and activities run of these rooms in other tests is not counted.
 */
import { globSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { parseAst, startVitest } from 'vitest/node';

type Range = { startOffset: number; endOffset: number; count: number };
type Script = { url: string; functions: { ranges: Range[] }[] };

const root = fileURLToPath(new URL('..', import.meta.url));
const least = Number(parseArgs({ options: { least: { type: 'string', default: '95' } } }).values.least);
const folder = mkdtempSync(join(tmpdir(), 'ratchet-coverage-'));

process.env.NODE_V8_COVERAGE = folder;
const vitest = await startVitest('test', [], {
  config: false,
  root,
  include: ['tests/{gates,loop}/*.test.ts'],
  setupFiles: ['bench/coverage/take.ts'],
  watch: false,
  pool: 'forks',
  maxWorkers: 2,
  testTimeout: 300_000,
  reporters: ['dot'],
  // Node itself loads the sources and strips their types in place, so that offsets are those of the files.
  experimental: { viteModuleRunner: false },
});
await vitest.close();
const failed = vitest.state.getCountOfFailedTests();

/** By file: one array per process that loaded it, 1 for each character that ran. */
const ran = new Map<string, Uint8Array[]>();
for (const name of readdirSync(folder)) {
  const { result } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as { result: Script[] };
  for (const { url, functions } of result) {
    const file = url.startsWith(pathToFileURL(root).href) ? fileURLToPath(url).slice(root.length) : '';
    if (!/^(gates|loop)\/[\w-]+\.ts$/.test(file)) continue;
    const characters = new Uint8Array(readFileSync(join(root, file), 'utf8').length);
    // Of nested ranges the inner one counts: the wider are drawn first.
    const ranges = functions.flatMap((one) => one.ranges);
    ranges.sort((a, b) => a.startOffset - b.startOffset || b.endOffset - a.endOffset);
    for (const { startOffset, endOffset, count } of ranges)
      characters.fill(count > 0 ? 1 : 0, startOffset, endOffset);
    ran.set(file, [...(ran.get(file) ?? []), characters]);
  }
}
rmSync(folder, { recursive: true });

/** The code of a file, line by line: types and comments are blank. */
function codeOf(source: string): string[] {
  const stripped = stripTypeScriptTypes(source);
  const spans = [...source.matchAll(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g)];
  // Only what stands outside of any syntax is a comment: `//` in a text or a pattern is code.
  const code = tokensOf(stripped);
  const blank = spans.filter(({ index }) => !code.some(([from, to]) => from <= index && index < to));
  let text = stripped;
  for (const { index, 0: span } of blank)
    text = text.slice(0, index) + span.replaceAll(/[^\n]/g, ' ') + text.slice(index + span.length);
  return text.split('\n');
}

/** Where texts, templates and patterns stand. */
function tokensOf(source: string): [number, number][] {
  const found: [number, number][] = [];
  const walk = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    const { type, start, end } = node as { type?: string; start: number; end: number };
    if (type === 'Literal' || type === 'TemplateElement') found.push([start, end]);
    for (const value of Object.values(node)) walk(value);
  };
  walk(parseAst(source, { lang: 'js' }));
  return found;
}

const rows = globSync('{gates,loop}/*.ts', { cwd: root })
  .toSorted()
  .map((file) => {
    const lines = codeOf(readFileSync(join(root, file), 'utf8'));
    const processes = ran.get(file) ?? [];
    const missed: number[] = [];
    let [offset, code] = [0, 0];
    lines.forEach((line, i) => {
      // Brackets that close a block belong to what is before them.
      const places = [...line.matchAll(/[\w'"`]+/g)].map(({ index }) => offset + index);
      if (places.length > 0) {
        code += 1;
        if (places.some((at) => !processes.some((characters) => characters[at]))) missed.push(i + 1);
      }
      offset += line.length + 1;
    });
    return { file, code, missed };
  })
  .filter(({ code }) => code > 0);

const share = (some: typeof rows): number => {
  const code = some.reduce((sum, one) => sum + one.code, 0);
  return (100 * (code - some.reduce((sum, one) => sum + one.missed.length, 0))) / code;
};
console.table(
  rows.map((row) => {
    return { file: row.file, lines: row.code, '%': share([row]).toFixed(1), missed: row.missed.join(' ') };
  }),
);
let low = failed > 0;
for (const room of ['gates', 'loop']) {
  const own = rows.filter(({ file }) => file.startsWith(room));
  console.log(
    `${room}/: ${share(own).toFixed(1)} % of ${own.reduce((sum, { code }) => sum + code, 0)} lines`,
  );
  low ||= share(own) < least;
}
process.exit(low ? 1 : 0);
