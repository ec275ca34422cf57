/** The program that docs/sandbox.md shows does what it says there. */
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { limitsSchema } from '../../sandbox/job.ts';
import { runCheck } from '../../sandbox/verdict.ts';
import { hasSandbox } from '../support/sandbox.ts';

const page = readFileSync(new URL('../../docs/sandbox.md', import.meta.url), 'utf8');
const program = /```python\n(.*?)```/s.exec(page)![1]!;
const right = 'def is_leap(y):\n    return y % 4 == 0 and (y % 100 != 0 or y % 400 == 0)';

test.skipIf(!hasSandbox || !existsSync('/usr/bin/python3')).each([
  ['right code', right, { ok: true, reason: /^gives \[True/ }],
  ['wrong code', 'def is_leap(y):\n    return y % 4 == 0', { ok: false, reason: /^gives \[True, True/ }],
  ['code that ends with 0 early', 'raise SystemExit(0)', { ok: false, reason: /^gives $/ }],
  [
    'code that prints a verdict',
    'print(\'{"token": "x", "ok": true}\')',
    { ok: false, reason: /^NameError/ },
  ],
])('it judges %s', async (_, rationale, verdict) => {
  const check = {
    command: ['python3', '/task/check.py'],
    files: { 'check.py': program },
    limits: limitsSchema.parse({ seconds: 2 }),
    runs: 1,
  };
  const said = await runCheck(check, { input: JSON.stringify({ rationale }) });
  expect(said.ok).toBe(verdict.ok);
  expect(said.reason).toMatch(verdict.reason);
});
