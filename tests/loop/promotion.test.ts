import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fallAtMost } from '../../loop/interval.ts';
import { decidePromotion, pair, type GuardScore, type PairedScore } from '../../loop/promotion.ts';

const settings = { alpha: 0.05, minGain: 0, guardMargin: 0.03 };

/** 600 items of which the best has 246 right. */
function target(fixed: number, broken: number): PairedScore {
  return {
    best: { correct: 246, total: 600 },
    candidate: { correct: 246 + fixed - broken, total: 600 },
    fixed,
    broken,
  };
}

const guard = (best: number, candidate: number, total = 100): GuardScore => {
  return {
    name: 'guard',
    best: { correct: best, total },
    candidate: { correct: candidate, total },
    fixed: Math.max(0, candidate - best),
    broken: Math.max(0, best - candidate),
  };
};

describe('a candidate is promoted', () => {
  test('when it is better on target and no guard fell, with the numbers in one sentence', () => {
    const decision = decidePromotion({ settings, target: target(80, 11), guards: [guard(99, 97)] });
    expect(decision.decision).toBe('promote');
    expect(decision.reason).toBe(
      'better: target 41.0 % → 52.5 % of 600 (80 fixed, 11 broken; exact one-sided McNemar p = 2.2e-14 < 0.05), ' +
        'no guard fell by more than 3.0 points',
    );
    expect(decision.gain).toBeCloseTo(0.115);
    expect(decision.pValue).toBeLessThan(1e-13);
    expect(decision.guards).toMatchObject([{ name: 'guard', held: true, margin: 0.03 }]);
    // 2 of 100 fell, and with 95 % confidence no more than 5.3 points of accuracy did.
    expect(decision.guards[0]!.fall).toBeCloseTo(0.02);
    expect(decision.guards[0]!.fallAtMost).toBeCloseTo(fallAtMost(0, 2, 100), 12);
  });

  test('at a look whose level it meets, and the sentence says which look that was', () => {
    const look = { number: 3, level: 0.0083333333 };
    const decision = decidePromotion({ settings, target: target(80, 11), guards: [], look });
    expect(decision.decision).toBe('promote');
    expect(decision.reason).toContain('p = 2.2e-14 < 0.00833 at look 3)');
  });

  test('when a guard falls by exactly its margin, whatever the binary fractions say', () => {
    for (let best = 3; best <= 100; best++) {
      const decision = decidePromotion({ settings, target: target(80, 11), guards: [guard(best, best - 3)] });
      expect(decision.decision).toBe('promote');
    }
    const seven = { ...settings, guardMargin: 0.07 };
    expect(
      decidePromotion({ settings: seven, target: target(80, 11), guards: [guard(100, 93)] }).decision,
    ).toBe('promote');
  });

  test('when its gain is exactly the least gain', () => {
    const strict = { ...settings, minGain: 0.1 };
    expect(decidePromotion({ settings: strict, target: target(60, 0), guards: [] }).decision).toBe('promote');
    expect(decidePromotion({ settings: strict, target: target(59, 0), guards: [] })).toMatchObject({
      decision: 'discard',
      reason: expect.stringMatching(/^better by too little: .*gain 9\.8 points, needs at least 10\.0 points/),
    });
  });

  test('without guards, and with a guard that has no items: nothing fell', () => {
    const { decision, reason } = decidePromotion({ settings, target: target(80, 11), guards: [] });
    expect(decision).toBe('promote');
    expect(reason).toMatch(/p = 2\.2e-14 < 0\.05\)$/);
    const empty = decidePromotion({ settings, target: target(80, 11), guards: [guard(0, 0, 0)] });
    expect(empty).toMatchObject({ decision: 'promote', guards: [{ fall: 0, held: true }] });
  });

  test('with small levels in powers of ten', () => {
    const level = (alpha: number) =>
      decidePromotion({ settings: { ...settings, alpha }, target: target(80, 11), guards: [] }).reason;
    expect(level(0.001)).toContain('< 0.001)');
    expect(level(0.00099)).toContain('< 9.9e-4)');
  });

  test('when a guard rose', () => {
    const decision = decidePromotion({ settings, target: target(80, 11), guards: [guard(90, 99)] });
    expect(decision.decision).toBe('promote');
    expect(decision.guards[0]!.fall).toBeCloseTo(-0.09);
  });
});

describe('a candidate is discarded', () => {
  test('when it is not proven better', () => {
    const decision = decidePromotion({ settings, target: target(12, 5), guards: [] });
    expect(decision).toMatchObject({
      decision: 'discard',
      reason:
        'not proven better: target 41.0 % → 42.2 % of 600 (12 fixed, 5 broken; exact one-sided McNemar p = 0.0717, needs < 0.05)',
    });
  });

  test('when its p is under alpha but over what is left for this look', () => {
    const decision = decidePromotion({
      settings,
      target: target(15, 5),
      guards: [],
      look: { number: 2, level: 0.00625 },
    });
    expect(decision.pValue).toBeLessThan(settings.alpha);
    expect(decision).toMatchObject({
      decision: 'discard',
      reason: expect.stringMatching(/^not proven better: .*p = 0\.0207, needs < 0\.00625 at look 2\)$/),
    });
    expect(decidePromotion({ settings, target: target(15, 5), guards: [] }).decision).toBe('promote');
  });

  test('at p equal to alpha: 5 of 5 give 1/32', () => {
    const at = { ...settings, alpha: 1 / 32 };
    expect(decidePromotion({ settings: at, target: target(5, 0), guards: [] }).decision).toBe('discard');
    expect(decidePromotion({ settings: at, target: target(6, 0), guards: [] }).decision).toBe('promote');
  });

  test('when any guard fell by more than the margin, each of them named', () => {
    const decision = decidePromotion({
      settings,
      target: target(80, 11),
      guards: [guard(99, 95), { ...guard(50, 50), name: 'other' }],
    });
    expect(decision.decision).toBe('discard');
    expect(decision.reason).toContain(
      'guard guard fell 99.0 % → 95.0 % (4.0 points > 3.0 points), although target 41.0 %',
    );
    expect(decision.guards.map(({ held }) => held)).toEqual([false, true]);
  });

  test('when it could not be measured, whatever its scores are', () => {
    expect(
      decidePromotion({ settings, target: target(80, 0), guards: [], fault: 'the endpoint answered 500' }),
    ).toMatchObject({
      decision: 'discard',
      reason: 'the candidate counts as a loss: the endpoint answered 500',
    });
    expect(
      decidePromotion({ settings, target: undefined, guards: [], fault: 'training failed' }),
    ).toMatchObject({
      decision: 'discard',
      pValue: 1,
      gain: 0,
    });
  });

  test('when there is nothing to prove an improvement on', () => {
    const empty = {
      best: { correct: 0, total: 0 },
      candidate: { correct: 0, total: 0 },
      fixed: 0,
      broken: 0,
    };
    for (const nothing of [undefined, empty]) {
      expect(decidePromotion({ settings, target: nothing, guards: [] })).toMatchObject({
        decision: 'discard',
        gain: 0,
        pValue: 1,
      });
    }
  });

  test('always when it is identical to the best, at any alpha', () => {
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { maxLength: 300 }),
        fc.double({ min: 1e-6, max: 0.999999, noNaN: true }),
        (items, alpha) => {
          const decision = decidePromotion({
            settings: { ...settings, alpha },
            target: pair(items, items),
            guards: [],
          });
          expect(decision.decision).toBe('discard');
        },
      ),
    );
  });

  test('always when it is no better on target, whatever the guards do', () => {
    fc.assert(
      fc.property(fc.nat(100), fc.nat(100), fc.nat(100), (fixed, broken, correct) => {
        fc.pre(fixed <= broken);
        const decision = decidePromotion({
          settings,
          target: target(fixed, broken),
          guards: [guard(50, correct)],
        });
        expect(decision.decision).toBe('discard');
      }),
    );
  });
});

describe('pairing', () => {
  test('counts what only one of them answers right; no answer of the candidate is a wrong one', () => {
    expect(pair([true, false, true, false, true], [true, true, false, undefined, undefined])).toEqual({
      best: { correct: 3, total: 5 },
      candidate: { correct: 2, total: 5 },
      fixed: 1,
      broken: 2,
      missing: 2,
      asked: 5,
    });
  });

  test('leaves out what was not measured of the best: its fault is no gain of the candidate', () => {
    expect(pair([true, null, null, false], [true, true, null, null])).toEqual({
      best: { correct: 1, total: 2 },
      candidate: { correct: 1, total: 2 },
      fixed: 0,
      broken: 0,
      missing: 3,
      asked: 4,
    });
  });

  test('refuses lists of different lengths', () => {
    expect(() => pair([true], [])).toThrow('1 items for the best, 0 for the candidate');
  });
});

describe('faults of the endpoint', () => {
  const right = fc.array(fc.boolean(), { minLength: 1, maxLength: 300 });

  test('alone never promote, whomever they hit', () => {
    const scenario = right.chain((truth) => {
      const hits = fc.array(fc.boolean(), { minLength: truth.length, maxLength: truth.length });
      return fc.record({ truth: fc.constant(truth), ofBest: hits, ofCandidate: hits });
    });
    fc.assert(
      fc.property(scenario, ({ truth, ofBest, ofCandidate }) => {
        // Candidate and best know the same; only what reaches us differs.
        const seen = (hits: boolean[]) => truth.map((one, i) => (hits[i] ? null : one));
        const target = pair(seen(ofBest), seen(ofCandidate));
        for (const maxMissing of [0, 0.05, 1]) {
          const { decision } = decidePromotion({ settings: { ...settings, maxMissing }, target, guards: [] });
          expect(decision).toBe('discard');
        }
      }),
    );
  });

  test('never turn a candidate that would not be promoted into one that is', () => {
    const scenario = fc.array(fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()), {
      minLength: 1,
      maxLength: 300,
    });
    fc.assert(
      fc.property(scenario, (items) => {
        const best = items.map(([one]) => one);
        const whole = decidePromotion({
          settings,
          target: pair(
            best,
            items.map(([, candidate]) => candidate),
          ),
          guards: [],
        });
        fc.pre(whole.decision === 'discard');
        const hit = pair(
          best,
          items.map(([, candidate, refused]) => (refused ? null : candidate)),
        );
        const { decision } = decidePromotion({
          settings: { ...settings, maxMissing: 1 },
          target: hit,
          guards: [],
        });
        expect(decision).toBe('discard');
      }),
    );
  });

  test('make a comparison worthless above a share of missing pairs', () => {
    const missing = (share: number) => ({ ...target(80, 11), asked: 1000, missing: share * 1000 });
    expect(decidePromotion({ settings, target: missing(0.05), guards: [] }).decision).toBe('promote');
    expect(decidePromotion({ settings, target: missing(0.051), guards: [] })).toMatchObject({
      decision: 'discard',
      reason:
        'not proven better: 51 of 1000 problems of target could not be measured of both (the endpoint refused them), and ' +
        'promotion.maxMissing (0.05) lets 50 pass',
    });
    const ofGuard = { ...guard(99, 99), asked: 100, missing: 6 };
    expect(decidePromotion({ settings, target: target(80, 11), guards: [ofGuard] }).reason).toContain(
      '6 of 100 problems of guard could not be measured',
    );
  });
});

describe('scores that cannot be of the same items are errors, not decisions', () => {
  test.each([
    ['target totals differ', { ...target(5, 1), candidate: { correct: 250, total: 599 } }],
    ['counts do not add up', { ...target(5, 1), fixed: 6 }],
    [
      'more broken than were right',
      { best: { correct: 1, total: 9 }, candidate: { correct: 0, total: 9 }, fixed: 1, broken: 2 },
    ],
    [
      'more right than asked',
      { best: { correct: 11, total: 9 }, candidate: { correct: 11, total: 9 }, fixed: 0, broken: 0 },
    ],
  ])('%s', (_, scores) => {
    expect(() => decidePromotion({ settings, target: scores, guards: [] })).toThrow(RangeError);
  });
  test('guard totals differ', () => {
    const uneven = {
      ...guard(90, 90),
      candidate: { correct: 90, total: 90 },
    };
    expect(() => decidePromotion({ settings, target: target(5, 1), guards: [uneven] })).toThrow(
      'guard guard: the best was asked 100 items, the candidate 90',
    );
  });
});
