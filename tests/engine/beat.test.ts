import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { beating } from '../../engine/beat.ts';

it('beats in each of many short pieces of work, and answers what the work answers', async () => {
  let beats = 0;
  for (let i = 0; i < 10; i++)
    expect(
      await beating(
        () => (beats += 1),
        () => sleep(1, i),
      ),
    ).toBe(i);
  expect(beats).toBe(10);
});
