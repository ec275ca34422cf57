import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { imageDigest } from '../../sandbox/image.ts';

const made: string[] = [];
afterEach(() => made.splice(0).forEach((folder) => rmSync(folder, { recursive: true, force: true })));

/** A machine with some programs and packages. */
function machine(programs: Record<string, string>, packages: string): [string[], string] {
  const folder = mkdtempSync(join(tmpdir(), 'ratchet-image-'));
  made.push(folder);
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  for (const [name, text] of Object.entries(programs)) writeFileSync(join(bin, name), text);
  const list = join(folder, 'status');
  writeFileSync(list, packages);
  return [[bin, join(folder, 'missing')], list];
}
const of = (programs: Record<string, string>, packages = 'python3 3.11.2') =>
  imageDigest(...machine(programs, packages));

it('is the same for machines of one image, and another where a program, a package or a list of them is', () => {
  const first = of({ python3: 'v1', node: 'v24' });
  expect(first).toMatch(/^[0-9a-f]{64}$/);
  expect(of({ node: 'v24', python3: 'v1' })).toBe(first);
  expect(
    new Set([
      first,
      of({ python3: 'v1.1', node: 'v24' }),
      of({ python3: 'v1' }),
      of({ python3: 'v1', node: 'v24' }, 'python3 3.11.3'),
    ]).size,
  ).toBe(4);
});

it('tells of this machine, twice the same, and needs no list of packages', () => {
  expect(imageDigest()).toBe(imageDigest());
  expect(imageDigest(['/usr/bin'], '/nowhere/status')).toMatch(/^[0-9a-f]{64}$/);
});
