import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { groupWriter } from '../../engine/group-writer.ts';

it('writes what arrives during a write with the next one, and says how long one takes', async () => {
  const groups: number[][] = [];
  let finish: () => void = () => undefined;
  const writer = groupWriter<number>(async (rows) => {
    groups.push(rows);
    await new Promise<void>((resolve) => (finish = resolve));
  });
  expect(writer.unstoredMs()).toBe(0);
  const all = [1, 2, 3].map((row) => writer.add(row));
  await sleep(30);
  expect(writer.unstoredMs()).toBeGreaterThanOrEqual(25);
  finish();
  await all[0];
  await sleep(5);
  expect(writer.unstoredMs()).toBeLessThan(25);
  finish();
  await Promise.all(all);
  expect(groups).toEqual([[1], [2, 3]]);
  await sleep(0);
  expect(writer.unstoredMs()).toBe(0);
});

it('fails those whose write failed, and goes on with the others', async () => {
  const writer = groupWriter<number>(async (rows) => {
    if (rows.includes(1)) throw new Error('away');
  });
  const [first, second] = [writer.add(1), writer.add(2)];
  await expect(first).rejects.toThrow('away');
  await expect(second).resolves.toBeUndefined();
});
