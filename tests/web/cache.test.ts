import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createCounter } from '../../web/cache.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const takes = (ms: number, value: string) => () =>
  new Promise<string>((resolve) => {
    setTimeout(() => resolve(value), ms);
  });

/** What a page would show that waits for as long as `count` does. */
async function shown(count: ReturnType<typeof createCounter>, ms: number, value: string) {
  const page = count('run', 1_000, takes(ms, value));
  await vi.advanceTimersByTimeAsync(200);
  return page;
}

it('shows what was counted last while it is counted anew', async () => {
  const count = createCounter();
  expect(await shown(count, 10, 'first')).toBe('first');
  await vi.advanceTimersByTimeAsync(2_000);
  expect(await shown(count, 500, 'second')).toBe('first');
  await vi.advanceTimersByTimeAsync(500);
  expect(await shown(count, 500, 'third')).toBe('second');
});

it('shows nothing of what was counted when somebody last looked long ago', async () => {
  const count = createCounter();
  expect(await shown(count, 10, 'iteration 4')).toBe('iteration 4');
  await vi.advanceTimersByTimeAsync(600_000);
  expect(await shown(count, 500, 'iteration 6')).toBeUndefined();
  await vi.advanceTimersByTimeAsync(500);
  expect(await shown(count, 500, 'iteration 6')).toBe('iteration 6');
});

it('keeps what takes long to count on the page for as long as counting it takes', async () => {
  const count = createCounter();
  expect(await shown(count, 20_000, 'first')).toBeUndefined();
  await vi.advanceTimersByTimeAsync(22_000);
  // Begins the second count, which takes as long as the first.
  expect(await shown(count, 20_000, 'second')).toBe('first');
  await vi.advanceTimersByTimeAsync(19_000);
  expect(await shown(count, 20_000, 'second')).toBe('first');
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await shown(count, 20_000, 'third')).toBe('second');
});
