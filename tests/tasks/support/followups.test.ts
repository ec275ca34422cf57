/** The classifier on follow-ups that were written before it was first run on them, and by which no rule was made. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { classify, FOLLOW_UPS, type FollowUp } from '../../../tasks/support/followups.ts';

type Written = { kind: FollowUp['kind']; answer: string; text: string };
const written = readFileSync(new URL('followups.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Written);
const read = written.map((one) => ({ ...one, found: classify(one.text, one.answer).kind }));

// As docs/support.md tells them.
it.each([
  ['correction', 22, 22, 24],
  ['clarification', 14, 14, 16],
  ['thanks', 10, 10, 14],
  ['question', 14, 15, 14],
  ['hostile', 12, 12, 12],
])('%s: %i of %i found are, of %i there are', (kind, right, found, all) => {
  const is = read.filter((one) => one.kind === kind);
  const said = read.filter((one) => one.found === kind);
  expect([said.filter((one) => one.kind === kind).length, said.length, is.length]).toEqual([
    right,
    found,
    all,
  ]);
});

it('has nothing to say of most that says nothing', () => {
  expect(read.filter(({ kind }) => kind === 'unclear').every(({ found }) => found === 'unclear')).toBe(true);
});

it('reads any text in no time, and abstains where nothing stands out', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', maxLength: 300 }),
      fc.string({ maxLength: 100 }),
      (text, answer) => {
        const { kind, score, lead } = classify(text, answer);
        expect([...FOLLOW_UPS, 'unclear']).toContain(kind);
        if (kind !== 'unclear') expect(score >= 0.8 && lead >= 0.3).toBe(true);
      },
    ),
  );
  const began = performance.now();
  for (const word of ['no ', 'ignore ', 'i ', '?', 'the website '])
    classify(word.repeat(30_000), 'Within 30 days.');
  expect(performance.now() - began).toBeLessThan(2000);
});
