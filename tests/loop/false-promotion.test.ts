/** How often a run promotes what is no better, by simulation of whole runs with seeded luck. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { levelOfLook, type Look } from '../../loop/alpha-spending.ts';
import { decidePromotion, pair } from '../../loop/promotion.ts';
import { random, type Random } from '../../loop/random.ts';

const settings = { alpha: 0.05, minGain: 0, guardMargin: 0.03 };
const LOOKS = 20;
const ITEMS = 300;

type Correction = 'alpha-spending' | 'none';

/**
 * One run on one set of target items: in each iteration a candidate answers them, and the loop decides.
 *
 * @returns the decisions, in order
 */
function run(
  correction: Correction,
  first: boolean[],
  candidateOf: (best: readonly boolean[], look: number) => boolean[],
): boolean[] {
  const looks: Look[] = [];
  let best = first;
  for (let i = 0; i < LOOKS; i++) {
    const level = correction === 'none' ? settings.alpha : levelOfLook(settings.alpha, looks, LOOKS - i);
    const candidate = candidateOf(best, i);
    const { decision } = decidePromotion({
      settings,
      target: pair(best, candidate),
      guards: [],
      look: { number: i + 1, level },
    });
    const promoted = decision === 'promote';
    looks.push({ level, promoted });
    if (promoted) best = candidate;
  }
  return looks.map((look) => look.promoted);
}

/** Share of runs that promote anything. */
function falseRate(correction: Correction, runs: number, one: (next: Random) => boolean[]): number {
  let wrong = 0;
  for (let seed = 0; seed < runs; seed++) {
    const next = random(`false promotions/${seed}`);
    wrong += Number(one(next).includes(true));
  }
  return wrong / runs;
}

/** What a rate of at most `p` may come out as in `n` runs, but for one experiment in a thousand or so. */
const upTo = (p: number, n: number) => p + 3.1 * Math.sqrt((p * (1 - p)) / n);

/** A model that is right on each item with the item's own probability, anew each time it is asked. */
const answers = (next: Random, skill: readonly number[]) => skill.map((p) => next() < p);
const skills = (next: Random) => Array.from({ length: ITEMS }, () => next());

describe('in runs of 20 looks at the same items', () => {
  const RUNS = 1500;

  /** Candidate and best are one model: every difference is luck. */
  const equal = (correction: Correction) => (next: Random) => {
    const skill = skills(next);
    return run(correction, answers(next, skill), () => answers(next, skill));
  };

  test('candidates that are no better are promoted in at most 5 % of the runs', () => {
    expect(falseRate('alpha-spending', RUNS, equal('alpha-spending'))).toBeLessThanOrEqual(
      upTo(settings.alpha, RUNS),
    );
  });

  test('without the correction it would be in many more, so the one above is no idle test', () => {
    expect(falseRate('none', 300, equal('none'))).toBeGreaterThan(0.2);
  });

  test('the bound holds after true promotions, on the items that chose the best', () => {
    // The first five candidates are each a true improvement; the others are the fifth again.
    const MODELS = 5;
    let improvements = 0;
    const after = falseRate('alpha-spending', RUNS, (next) => {
      let skill = skills(next).map((p) => 0.5 * p);
      const decisions = run('alpha-spending', answers(next, skill), (_, look) => {
        if (look < MODELS) skill = skill.map((p) => p + 0.3 * (1 - p));
        return answers(next, skill);
      });
      let best = 0;
      return decisions.map((promoted, look) => {
        const model = Math.min(look + 1, MODELS);
        const wrong = promoted && model === best;
        if (promoted) best = model;
        improvements += Number(promoted && !wrong);
        return wrong;
      });
    });
    expect(improvements / RUNS).toBeGreaterThan(2);
    expect(after).toBeLessThanOrEqual(upTo(settings.alpha, RUNS));
  });

  test('a candidate that changes a few answers at random, as a small step of training does, stays within it', () => {
    const rate = falseRate('alpha-spending', RUNS, (next) =>
      run('alpha-spending', answers(next, skills(next)), (best) =>
        // As many right answers get lost as wrong ones get mended, whatever the best has.
        best.map((right) => (next() < 0.15 ? next() < 0.5 : right)),
      ),
    );
    expect(rate).toBeLessThanOrEqual(upTo(settings.alpha, RUNS));
  });

  test('an improvement of ten points is found early and late', () => {
    const found = Array.from({ length: 100 }, (_, seed) => {
      const next = random(`power/${seed}`);
      const skill = Array.from({ length: 600 }, () => 0.8 * next());
      const decisions = run('alpha-spending', answers(next, skill), (_, look) =>
        answers(next, look < LOOKS - 1 ? skill : skill.map((p) => Math.min(1, p + 0.16))),
      );
      return decisions.at(-1)!;
    });
    expect(found.filter(Boolean).length).toBeGreaterThan(80);
  });
});

test('a candidate that gives the very answers of the best is never promoted, at no look', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 200 }), (items) => {
      expect(run('alpha-spending', items, (best) => [...best])).not.toContain(true);
      expect(run('none', items, (best) => [...best])).not.toContain(true);
    }),
  );
});

test('of best and candidate with changed roles at most one is promoted', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.boolean(), fc.boolean()), { maxLength: 60 }),
      fc.double({ min: 1e-4, max: 0.5, noNaN: true }),
      (items, level) => {
        const [a, b] = [items.map(([x]) => x), items.map(([, y]) => y)];
        const promoted = (best: boolean[], candidate: boolean[]) =>
          decidePromotion({
            settings,
            target: pair(best, candidate),
            guards: [],
            look: { number: 1, level },
          }).decision === 'promote';
        expect(promoted(a, b) && promoted(b, a)).toBe(false);
      },
    ),
  );
});

test('one more right answer never turns a promotion into a discard', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.boolean(), fc.boolean()), { minLength: 1, maxLength: 60 }),
      fc.nat(),
      fc.double({ min: 0.01, max: 0.6, noNaN: true }),
      (items, at, level) => {
        const best = items.map(([x]) => x);
        const candidate = items.map(([, y]) => y);
        const look = { number: 1, level };
        const decide = (given: boolean[]) =>
          decidePromotion({ settings, target: pair(best, given), guards: [], look }).decision;
        const more = candidate.with(at % candidate.length, true);
        if (decide(candidate) === 'promote') expect(decide(more)).toBe('promote');
      },
    ),
    { numRuns: 500 },
  );
});

describe('the level of a look', () => {
  test('is an even part of alpha while nothing is promoted', () => {
    const looks: Look[] = [];
    for (let i = 0; i < 8; i++) {
      const level = levelOfLook(0.05, looks, 8 - i);
      expect(level).toBeCloseTo(0.00625, 12);
      looks.push({ level, promoted: false });
    }
  });

  test('grows by what a promotion gives back and by looks that did not come', () => {
    const level = levelOfLook(0.05, [{ level: 0.00625, promoted: true }], 7);
    expect(level).toBeCloseTo(0.05 / 7, 12);
    expect(levelOfLook(0.05, [{ level: 0.00625, promoted: false }], 5)).toBeCloseTo(0.04375 / 5, 12);
    expect(levelOfLook(0.05, [], 1)).toBe(0.05);
  });

  test('never lets discards spend more than alpha, whatever is promoted or skipped', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e-6, max: 0.5, noNaN: true }),
        fc.array(fc.constantFrom('promote', 'discard', 'skip'), { minLength: 1, maxLength: 100 }),
        (alpha, outcomes) => {
          const looks: Look[] = [];
          outcomes.forEach((outcome, i) => {
            const level = levelOfLook(alpha, looks, outcomes.length - i);
            expect(level).toBeGreaterThanOrEqual(0);
            expect(level).toBeLessThanOrEqual(alpha);
            if (outcome !== 'skip') looks.push({ level, promoted: outcome === 'promote' });
          });
          const spent = looks.reduce((sum, look) => sum + (look.promoted ? 0 : look.level), 0);
          expect(spent).toBeLessThanOrEqual(alpha * (1 + 1e-9));
        },
      ),
    );
  });
});
