/** What became of answers, by what was found of them. */
import type { Finding, Found } from '../../sandbox/finding.ts';

/** As a report says it. */
export const OUTCOMES: Record<Finding, string> = {
  holds: 'holds',
  unchanged: 'leaves the code as it was',
  'hard-coded': 'hard-coded',
  flaky: 'flaky',
  'weak-tests': 'the tests prove too little',
  lint: 'lint',
  'tests-alone': 'passes the tests alone',
  differs: 'does something else than before the bug',
  'tests-fail': 'tests fail',
  'out-of-bounds': 'out of bounds',
  'no-code': 'no code that could be used',
  'no-place': 'refused for what it changes',
  foreign: 'refused for what it changes',
  forbidden: 'brings in what no fix needs',
};

/**
 * What was stored before there were findings (migration 0032) is told by its reason, as it was worded then. Nothing new comes here: such
 * rows stay as they are, and so does this list.
 */
const BEFORE_FINDINGS: [RegExp, Finding][] = [
  [/^unchanged$/, 'unchanged'],
  [/^hard-coded/, 'hard-coded'],
  [/^flaky/, 'flaky'],
  [/^weak tests|^no test fails without/, 'weak-tests'],
  [/^lint/, 'lint'],
  [/outside of them/, 'tests-alone'],
  [/^\d+ of \d+ tests pass/, 'tests-fail'],
  [/^(?:timeout|needs more than|wrote without end|crashed|ended with code)/, 'out-of-bounds'],
  [/^there is no code|^does not parse|^the reply does not define/, 'no-code'],
  [/^imports |^the name |^the attribute |^assigns /, 'forbidden'],
];

export function findingOf({ ok, finding, reason }: Found): Finding {
  if (finding) return finding;
  return ok ? 'holds' : (BEFORE_FINDINGS.find(([pattern]) => pattern.test(reason))?.[1] ?? 'foreign');
}
