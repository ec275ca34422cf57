import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { levelOfLook } from '../../loop/alpha-spending.ts';
import { admission, likeness, remembered, type Rememberable, type Trial } from '../../loop/memory.ts';

/** So many trials of one level that went so. */
const trials = (count: number, without: boolean | null, withIt: boolean | null, level = 4): Trial[] =>
  Array.from({ length: count }, () => ({ level, without, with: withIt }));
const rule = { level: 0.05, margin: 0.05 };
const of = (...levels: [number, number][]) => new Map<number | null, number>(levels);

describe('a test of entries', () => {
  test('admits at the level itself, and not above it', () => {
    // Five tosses, all heads: 1 in 32.
    const five = trials(5, false, true);
    expect(admission(five, of([4, 32]), { ...rule, level: 1 / 32 })).toMatchObject({
      admitted: true,
      fixed: 5,
      broken: 0,
      pValue: 1 / 32,
      reason: 'right 0 → 5 of 5 (5 fixed, 0 broken; p 0.031 ≤ 0.031)',
    });
    expect(admission(five, of([4, 32]), { ...rule, level: 1 / 32 - 1e-9 }).admitted).toBe(false);
  });

  test('lets a level fall by the margin and no further, though all together got better', () => {
    const better = trials(20, false, true, 4);
    const broken = (count: number) => [...better, ...trials(count, true, false, 5)];
    expect(admission(broken(1), of([4, 20], [5, 20]), rule).admitted).toBe(true);
    const fell = admission(broken(2), of([4, 20], [5, 20]), rule);
    expect(fell).toMatchObject({ admitted: false, pValue: expect.closeTo(0.00006, 4) });
    expect(fell.reason).toContain('; level 5 fell by 10.0 %, 5.0 % is allowed');
    // Those beside which it is not shown stay as they are, and count.
    expect(admission(broken(2), of([4, 20], [5, 40]), rule).admitted).toBe(true);
    expect(
      admission(
        [...better, ...trials(9, true, false)].map((one) => ({ ...one, level: null })),
        new Map([[null, 29]]),
        rule,
      ),
    ).toMatchObject({
      admitted: true,
      classes: [{ level: null, problems: 29, rightWithout: 9, rightWith: 20 }],
    });
  });

  test('takes what was refused with the entry for wrong, and leaves out what was refused without it', () => {
    const found = admission([...trials(9, null, true), ...trials(3, true, null)], of([4, 100]), rule);
    expect(found).toMatchObject({
      measured: 3,
      fixed: 0,
      broken: 3,
      rightWithout: 3,
      rightWith: 0,
      pValue: 1,
    });
    expect(found.admitted).toBe(false);
  });

  test('that looked at nothing admits nothing', () => {
    expect(admission([], of([4, 32]), { ...rule, level: 0 })).toMatchObject({ admitted: false, pValue: 1 });
  });

  test('admits of entries that change nothing but by luck no more runs than alpha, over all its looks', () => {
    // As the loop spends it: what is rejected has paid for its look, what is admitted has not.
    const looks = 16;
    let random = 7;
    const coin = () => (random = (Math.imul(random, 1103515245) + 12345) >>> 0) / 2 ** 32 < 0.5;
    let wrong = 0;
    const runs = 400;
    for (let run = 0; run < runs; run++) {
      const earlier: { level: number; promoted: boolean }[] = [];
      for (let look = 0; look < looks; look++) {
        const level = levelOfLook(0.05, earlier, looks - look);
        const toss = Array.from({ length: 40 }, (): Trial => {
          const better = coin();
          return { level: 4, without: !better, with: better };
        });
        const { admitted } = admission(toss, of([4, 96]), { level, margin: 1 });
        earlier.push({ level, promoted: admitted });
        if (admitted) {
          wrong += 1;
          break;
        }
      }
    }
    expect(wrong / runs).toBeLessThanOrEqual(0.05);
  });
});

const pattern = (id: number, text: string, tokens = 10, level: number | null = null): Rememberable => ({
  id,
  tokens,
  problem: { text, level },
});

describe('what stands before a question', () => {
  const apples = 'Tom has 7 apples and buys 5 more apples. How many apples does he have?';
  const road = 'A train drives 80 miles an hour. How far is it after 3 hours?';
  const entries = [
    pattern(1, road),
    pattern(2, 'Ann has 9 pears and buys 2 more pears. How many pears does she have?'),
    { id: 3, tokens: 5 },
    pattern(4, 'Tom has 70 apples and buys 51 more apples. How many apples does he have?'),
  ];
  const question = { text: apples, level: null };

  test('are rules first, then patterns, the nearest beside the question', () => {
    const ids = remembered(entries, question, { shown: 3, tokens: 100 }).map(({ id }) => id);
    expect(ids).toEqual([3, 2, 4]);
  });

  test('of equally near ones the nearest level, then the oldest', () => {
    const sums = [pattern(1, '1+1', 1, 9), pattern(2, '12+34', 1, 5), pattern(3, '56+78', 1, 5)];
    expect(remembered(sums, { text: '9+9', level: 4 }, { shown: 2, tokens: 9 }).map(({ id }) => id)).toEqual([
      3, 2,
    ]);
  });

  test('numbers make no problem nearer than another', () => {
    expect(likeness(apples, entries[3]!.problem!.text)).toBe(1);
    expect(likeness(apples, road)).toBeLessThan(0.3);
  });

  test('keeps to the budget of tokens at equality', () => {
    const two = [pattern(1, apples, 10), pattern(2, apples, 11)];
    const ids = (tokens: number) => remembered(two, question, { shown: 5, tokens }).map(({ id }) => id);
    expect(ids(21)).toEqual([2, 1]);
    expect(ids(20)).toEqual([1]);
    expect(ids(9)).toEqual([]);
  });

  test('never passes count or budget, shows nothing twice and nothing that is refused', () => {
    const entry = fc.record({
      tokens: fc.nat(60),
      text: fc.option(fc.string({ maxLength: 20 }), { nil: undefined }),
      refused: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 12 }), fc.nat(5), fc.nat(90), (given, shown, tokens) => {
        const all = given.map(({ text, ...one }, id) => ({
          ...one,
          id,
          ...(text === undefined ? {} : { problem: { text, level: null } }),
        }));
        const chosen = remembered(all, question, { shown, tokens }, ({ refused }) => refused);
        expect(chosen.length).toBeLessThanOrEqual(shown);
        expect(chosen.reduce((sum, one) => sum + one.tokens, 0)).toBeLessThanOrEqual(tokens);
        expect(new Set(chosen.map(({ id }) => id)).size).toBe(chosen.length);
        expect(chosen.some(({ refused }) => refused)).toBe(false);
        // Nothing that would still fit is left out.
        const left = tokens - chosen.reduce((sum, one) => sum + one.tokens, 0);
        const fits = all.some((one) => !one.refused && !chosen.includes(one) && one.tokens <= left);
        expect(fits && chosen.length < shown).toBe(false);
      }),
    );
  });
});
