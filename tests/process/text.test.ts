import { expect, test } from 'vitest';
import { createLiveRegion } from '../../cli/live-region.ts';
import { errorMessage } from '../../process/errors.ts';
import { countsLine, junitCounts, vitestCounts, withCrash } from '../../cli/test-results.ts';
import { passage } from '../../cli/render/why-parts.ts';
import {
  bar,
  compact,
  duration,
  levelRange,
  pValueText,
  plain,
  plainLines,
  points,
  table,
  width,
  wrap,
} from '../../process/text.ts';
import { fastStream } from '../../tasks/random.ts';
import { createRates } from '../../cli/watch-lines.ts';

test('text of a model cannot steer the terminal', () => {
  expect(plain('a\u001b[2J\u001b]0;title\u0007b\u0000\u009b31m\u202ec\r\nd')).toBe('abc d');
});

test('numbers are short and read the same everywhere', () => {
  expect([pValueText(0.0312), pValueText(1.24e-5), pValueText(0), pValueText(null)]).toEqual([
    '0.031',
    '1.2e-5',
    '<1e-300',
    '–',
  ]);
  expect([duration(3.14), duration(61), duration(751), duration(7260)]).toEqual([
    '3.1 s',
    '61 s',
    '12 min 31 s',
    '2 h 01 min',
  ]);
  expect([compact(999), compact(12_345), compact(1_234_567)]).toEqual(['999', '12 k', '1.2 M']);
  expect([points(0.651), points(-0.05), points(0)]).toEqual(['+65.1', '−5.0', '+0.0']);
  expect([levelRange([6, 4, 5]), levelRange([4, 6]), levelRange([7]), levelRange(null)]).toEqual([
    '4–6',
    '4, 6',
    '7',
    '–',
  ]);
});

test('a bar has its width at every share', () => {
  for (const share of [-1, 0, 0.01, 0.5, 0.999, 1, 2]) expect(width(bar(share, 24))).toBe(24);
});

test('columns line up whatever colour they have', () => {
  const lines = table(
    [{ title: 'a' }, { title: 'b', align: 'right' }],
    [
      ['\u001b[32mxx\u001b[39m', '1'],
      ['y', '100'],
    ],
  );
  expect(lines.map(width)).toEqual([7, 7, 7]);
  expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
});

test('a terminal region is redrawn in place; a pipe only gets the finished lines', () => {
  const written: string[] = [];
  const out = { isTTY: true, rows: 24, write: (text: string) => written.push(text) > 0 };
  const region = createLiveRegion(out);
  region.draw(['one', 'two']);
  region.draw(['one', 'two']);
  expect(written).toHaveLength(1);
  region.draw(['one', 'three']);
  expect(written[1]).toContain('\u001b[2A');
  region.print('done');
  expect(written.at(-1)).toContain('three');
  region.clear();

  const piped: string[] = [];
  const plainRegion = createLiveRegion({ write: (text: string) => piped.push(text) > 0 });
  plainRegion.draw(['one']);
  plainRegion.print('done');
  plainRegion.clear();
  expect(piped).toEqual(['done\n']);
});

test('a rate counts the last seconds, and anew when the work starts again', () => {
  const rate = createRates(10_000);
  expect(rate('a', 0, 0)).toBeUndefined();
  expect(rate('a', 100, 2000)).toBe(50);
  expect(rate('a', 10, 3000)).toBeUndefined();
  expect(rate('a', 30, 5000)).toBe(10);
});

test('errors are told by what one can do about them', () => {
  const refused = Object.assign(new Error('connect'), {
    code: 'ECONNREFUSED',
    address: '127.0.0.1',
    port: 5432,
  });
  const wrapped = new Error('Failed query: select 1', { cause: new AggregateError([refused]) });
  expect(errorMessage(wrapped)).toBe(
    'Nothing answers at 127.0.0.1:5432. Is the stack up? Start it with: ratchet up',
  );
  expect(errorMessage(new Error('plain words'))).toBe('plain words');
});

test('test counts: a file that does not load and a runner that crashes are failures', () => {
  const json = JSON.stringify({
    testResults: [
      {
        status: 'passed',
        assertionResults: [{ status: 'passed' }, { status: 'skipped' }, { status: 'todo' }],
      },
      { status: 'failed', assertionResults: [{ status: 'passed' }, { status: 'failed' }] },
      { status: 'failed', assertionResults: [] },
    ],
  });
  expect(vitestCounts(json)).toEqual({ passed: 2, failed: 2, skipped: 2 });
  const xml =
    '<testsuites name="x"><testsuite name="pytest" errors="1" failures="2" skipped="3" tests="10" time="1"></testsuite></testsuites>';
  expect(junitCounts(xml)).toEqual({ passed: 4, failed: 3, skipped: 3 });
  expect(withCrash(undefined, 139)).toEqual({ counts: { passed: 0, failed: 1, skipped: 0 }, crashed: true });
  expect(withCrash({ passed: 3, failed: 0, skipped: 0 }, 1).counts.failed).toBe(1);
  expect(countsLine({ passed: 3, failed: 0, skipped: 0 })).toBe('3 passed, 0 failed');
  expect(countsLine({ passed: 3, failed: 1, skipped: 2 })).toBe('3 passed, 1 failed, 2 skipped');
});

test('keeps the lines and blanks of code, and nothing that moves a cursor', () => {
  expect(plainLines('def f(a):\r\n\treturn  a\u001b[2J\u0000\u2028\u202e  # x  ')).toEqual([
    'def f(a):',
    '  return  a',
    '  # x',
  ]);
  const pieces = [
    '\u001b[31m',
    '\u009b',
    '\n',
    '\r',
    '\u0085',
    '\u2029',
    '\u202e',
    '\t',
    'a',
    ' ',
    '  verdicts     pass',
    '\ud800',
  ];
  const next = fastStream('plain lines');
  for (let i = 0; i < 500; i++) {
    const text = Array.from({ length: 12 }, () => pieces[Math.floor(next() * pieces.length)]!).join('');
    for (const line of plainLines(text)) expect(line).not.toMatch(/[\p{Cc}\u2028-\u202e]/u);
    // Nothing that somebody else wrote begins where a line of ours does.
    for (const line of passage('wrote', text).slice(1)) expect(line).toMatch(/^ {15}(?:│|\S|…)/u);
  }
});
