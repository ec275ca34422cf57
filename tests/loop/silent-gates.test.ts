/** A required gate that never has a verdict lets nothing train: that must be seen. */
import type { Outcome, Verdict } from '../../loop/words.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { silenceAdvice, silenceText, watchSilence } from '../../loop/silent-gates.ts';

const verdict = (gate: string, outcome: Outcome, more: Partial<Verdict> = {}): Verdict => ({
  gate,
  outcome,
  reason: `${gate} says ${outcome}`,
  advisory: false,
  ...more,
});
const sample = (...given: [string, Outcome][]) => given.map(([gate, outcome]) => verdict(gate, outcome));

function silentOf(samples: Verdict[][], options: { votesAreApproved?: boolean; answered?: boolean } = {}) {
  const watch = watchSilence(options);
  for (const one of samples) watch.add(one, options.answered ?? true);
  return watch.silent();
}
const times = <T>(n: number, one: T): T[] => Array.from({ length: n }, () => one);

describe('a required gate that scores nothing', () => {
  const held = sample(['agreement', 'pass'], ['length', 'unscored']);

  it('is named from three samples on that nothing else rejects', () => {
    expect(silentOf(times(2, held))).toEqual([]);
    expect(silentOf([...times(3, held), sample(['agreement', 'fail'], ['length', 'unscored'])])).toEqual([
      { gate: 'length', held: 3, judged: 4, reason: 'length says unscored' },
    ]);
  });
  it('is not silent once it has scored one sample, whatever it said', () => {
    for (const outcome of ['pass', 'fail'] as const)
      expect(silentOf([...times(9, held), sample(['agreement', 'fail'], ['length', outcome])])).toEqual([]);
  });
  it('is no matter where it only advises, or where no sample has an answer', () => {
    const advises = [verdict('agreement', 'pass'), verdict('length', 'unscored', { advisory: true })];
    expect(silentOf(times(9, advises))).toEqual([]);
    expect(silentOf(times(9, held), { answered: false })).toEqual([]);
  });
  it('is not to blame for what it was not asked about, nor people for what they decide later', () => {
    const notAsked = [verdict('critique', 'unscored', { reason: 'not asked: only the others were' })];
    expect(silentOf(times(9, notAsked))).toEqual([]);
    expect(silentOf(times(9, sample(['human', 'unscored'])))).toEqual([]);
  });
  it('is found where it kept all from the vote', () => {
    const unvoted = sample(['agreement', 'fail'], ['critique', 'unscored']);
    expect(silentOf(times(9, unvoted))).toEqual([]);
    expect(silentOf(times(9, unvoted), { votesAreApproved: true })).toMatchObject([{ gate: 'critique' }]);
    const alsoBad = sample(['agreement', 'fail'], ['format', 'fail'], ['critique', 'unscored']);
    expect(silentOf(times(9, alsoBad), { votesAreApproved: true })).toEqual([]);
  });
  it('is named with all that are silent with it, and what lets another run train', () => {
    const silent = silentOf(times(4, sample(['length', 'unscored'], ['critique', 'unscored'])));
    expect(silenceText(silent)).toBe(
      'nothing of the iteration can train: the required gate length scored none of 4 samples, of which no gate rejected 4 ' +
        '(length says unscored); the required gate critique scored none of 4 samples, of which no gate rejected 4 (critique says unscored)',
    );
    expect(silenceAdvice(silent)).toContain('gates.policy.length=advisory, gates.critique.mode=advisory');
    expect(silenceAdvice(silent)).toContain('gates.unscored.length=ignore, gates.unscored.critique=ignore');
  });
});

it('is never said of an iteration in which something was accepted', () => {
  const outcomes = fc.constantFrom<Outcome>('pass', 'fail', 'unscored');
  const samples = fc.array(fc.tuple(outcomes, outcomes, outcomes), { maxLength: 12 });
  fc.assert(
    fc.property(samples, fc.boolean(), (all, votesAreApproved) => {
      const given = all.map(([a, b, c]) => sample(['agreement', a], ['length', b], ['critique', c]));
      const accepted = given.some((one) => one.every(({ outcome }) => outcome === 'pass'));
      if (accepted) expect(silentOf(given, { votesAreApproved })).toEqual([]);
    }),
  );
});
