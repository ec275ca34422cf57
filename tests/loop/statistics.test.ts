import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fallAtMost, pairedGain, wilson } from '../../loop/interval.ts';
import { mcnemar } from '../../loop/mcnemar.ts';
import { median, medianAbsoluteDeviation } from '../../loop/statistics.ts';
import scipy from './fixtures/scipy.json' with { type: 'json' };

describe('the exact one-sided McNemar test', () => {
  test.each(scipy.mcnemar)(
    "agrees with SciPy's binomial test for $fixed fixed, $broken broken",
    ({ fixed, broken, p }) => {
      expect(Math.abs(mcnemar(fixed, broken) - p)).toBeLessThanOrEqual(1e-9 * p + 1e-300);
    },
  );

  // Fagerland, Lydersen & Laake 2013, BMC Med. Res. Methodol. 13:91: two-sided, so twice ours.
  test.each([
    ['airway hyper-responsiveness (Bentur et al. 2009)', 7, 1, 0.0703],
    ['complete response (Cavo et al. 2012)', 16, 6, 0.0525],
  ])('agrees with the published exact test of %s', (_, fixed, broken, twoSided) => {
    expect(2 * mcnemar(fixed, broken)).toBeCloseTo(twoSided, 4);
  });

  test('is 1 when best and candidate never differ', () => {
    expect(mcnemar(0, 0)).toBe(1);
  });

  test('gets smaller with each fixed item and larger with each broken one, and stays within 0…1', () => {
    fc.assert(
      fc.property(fc.nat(400), fc.nat(400), (fixed, broken) => {
        const p = mcnemar(fixed, broken);
        expect(p).toBeGreaterThan(0);
        expect(p).toBeLessThanOrEqual(1);
        expect(mcnemar(fixed + 1, broken)).toBeLessThanOrEqual(p);
        expect(mcnemar(fixed, broken + 1)).toBeGreaterThanOrEqual(p - 1e-12);
      }),
      { numRuns: 60 },
    );
  });

  test('never says better than chance allows: at most alpha of all equally likely outcomes are below alpha', () => {
    for (const n of [1, 5, 12, 40]) {
      let below = 0;
      let ways = 1;
      for (let fixed = 0; fixed <= n; fixed++) {
        if (mcnemar(fixed, n - fixed) < 0.05) below += ways / 2 ** n;
        ways = (ways * (n - fixed)) / (fixed + 1);
      }
      expect(below).toBeLessThanOrEqual(0.05);
    }
  });

  test('takes tens of thousands of items', () => {
    expect(mcnemar(50_000, 50_000)).toBeCloseTo(0.5, 2);
    expect(mcnemar(60_000, 100)).toBe(0);
    expect(mcnemar(100, 60_000)).toBe(1);
  });

  test('refuses counts that are none', () => {
    for (const bad of [-1, 1.5, NaN, Infinity]) {
      expect(() => mcnemar(bad, 0)).toThrow(RangeError);
      expect(() => mcnemar(0, bad)).toThrow(/whole numbers/);
    }
  });
});

describe("Wilson's interval", () => {
  test.each(scipy.wilson)('agrees with SciPy for $correct of $total', ({ correct, total, low, high }) => {
    expect(wilson(correct, total).low).toBeCloseTo(low, 12);
    expect(wilson(correct, total).high).toBeCloseTo(high, 12);
  });
  test('says nothing without items, and refuses what is no proportion', () => {
    expect(wilson(0, 0)).toEqual({ low: 0, high: 1 });
    expect(() => wilson(3, 2)).toThrow(RangeError);
    expect(() => wilson(-1, 2)).toThrow(RangeError);
    expect(() => wilson(NaN, 2)).toThrow(RangeError);
  });
  test('holds the measured share and stays within 0…1', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.nat(1000), (a, b) => {
        const [correct, total] = [Math.min(a, b), Math.max(a, b, 1)];
        const { low, high } = wilson(correct, total);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(1);
        expect(low).toBeLessThanOrEqual(correct / total);
        expect(high).toBeGreaterThanOrEqual(correct / total);
      }),
    );
  });
});

describe('the upper bound of a fall', () => {
  test.each(scipy.falls)(
    'agrees with SciPy for $fixed fixed, $broken broken of $total',
    ({ fixed, broken, total, bound }) => {
      expect(fallAtMost(fixed, broken, total)).toBeCloseTo(bound, 12);
    },
  );

  test('lies above the measured fall, and comes down to it with more items', () => {
    fc.assert(
      fc.property(fc.nat(20), fc.nat(20), fc.integer({ min: 41, max: 400 }), (fixed, broken, total) => {
        const at = (times: number) => fallAtMost(times * fixed, times * broken, times * total);
        const fall = (broken - fixed) / total;
        expect(at(1)).toBeGreaterThan(fall - 2 / total);
        expect(Math.abs(at(1000) - fall)).toBeLessThan(0.01);
        expect(fallAtMost(fixed, broken + 1, total)).toBeGreaterThan(at(1));
      }),
    );
  });

  test('holds the true fall in about 95 % of all samples, by the exact distribution', () => {
    // Of 100 items each is fixed, broken or the same, with these probabilities.
    for (const [rise, fall] of [
      [0.02, 0.05],
      [0.05, 0.05],
      [0.01, 0.1],
      [0.1, 0.02],
    ] as const) {
      const n = 100;
      let covered = 0;
      let total = 0;
      for (let fixed = 0; fixed <= 40; fixed++) {
        for (let broken = 0; broken <= 40; broken++) {
          const ways = logFactorial(n) - logFactorial(fixed) - logFactorial(broken);
          const same = n - fixed - broken;
          const p = Math.exp(
            ways -
              logFactorial(same) +
              fixed * Math.log(rise) +
              broken * Math.log(fall) +
              same * Math.log(1 - rise - fall),
          );
          total += p;
          if (fallAtMost(fixed, broken, n) >= fall - rise) covered += p;
        }
      }
      expect(total).toBeCloseTo(1, 6);
      expect(covered).toBeGreaterThan(0.93);
      expect(covered).toBeLessThan(0.99);
    }
  });

  test('says nothing without items, and refuses what are no counts', () => {
    expect(fallAtMost(0, 0, 0)).toBe(1);
    expect(() => fallAtMost(3, 3, 5)).toThrow('3 fixed and 3 broken of 5 items');
    expect(() => fallAtMost(-1, 0, 5)).toThrow(RangeError);
    expect(() => fallAtMost(0, NaN, 5)).toThrow(RangeError);
  });
});

function logFactorial(n: number): number {
  let sum = 0;
  for (let i = 2; i <= n; i++) sum += Math.log(i);
  return sum;
}

describe('median and median absolute deviation', () => {
  test('of odd and even many values, in any order, without changing them', () => {
    const values = [9, 1, 5];
    expect(median(values)).toBe(5);
    expect(values).toEqual([9, 1, 5]);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(medianAbsoluteDeviation([1, 1, 2, 2, 4, 6, 9])).toBe(1);
  });
  test('one outlier does not move them far', () => {
    expect(median([10, 11, 12, 1_000_000])).toBe(11.5);
    expect(medianAbsoluteDeviation([10, 10, 11, 12, 1_000_000])).toBe(1);
  });
  test('there is none without values', () => {
    expect(median([])).toBeUndefined();
    expect(medianAbsoluteDeviation([])).toBeUndefined();
  });
});

test('the interval of a paired gain lies around it, is that of the loss turned round, and narrows with more items', () => {
  fc.assert(
    fc.property(fc.nat(20), fc.nat(20), fc.integer({ min: 41, max: 400 }), (fixed, broken, total) => {
      const { low, high } = pairedGain(fixed, broken, total);
      const gain = (fixed - broken) / total;
      expect(low).toBeLessThan(gain + 2 / total);
      expect(high).toBeGreaterThan(gain - 2 / total);
      const turned = pairedGain(broken, fixed, total);
      expect([turned.low, turned.high]).toEqual([expect.closeTo(-high, 12), expect.closeTo(-low, 12)]);
      const more = pairedGain(100 * fixed, 100 * broken, 100 * total);
      expect(more.high - more.low).toBeLessThan(high - low);
    }),
  );
  expect(pairedGain(0, 0, 0)).toEqual({ low: -1, high: 1 });
  expect(() => pairedGain(2, 2, 3)).toThrow(RangeError);
});
