/** Easier sums than one that can't be added. */
import { expect, test } from 'vitest';
import { loadTask } from '../../tasks/index.ts';

const task = loadTask({ kind: 'arithmetic' });
const easier = (text: string, seed = 1) => {
  const prompt = task.readPrompt(text);
  if (typeof prompt === 'string') throw new Error(prompt);
  return task.easier!(prompt, seed);
};

test('are neighbouring places of its own numbers, the longest first', () => {
  const found = easier('5360+8641');
  expect(found.map(({ level }) => level)).toEqual(
    found.map(({ level }) => level).toSorted((a, b) => b! - a!),
  );
  expect(new Set(found.slice(0, 2).map(({ key }) => key))).toEqual(new Set(['536+864', '360+641']));
  for (const { key, text, level } of found) {
    expect(task.readPrompt(text)).toEqual({ key, text, level });
    expect(level).toBeLessThan(4);
  }
});

test('leave out what has nothing to add, and are the same for the same seed', () => {
  expect(easier('7+12345').map(({ key }) => key)).not.toContain('0+1234');
  expect(easier('7+12345')[0]!.key).toBe('7+2345');
  expect(easier('3+4')).toEqual([]);
  expect(easier('123456+654321', 5)).toEqual(easier('123456+654321', 5));
  expect(easier('123456+654321', 5)).not.toEqual(easier('123456+654321', 6));
});
