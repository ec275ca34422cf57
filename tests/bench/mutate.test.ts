/** Every limit of the gates and of the loop's rules is held by a test, and the tool that says so sees one that is not. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { instrument } from '../../bench/mutate/mutants.ts';

const tool = fileURLToPath(new URL('../../bench/mutate.ts', import.meta.url));

/** A process of its own: vitest must not find itself inside of vitest. */
async function mutate(...args: string[]): Promise<{ code: number; stdout: string }> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST')));
  return new Promise((resolve) => {
    execFile(process.execPath, [tool, ...args], { env, timeout: 170_000 }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, stdout: stdout + stderr }),
    );
  });
}

describe('a limit of a gate or a rule', () => {
  it('can be moved nowhere without a test that fails', async () => {
    const { code, stdout } = await mutate();
    expect(stdout).toMatch(/\d+ are accepted with a reason, 0 go unnoticed\./);
    expect(code, stdout).toBe(0);
  });

  it('that no test holds is named, and the command fails', async () => {
    const { code, stdout } = await mutate('--only', 'loop/review.ts', '--tests', 'tests/loop/copies.test.ts');
    expect(stdout).toMatch(
      /loop\/review\.ts:\d+ {2}decided < LEAST_DECIDED {2}→ {2}<= {2}\(no test reaches it\)/,
    );
    expect(code).toBe(1);
  });

  it('of a file that is not there is refused by name', async () => {
    const { code, stdout } = await mutate('--only', 'loop/nowhere.ts');
    expect(stdout).toContain('--only loop/nowhere.ts: no such file.');
    expect(code).toBe(2);
  });
});

it('comparisons become calls, wherever they stand, and nothing else changes', () => {
  const source =
    'const f = (a: number, b?: number) => (a + 1 < (b ?? 2)) && [a].some((x) => x as number >= 3) && 1 === 1;\n';
  const { text, mutants } = instrument('f.ts', source, 5);
  expect(text).toBe(
    'const f = (a: number, b?: number) => (__compare(5, "<", a + 1 , (b ?? 2))) && [a].some((x) => __compare(7, ">=", x as number , 3)) && 1 === 1;\n',
  );
  expect(mutants.map(({ id, line, from, to }) => [id, line, from, to])).toEqual([
    [5, 1, 'a + 1 < (b ?? 2)', '<='],
    [6, 1, 'a + 1 < (b ?? 2)', '>='],
    [7, 1, 'x as number >= 3', '>'],
    [8, 1, 'x as number >= 3', '<'],
  ]);
});
