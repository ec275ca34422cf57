import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { moduleFile, nearestData, programFolder, ratchetHome } from '../../process/program.ts';

let top: string;
let deep: string;

beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'ratchet-program-'));
  deep = join(top, 'a/b');
  mkdirSync(deep, { recursive: true });
});
afterEach(() => rmSync(top, { recursive: true, force: true }));

it('keeps to the clone where it is one, and to RATCHET_HOME everywhere', () => {
  expect(ratchetHome({})).toBe(join(programFolder, '.ratchet'));
  expect(ratchetHome({ RATCHET_HOME: top })).toBe(top);
  expect(moduleFile('workers/main.ts')).toBe(join(programFolder, 'workers/main.ts'));
});

it('takes the nearest data folder above, else one to be made here', () => {
  expect(nearestData(deep)).toBe(join(deep, '.ratchet'));
  mkdirSync(join(top, '.ratchet'));
  expect(nearestData(deep)).toBe(join(top, '.ratchet'));
  mkdirSync(join(top, 'elsewhere'));
  symlinkSync(join(top, 'elsewhere'), join(top, 'a/.ratchet'));
  expect(nearestData(deep)).toBe(join(top, 'a/.ratchet'));
});

it("passes by what is another user's or no folder, and refuses it here", () => {
  mkdirSync(join(top, '.ratchet'));
  const another = process.getuid!() + 1;
  expect(nearestData(deep, another)).toBe(join(deep, '.ratchet'));
  expect(() => nearestData(top, another)).toThrow(/is no folder of yours\. Set RATCHET_HOME/);
  writeFileSync(join(deep, '.ratchet'), '');
  expect(() => nearestData(deep)).toThrow(/is no folder of yours/);
});
