/** What was found of an answer, in one word: told where it is found, and read out of the reason where only that was stored. */
import { expect, test } from 'vitest';
import type { Finding } from '../../../sandbox/finding.ts';
import { applyFix } from '../../../tasks/code/apply.ts';
import { findingOf, OUTCOMES } from '../../../tasks/code/findings.ts';
import type { Fix } from '../../../tasks/code/reply.ts';

const FILE = 'def f(a):\n    return a\n\n\ndef g(a):\n    return a\n';
const block = (search: string, replace: string): Fix => [{ search, replace }];

test.each<[Finding, Fix]>([
  ['unchanged', 'def f(a):\n    return a'],
  ['no-code', 'def f(a):\n    return (a'],
  ['no-code', 'x = 1'],
  ['no-place', block('    return b', '    return a')],
  ['no-place', block('    return a', '    return 1')],
  ['foreign', 'def f(a, b):\n    return a'],
  ['foreign', block('def g(a):\n    return a', 'def g(a):\n    return 1')],
  ['foreign', [{ path: 'tests/test_x.py', search: 'a', replace: 'b' }]],
])('%s: %j', (finding, fix) => {
  const applied = applyFix({ 'x.py': FILE }, { path: 'x.py', name: 'f' }, fix);
  expect(applied).toMatchObject({ finding });
  // What was stored of the same answer before there were such words comes to the same row of the table.
  const reason = 'refused' in applied ? applied.refused : '';
  expect(OUTCOMES[findingOf({ ok: false, finding: null, reason })]).toBe(OUTCOMES[finding]);
});

test.each<[string, Finding]>([
  ['hard-coded: it writes down 5 of the tests', 'hard-coded'],
  ['flaky: run 2 of 3 differs', 'flaky'],
  ['weak tests: they catch 1 of 6 mutants', 'weak-tests'],
  ['no test fails without the fix', 'weak-tests'],
  ['lint: too long', 'lint'],
  ['the tests pass and yet, outside of them, f(1) gives 2, not 1', 'tests-alone'],
  ['3 of 4 tests pass; t: no', 'tests-fail'],
  ['timeout: not done in 1 s', 'out-of-bounds'],
  ['the name eval, which runs text as code (line 8)', 'forbidden'],
  ['another function changed: g', 'foreign'],
])('stored before, "%s" was %s', (reason, finding) => {
  expect(findingOf({ ok: false, finding: null, reason })).toBe(finding);
  expect(findingOf({ ok: true, finding: null, reason })).toBe('holds');
});

test('a word that is stored is believed, whatever the reason quotes', () => {
  const reason = '3 of 4 tests pass; t: the value outside of them is 3';
  expect(findingOf({ ok: false, finding: 'tests-fail', reason })).toBe('tests-fail');
});
