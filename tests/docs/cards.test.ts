import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const command = fileURLToPath(new URL('../../bench/cards.ts', import.meta.url));
const cards = (...args: string[]) =>
  execFileSync(process.execPath, [command, ...args], { encoding: 'utf8', stdio: 'pipe' });

it('docs/models.md has the table of bench/cards.ts', () => {
  const page = readFileSync(new URL('../../docs/models.md', import.meta.url), 'utf8');
  expect(page).toContain(`\n\n${cards()}\n`);
});

it('bench/cards.ts grows with tokens and parameters, and says what it can’t compute', () => {
  const minutes = (...args: string[]) =>
    Number(/\| 2 B \| \d+ GB \| (\d+) min/.exec(cards('--models', '2', ...args))![1]);
  const once = minutes('--read', '20000000', '--trained', '4000000', '--written', '1000000');
  expect(minutes('--read', '40000000', '--trained', '8000000', '--written', '2000000') / once).toBeCloseTo(
    2,
    1,
  );
  expect(() => cards('--models', '7,x')).toThrow('--models must be a number above 0, not "x".');
});
