/** Tests that are too weak to prove a fix are helped by whatever else the model thought of for the same bug. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { makeBugs } from '../../../app/code/make-bugs.ts';
import type { Bug } from '../../../tasks/code/bugs.ts';
import { checkInput, proposalOf } from '../../../tasks/code/job.ts';
import { codeTaskOf, folderOf, judge } from '../../support/code-repair.ts';
import { hasSandbox } from '../../support/sandbox.ts';

const GOOD = 'def grade(points: int) -> str:\n    return "pass" if points >= 50 else "fail"\n';
const repository = folderOf({
  'kit/__init__.py': '',
  'kit/grades.py': GOOD.replace('>= 50', '>= 90'),
  'tests/__init__.py': '',
  'tests/test_grades.py': `import unittest

from kit.grades import grade


class GradeTest(unittest.TestCase):
    def test_far_apart(self):
        self.assertEqual(grade(95), "pass")
        self.assertEqual(grade(10), "fail")
`,
  'reports.jsonl': `${JSON.stringify({ id: 'sixty', repository: 'kit', title: 'grade(60) fails', text: 'It should pass.', expects: [{ call: 'grade(60)', expected: "'pass'" }] })}\n`,
});
const archives = mkdtempSync(join(tmpdir(), 'ratchet-archives-'));
const task = codeTaskOf(
  { folder: repository, seconds: 10 },
  { mutants: 6, strength: 0.8, reports: join(repository, 'reports.jsonl') },
);
const FIX = `\`\`\`python\n${GOOD}\`\`\``;
const withIdea = (idea: string) => `${FIX}\n\n\`\`\`python\n${idea}\n\`\`\``;
const OTHERS = [
  withIdea('assert grade(50) == "pass"\nassert grade(51) == "pass"'),
  withIdea('assert grade(49) == "fail"'),
  withIdea('assert grade(50) == "fail"'),
];
let bug: Bug;

beforeAll(async () => {
  if (!hasSandbox) return;
  const { bugs } = await makeBugs(task, { archives, seed: 1, say: () => {} });
  bug = bugs.find(({ planted }) => !planted)!;
}, 120_000);

describe.skipIf(!hasSandbox)('test ideas', () => {
  test('of other answers to the same bug strengthen tests that are too weak alone', async () => {
    const where = { task, archives, bug };
    expect(await judge(where, FIX)).toMatchObject({
      ok: false,
      finding: 'weak-tests',
      reason: expect.stringMatching(/^weak tests/),
    });
    const verdict = await judge(where, FIX, OTHERS);
    expect(verdict.reason).toMatch(/catch 83% of 6 mutants/);
    expect(verdict.ok).toBe(true);
    const ideas = (verdict.details as { ideas: unknown }).ideas as {
      call: string;
      counts: boolean;
      why: string;
    }[];
    // A wrong one is held against nobody.
    expect(ideas.find(({ why }) => why === 'fails with the fix')).toMatchObject({ call: 'grade(50)' });
    expect(ideas.filter(({ counts }) => counts).map(({ call }) => call)).toContain('grade(50)');
  }, 60_000);

  test('make one check of equal fixes, whichever answer is looked at, and none of a held-out bug', () => {
    const inputs = OTHERS.map((text) => {
      const proposal = proposalOf(bug, text);
      if ('refused' in proposal) throw new Error(proposal.refused);
      const of = (held: boolean) =>
        checkInput(task, task.repositories[0]!, bug, proposal, { held, limit: 60, others: OTHERS });
      expect(of(true).ideas).toEqual([]);
      return of(false);
    });
    expect(inputs[0]!.ideas).toHaveLength(4);
    expect(new Set(inputs.map((input) => JSON.stringify(input))).size).toBe(1);
  });
});
