import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { independenceOf, measureIndependence, talliesOf } from '../../loop/independence.ts';

const limits = { within: 0.6, across: 0.4 };
const tally = (rewrite: string, samples: number, votes: number, kind = rewrite) => {
  return { rewrite, kind, samples, votes };
};

describe('independence', () => {
  it('is the share of pairs of samples that agree on ŷ, within rewrites and across them', () => {
    const { within, across } = independenceOf([tally('a', 4, 4), tally('b', 4, 1)]);
    expect(within).toBeCloseTo((4 * 3) / (4 * 3 + 1 * 3));
    expect(across).toBeCloseTo((4 * 1 + 1 * 4) / (4 * 4 + 1 * 4));
  });

  it('is not measured where there are no pairs', () => {
    expect(independenceOf([tally('a', 1, 1), tally('b', 1, 1)])).toEqual({ within: undefined, across: 1 });
    expect(independenceOf([tally('a', 8, 8)])).toEqual({ within: 1, across: undefined });
    expect(independenceOf([tally('a', 8, 0)])).toEqual({ within: undefined, across: undefined });
  });

  it('shows a mistake that one rewrite provokes', () => {
    const tallies = [tally('a', 2, 2), tally('b', 2, 2), tally('c', 2, 0), tally('d', 2, 0)];
    expect(measureIndependence(tallies, limits)).toMatchObject({ within: 1, sharedMistake: true });
  });

  it('shows a mistake of one kind of rewrites, each asked once', () => {
    const tallies = [0, 1, 2, 3].flatMap((i) => [
      tally(`plain ${i}`, 1, i < 3 ? 1 : 0, 'plain'),
      tally(`swapped ${i}`, 1, 0, 'swapped'),
    ]);
    const found = measureIndependence(tallies, limits);
    expect(found).toMatchObject({ across: 0, sharedMistake: true });
    expect(found.within).toBeCloseTo(2 / 3);
    expect(measureIndependence(tallies, { within: 0.7, across: 0.4 }).sharedMistake).toBe(false);
    expect(measureIndependence(tallies, { ...limits, across: 0 }).sharedMistake).toBe(false);
  });

  it('never accuses an answer that all rewrites give alike, nor one of a single rewrite', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 6 }), fc.integer({ min: 1, max: 8 }), (groups, samples) => {
        const all = Array.from({ length: groups }, (_, i) => tally(String(i), samples, samples));
        expect(measureIndependence(all, limits).sharedMistake).toBe(false);
        expect(measureIndependence([tally('as-is', samples, samples)], limits).sharedMistake).toBe(false);
      }),
    );
  });

  it('lies in 0…1 and does not depend on the order of rewrites', () => {
    const tallies = fc.array(
      fc
        .integer({ min: 1, max: 9 })
        .chain((samples) => fc.integer({ min: 0, max: samples }).map((votes) => ({ samples, votes }))),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(tallies, (groups) => {
        const measured = independenceOf(groups);
        expect(independenceOf(groups.toReversed())).toEqual(measured);
        for (const share of [measured.within, measured.across]) {
          if (share === undefined) continue;
          expect(share).toBeGreaterThanOrEqual(0);
          expect(share).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  it('counts samples and votes by rewrite', () => {
    expect(
      talliesOf([
        { rewrite: 'a', kind: 'x', votes: true },
        { rewrite: 'b', votes: false },
        { rewrite: 'a', kind: 'x', votes: false },
      ]),
    ).toEqual([tally('a', 2, 1, 'x'), tally('b', 1, 0)]);
  });
});
