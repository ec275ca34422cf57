import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { trusted, vote } from '../../loop/vote.ts';

const numeric = (a: string, b: string): boolean => Number(a) === Number(b);
const answers = fc.array(fc.option(fc.constantFrom('1', '2', '3', '1.0', '2.0'), { nil: undefined }), {
  maxLength: 24,
});

describe('the vote', () => {
  test('is the most frequent answer, with its votes, agreement and margin', () => {
    expect(vote(['13', '13', '12', undefined, '13', '12', '13', '11'])).toEqual({
      answer: '13',
      votes: 4,
      runnerUpVotes: 2,
      samples: 8,
      agreement: 0.5,
      margin: 0.25,
    });
  });

  test('declares a tie for the first place instead of breaking it', () => {
    expect(vote(['1', '2', '1', '2', '3'])).toMatchObject({
      answer: undefined,
      votes: 2,
      runnerUpVotes: 2,
      margin: 0,
    });
  });

  test('has no answer when every sample abstains, however many', () => {
    const none = vote([undefined, undefined, undefined]);
    expect(none).toEqual({
      answer: undefined,
      votes: 0,
      runnerUpVotes: 0,
      samples: 3,
      agreement: 0,
      margin: 0,
    });
    expect(trusted(none, { min: 0, minMargin: 0 })).toBe(false);
    expect(vote([])).toMatchObject({ answer: undefined, samples: 0, agreement: 0, margin: 0 });
  });

  test('does not let samples without an answer win against fewer that have one', () => {
    expect(vote([undefined, undefined, undefined, '7'])).toMatchObject({ answer: '7', agreement: 0.25 });
  });

  test("pools answers by the task's equality and writes ŷ as most of them do", () => {
    expect(vote(['0.5', '.50', '.50', '2', '2'], numeric)).toMatchObject({
      answer: '.50',
      votes: 3,
      runnerUpVotes: 2,
    });
  });

  test('does not depend on the order of the samples', () => {
    fc.assert(
      fc.property(answers, fc.infiniteStream(fc.nat()), (list, keys) => {
        const shuffled = list
          .map((answer) => ({ answer, key: keys.next().value }))
          .sort((a, b) => a.key - b.key);
        expect(
          vote(
            shuffled.map(({ answer }) => answer),
            numeric,
          ),
        ).toEqual(vote(list, numeric));
      }),
    );
  });

  test('keeps ŷ when one more sample gives it, and when one more abstains, which lowers the agreement', () => {
    fc.assert(
      fc.property(answers, (list) => {
        const before = vote(list, numeric);
        fc.pre(before.answer !== undefined);
        const more = vote([...list, before.answer], numeric);
        expect(more.answer === before.answer || numeric(more.answer!, before.answer!)).toBe(true);
        const abstained = vote([...list, undefined], numeric);
        expect(abstained.answer).toBe(before.answer);
        expect(abstained.agreement).toBeLessThan(before.agreement);
        expect(abstained.margin).toBeLessThan(before.margin);
      }),
    );
  });

  test('counts no sample twice: votes of first and second place never exceed the samples', () => {
    fc.assert(
      fc.property(answers, (list) => {
        const { votes, runnerUpVotes, samples, margin, agreement } = vote(list, numeric);
        expect(votes + runnerUpVotes).toBeLessThanOrEqual(samples);
        expect(margin).toBeLessThanOrEqual(agreement);
        expect(agreement).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('a trusted vote', () => {
  const settings = { min: 0.6, minMargin: 0.25 };
  test('needs the agreement: 5 of 8 reach 0.6, 4 of 8 do not', () => {
    expect(trusted(vote(['1', '1', '1', '1', '1', undefined, undefined, undefined]), settings)).toBe(true);
    expect(trusted(vote(['1', '1', '1', '1', undefined, undefined, undefined, undefined]), settings)).toBe(
      false,
    );
  });
  test('needs the lead: 5 against 3 reach 0.25, not 0.26', () => {
    const five = vote(['1', '1', '1', '1', '1', '2', '2', '2']);
    expect(trusted(five, settings)).toBe(true);
    expect(trusted(five, { min: 0.6, minMargin: 0.26 })).toBe(false);
  });
  test('meets a limit that it equals', () => {
    expect(trusted(vote(['1', '1', '1', '2', '3']), { min: 0.6, minMargin: 0.4 })).toBe(true);
  });
});
