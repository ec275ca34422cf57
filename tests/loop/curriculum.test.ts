import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nextLevels, type LevelStats } from '../../loop/curriculum.ts';

const levels = { start: [4, 5], all: [4, 5, 6, 7, 8, 9] };
const settings = { enter: 0.3, leave: 0.8, width: 3 };
const at = (iteration: number, level: number, trusted: number, prompts = 100): LevelStats => {
  return { iteration, level, prompts, trusted };
};

describe('the curriculum', () => {
  test('starts where the task says', () => {
    expect(nextLevels([], settings, levels)).toEqual([4, 5]);
  });

  test('lets a level in when the share of the level below reaches the limit, not before', () => {
    expect(nextLevels([at(1, 4, 90), at(1, 5, 29)], { ...settings, leave: 1 }, levels)).toEqual([4, 5]);
    expect(nextLevels([at(1, 4, 50), at(1, 5, 30)], settings, levels)).toEqual([4, 5, 6]);
  });

  test('skips no level: even a saturated one lets in only the next', () => {
    expect(nextLevels([at(1, 4, 100), at(1, 5, 100)], settings, levels)).toEqual([6]);
  });

  test('lets a level go when its own share reaches the limit', () => {
    expect(nextLevels([at(1, 4, 80), at(1, 5, 10)], settings, levels)).toEqual([5]);
    expect(nextLevels([at(1, 4, 79), at(1, 5, 10)], settings, levels)).toEqual([4, 5]);
  });

  test('looks at the latest iteration that sampled a level, in whatever order the history comes', () => {
    const history = [at(2, 5, 40), at(1, 4, 50), at(2, 4, 85), at(1, 5, 10)];
    expect(nextLevels(history, settings, levels)).toEqual([5, 6]);
    expect(nextLevels(history.toReversed(), settings, levels)).toEqual([5, 6]);
  });

  test('keeps a level that entered, even if the one below gets worse', () => {
    const history = [at(1, 4, 50), at(1, 5, 35), at(2, 4, 50), at(2, 5, 20), at(2, 6, 5)];
    expect(nextLevels(history, settings, levels)).toEqual([4, 5, 6]);
  });

  test('drops the lowest levels where there is no room, and takes them back when there is', () => {
    const full = [at(1, 4, 60), at(1, 5, 50), at(1, 6, 40)];
    expect(nextLevels(full, settings, levels)).toEqual([5, 6, 7]);
    expect(nextLevels([...full, at(2, 5, 90), at(2, 6, 90), at(2, 7, 10)], settings, levels)).toEqual([4, 7]);
  });

  test('stays at the top when everything is saturated', () => {
    expect(
      nextLevels(
        levels.all.map((level) => at(1, level, 100)),
        settings,
        levels,
      ),
    ).toEqual([9]);
  });

  test('is not empty when levels leave before the next may enter', () => {
    const odd = { enter: 0.9, leave: 0.5, width: 3 };
    expect(nextLevels([at(1, 4, 60), at(1, 5, 60)], odd, levels)).toEqual([5]);
  });

  test('ignores iterations that sampled nothing at a level', () => {
    expect(nextLevels([at(1, 5, 40), at(2, 5, 0, 0)], settings, levels)).toEqual([4, 5, 6]);
  });

  test('goes from level to level where a file has gaps', () => {
    expect(nextLevels([at(1, 2, 90), at(1, 5, 40)], settings, { start: [2, 5], all: [2, 5, 9] })).toEqual([
      5, 9,
    ]);
  });

  test('is shifted by whole levels, up from the highest and down from the lowest, as far as there are any', () => {
    const shifted = (shift: number) =>
      nextLevels([at(1, 5, 90), at(1, 6, 10)], { ...settings, shift }, levels);
    const inside = { start: [5, 6], all: levels.all };
    const between = (shift: number) => nextLevels([], { ...settings, shift }, inside);
    expect([-2, -1, 0, 1, 2, 9].map(between)).toEqual([
      [4, 5, 6],
      [4, 5, 6],
      [5, 6],
      [5, 6, 7],
      [5, 6, 7, 8],
      [5, 6, 7, 8, 9],
    ]);
    expect(shifted(0)).toEqual([4, 6]);
    expect(shifted(1)).toEqual([4, 6, 7]);
  });

  test('refuses to start nowhere or at a level that does not exist', () => {
    expect(() => nextLevels([], settings, { start: [], all: [1] })).toThrow(RangeError);
    expect(() => nextLevels([], settings, { start: [3], all: [1] })).toThrow(
      'start levels [3] must be some of [1]',
    );
  });

  test('is never empty, never wider than allowed, ascending, and one step above what was sampled', () => {
    const row = fc.record({
      iteration: fc.nat(9),
      level: fc.constantFrom(...levels.all),
      prompts: fc.constant(10),
      trusted: fc.nat(10),
    });
    const shares = fc.record({
      enter: fc.double({ min: 0, max: 1, noNaN: true }),
      leave: fc.double({ min: 0, max: 1, noNaN: true }),
      width: fc.integer({ min: 1, max: 4 }),
    });
    fc.assert(
      fc.property(fc.array(row), shares, (history, some) => {
        const next = nextLevels(history, some, levels);
        expect(next.length).toBeGreaterThan(0);
        expect(next.length).toBeLessThanOrEqual(some.width);
        expect(next).toEqual(next.toSorted((a, b) => a - b));
        const known = Math.max(5, ...history.map(({ level }) => level));
        expect(Math.max(...next)).toBeLessThanOrEqual(known + 1);
      }),
    );
  });
});
