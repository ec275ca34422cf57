/** `npm run hostile` within `npm test`, for less than a minute; and that its measure of a held event loop can fail. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { HELD_MS, runHostile } from './harness/suite.ts';

it('no stranger ends a process, holds a loop, fails a run as a bug or leaves a row half-written', async () => {
  const outcome = await runHostile({ seed: '1', seconds: 40 });
  expect(outcome.broken).toEqual([]);
  expect(outcome.runs.length).toBeGreaterThan(1);
  expect(outcome.ways.length).toBeGreaterThan(3);
  for (const seen of Object.values(outcome.knocks)) expect(Object.keys(seen).length).toBeGreaterThan(1);
}, 600_000);

it.each([
  ['holds', 1500, true],
  ['does not hold', 20, false],
])('a process that %s its event loop is noticed', (_, ms, noticed) => {
  const folder = mkdtempSync(join(tmpdir(), 'ratchet-loops-'));
  const watch = new URL('harness/loop-watch.js', import.meta.url);
  watch.searchParams.set('folder', folder);
  writeFileSync(join(folder, 'armed'), '');
  const work = `setTimeout(() => { const end = performance.now() + ${ms}; const from = process.threadCpuUsage().user;
    while (process.threadCpuUsage().user - from < ${ms * 1000}) ; }, 500); setTimeout(() => {}, 1000 + ${ms});`;
  spawnSync(process.execPath, ['--import', watch.href, '-e', work], { timeout: 60_000 });
  const files = readdirSync(folder).filter((file) => file.endsWith('.json'));
  const longest = files.map(
    (file) => (JSON.parse(readFileSync(join(folder, file), 'utf8')) as { longest: number }).longest,
  );
  expect(longest.some((one) => one > HELD_MS)).toBe(noticed);
  rmSync(folder, { recursive: true });
});
