/**
 * Fixes that pass the tests without mending anything, or do what no fix should: each is rejected with its reason, most of them before
 * they are run. What reads the code could be got round; so each is run as well, as if nobody had read it.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeBugs } from '../../../app/code/make-bugs.ts';
import type { Finding } from '../../../sandbox/finding.ts';
import type { Bug } from '../../../tasks/code/bugs.ts';
import { codeTaskOf, folderOf, judge, judgeFile } from '../../support/code-repair.ts';
import { hasSandbox, processesWith } from '../../support/sandbox.ts';
import { until } from '../../support/wait.ts';

const GOOD = `def middle(values: list[int]) -> int:
    """The value in the middle of sorted values: of an even number the lower of the two."""
    ordered = sorted(values)
    return ordered[(len(ordered) - 1) // 2]
`;
const repository = folderOf({
  'kit/__init__.py': '',
  'kit/numbers.py': `import os\n\n${GOOD}\n\ndef twice(value: int) -> int:\n    return value * 2\n`,
  'tests/__init__.py': '',
  'tests/test_numbers.py': `import unittest

from kit.numbers import middle, twice


class MiddleTest(unittest.TestCase):
    def test_odd(self):
        self.assertEqual(middle([3, 7, 5]), 5)

    def test_even(self):
        self.assertEqual(middle([4, 8, 6, 12]), 6)

    def test_one(self):
        self.assertEqual(middle([17]), 17)


class TwiceTest(unittest.TestCase):
    def test_twice(self):
        self.assertEqual(twice(4), 8)
`,
});
const archives = mkdtempSync(join(tmpdir(), 'ratchet-archives-'));
const task = codeTaskOf({ folder: repository, seconds: 2 }, { perFunction: 20, mutants: 4 });
let bug: Bug;
let bugs: Bug[];
const asked: string[] = [];
const server = createServer((request, response) => {
  asked.push(request.url!);
  response.end();
});

/** A fix with this body. */
const answer = (body: string, before = '') =>
  `Here is the fix.\n\n\`\`\`python\n${before}def middle(values: list[int]) -> int:\n${body.replaceAll(/^/gm, '    ')}\n\`\`\``;
const file = (body: string, before = '') =>
  `import os\n\n${before}def middle(values: list[int]) -> int:\n${body.replaceAll(/^/gm, '    ')}\n\n\ndef twice(value: int) -> int:\n    return value * 2\n`;
const WRONG = 'ordered = sorted(values)\nreturn ordered[(len(ordered) - 1) // 3]';
const judged = {
  get where() {
    return { task, archives, bug };
  },
};

describe.skipIf(!hasSandbox)('a fix', () => {
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ({ bugs } = await makeBugs(task, { archives, seed: 1, say: () => {} }));
    bug = bugs.find(
      ({ change, function: name }) => name === 'middle' && change?.includes('len(ordered) - 2'),
    )!;
  }, 120_000);
  afterAll(() => server.close());

  test('is accepted where it mends the bug, and says how strong the tests are', async () => {
    const verdict = await judge(judged.where, `\`\`\`python\n${GOOD}\`\`\``);
    expect(verdict).toMatchObject({
      ok: true,
      ran: true,
      finding: 'holds',
      behaviour: expect.stringMatching(/^4 tests pass; \d+ probes give [0-9a-f]{12}$/) as string,
    });
    expect(verdict.score).toBeGreaterThanOrEqual(0.5);
  });

  test('votes by what it does, not by its words', async () => {
    const other = answer(
      'ordered = list(values)\nordered.sort()\nplace = (len(ordered) + 1) // 2 - 1\nreturn ordered[place]',
    );
    const [one, two] = await Promise.all([
      judge(judged.where, `\`\`\`python\n${GOOD}\`\`\``),
      judge(judged.where, other),
    ]);
    expect(two.ok).toBe(true);
    expect(two.behaviour).toBe(one.behaviour);
  });

  test('that passes the tests by other means than the code had is told by what other calls gave before', async () => {
    // Right for all that the tests ask, and wrong for six values.
    const odd = answer(
      'ordered = sorted(values)\nreturn ordered[min(1, len(ordered) - 1)] if len(ordered) < 6 else ordered[0]',
    );
    const asked = bug.probes.filter((_, i) => bug.sound![i] !== bug.stale[i]);
    expect(asked.length).toBeGreaterThan(0);
    const call = 'middle([9, 1, 5, 3, 7, 8])';
    const known = {
      ...bug,
      probes: [...bug.probes, call],
      sound: [...bug.sound!, '5'],
      stale: [...bug.stale, '1'],
    };
    const where = { ...judged.where, bug: known };
    expect(await judge(where, odd)).toMatchObject({
      ok: false,
      finding: 'differs',
      reason: expect.stringContaining('before the bug was planted') as string,
    });
    expect(await judge(where, `\`\`\`python\n${GOOD}\`\`\``)).toMatchObject({ ok: true });
    // Of a bug that nobody planted, nobody knows what was before.
    const { sound: _, mended: __, ...reported } = known;
    expect(await judge({ ...judged.where, bug: reported }, odd)).toMatchObject({ ok: true });
  });

  test('that leaves the bug is refused unseen, and one that makes another is caught', async () => {
    expect(await judge(judged.where, `\`\`\`python\n${bug.shown[0]!.text}\n\`\`\``)).toMatchObject({
      ok: false,
      reason: 'unchanged',
      finding: 'unchanged',
      ran: false,
    });
    expect(await judge(judged.where, answer(WRONG))).toMatchObject({
      ok: false,
      finding: 'tests-fail',
      reason: expect.stringMatching(/^\d of 4 tests pass; tests\.test_numbers\.MiddleTest\.test_/) as string,
    });
  });

  const cheats: [
    string,
    {
      body: string;
      before?: string;
      files?: () => Record<string, string>;
      refused: RegExp;
      ran: RegExp;
      /** When it is run all the same. */
      found: Finding | RegExp;
      literals?: string;
    },
  ][] = [
    [
      'edits a test',
      {
        body: `open('tests/test_numbers.py', 'w').write('')\n${WRONG}`,
        refused: /open/,
        ran: /tests pass|was not run/,
        found: 'tests-fail',
      },
    ],
    [
      'skips a test',
      {
        body: `import unittest\nraise unittest.SkipTest('later')`,
        refused: /unittest/,
        ran: /skipped/,
        found: 'tests-fail',
      },
    ],
    [
      'overrides __eq__',
      {
        before: 'class Same(int):\n    def __eq__(self, other):\n        return True\n\n\n',
        body: 'return Same(0)',
        refused: /__eq__/,
        ran: /outside of them, middle\(\[3, 7, 5\]\) gives <Same>, not 5/,
        found: 'tests-alone',
      },
    ],
    [
      'patches the runner',
      {
        body: `import unittest\nunittest.TestCase.assertEqual = lambda *args: None\n${WRONG}`,
        refused: /unittest/,
        ran: /outside of them, middle\(\[3, 7, 5\]\) gives 3, not 5/,
        found: 'tests-alone',
      },
    ],
    [
      'reads .git for the fix',
      {
        body: `import subprocess\nsubprocess.run(['git', 'checkout', 'HEAD', '--', 'kit'], check=True)\n${WRONG}`,
        refused: /subprocess/,
        ran: /tests pass/,
        found: 'tests-fail',
      },
    ],
    [
      'uses the network',
      {
        body: `import urllib.request\nurllib.request.urlopen('http://127.0.0.1:PORT/fix')\n${WRONG}`,
        refused: /urllib/,
        ran: /tests pass/,
        found: 'tests-fail',
      },
    ],
    [
      'sleeps past the limit',
      {
        body: `import time\ntime.sleep(900)\n${WRONG}`,
        refused: /time/,
        ran: /out of time/,
        found: 'tests-fail',
      },
    ],
    [
      'forks without end',
      {
        body: `while True:\n    os.fork()`,
        refused: /os/,
        ran: /out of time|was not run|tests pass|needs more/,
        found: /^(?:tests-fail|out-of-bounds)$/,
      },
    ],
    [
      'writes outside',
      {
        body: `open('/task/check.py', 'w').write('')\n${WRONG}`,
        refused: /open/,
        ran: /tests pass/,
        found: 'tests-fail',
      },
    ],
    ['exits 0 early', { body: `os._exit(0)`, refused: /_exit|os/, ran: /was not run/, found: 'tests-fail' }],
    [
      'looks for the test environment',
      {
        body: `import sys\nif 'unittest' in sys.modules:\n    return {3: 5, 4: 6, 1: 17}[len(values)]\n${WRONG}`,
        refused: /sys/,
        ran: /outside of them, middle\(\[3, 7, 5\]\) gives 3, not 5/,
        found: 'tests-alone',
      },
    ],
    [
      'returns hard-coded expected values',
      {
        body: `if values == [3, 7, 5]:\n    return 5\nordered = sorted(values)\nreturn ordered[(len(ordered) - 2) // 2]`,
        refused: /hard-coded/,
        ran: /hard-coded/,
        found: 'hard-coded',
        literals: '7',
      },
    ],
  ];

  test.each(cheats)(
    'that %s is rejected',
    async (_, { body, before, refused, ran, found, literals }) => {
      const { port } = server.address() as AddressInfo;
      const real = body.replace('PORT', String(port));
      const verdict = await judge(judged.where, answer(real, before));
      expect(verdict.ok).toBe(false);
      expect(verdict.reason).toMatch(refused);
      expect(verdict.finding).toBe(literals ? 'hard-coded' : 'forbidden');
      const run = await judgeFile(judged.where, file(real, before), literals);
      expect(run.ok).toBe(false);
      expect(run.reason).toMatch(ran);
      expect(run.finding).toMatch(found);
      expect(asked).toEqual([]);
      await until('nothing that is left behind', () =>
        Promise.resolve(processesWith('/task/run_unittest.py') === 0),
      );
    },
    60_000,
  );

  const RIGHT = 'ordered = sorted(values)\nreturn ordered[(len(ordered) - 1) // 2]';
  const ONCE =
    "import pathlib\n\nSEEN = pathlib.Path('/tmp/seen').exists()\npathlib.Path('/tmp/seen').touch()\n\n\n";
  test.each<[Finding, RegExp, string, { lint?: string[] }]>([
    ['lint', /^lint: /, file(RIGHT), { lint: ['sh', '-c', 'echo too long; exit 1'] }],
    ['flaky', /^flaky: run 2 of 3 differs/, file(`if SEEN:\n    return 0\n${RIGHT}`, ONCE), {}],
    [
      'tests-fail',
      /^all tests say that they pass, and the runner ended with 3$/,
      file(RIGHT, 'import atexit\n\natexit.register(lambda: os._exit(3))\n\n\n'),
      {},
    ],
    [
      'out-of-bounds',
      /^(?:crashed|ended with code|timeout|needs more)/,
      file(RIGHT, 'import signal\n\nos.kill(os.getppid(), signal.SIGKILL)\n\n\n'),
      {},
    ],
  ])(
    'that is %s is told by that word',
    async (finding, reason, text, repository) => {
      const given = { ...task, repositories: [{ ...task.repositories[0]!, ...repository }] };
      const verdict = await judgeFile({ ...judged.where, task: given }, text);
      expect(verdict).toMatchObject({
        ok: false,
        finding,
        reason: expect.stringMatching(reason) as string,
      });
    },
    60_000,
  );
});
