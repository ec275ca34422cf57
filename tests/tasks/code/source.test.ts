/** Functions found in source files, whole and by name. */
import { describe, expect, it } from 'vitest';
import { applyFix } from '../../../tasks/code/apply.ts';
import { screen } from '../../../tasks/code/screen.ts';
import { functionsIn, languageOf, parses } from '../../../tasks/code/source.ts';
import { ownFiles, standardLibrary } from './real-code.ts';

const found = (path: string, text: string) =>
  functionsIn(path, text).map(({ name, line, signature }) => [name, line, signature]);

it('knows languages by extension', () => {
  expect(['a.py', 'b.mjs', 'c.cts', 'd.jsx', 'e.tsx'].map(languageOf)).toEqual([
    'python',
    'javascript',
    'typescript',
    'javascript',
    'tsx',
  ]);
  expect(['Makefile', 'a.toString', 'a.md', '.py/x', ''].map(languageOf)).toEqual(Array(5).fill(undefined));
});

it('tells whole code from broken code', () => {
  expect(parses('a.py', 'def f():\n    return 1\n')).toBe(true);
  for (const text of [
    'def f(:\n    pass',
    'def f():\n',
    'def f():\n    # no body\n',
    'print "x"',
    'x = = 1',
    `${'('.repeat(5000)}`,
  ])
    expect(parses('a.py', text), text.slice(0, 20)).toBe(false);
  expect(parses('a.ts', 'const x: number = 1 as any;')).toBe(true);
  expect(parses('a.js', 'function f( { return 1')).toBe(false);
  expect(parses('a.md', 'x')).toBe(false);
});

describe('functions', () => {
  it('of Python carry class, decorators, docstring and the comment right above', () => {
    const text = `#!/usr/bin/env python
# A file.

import x

# about f
# in two lines
@deco
async def f(a: int, *,
            b=2) -> int:  # why
    """Doc."""
    def inner(): return 1
    return 1

class C(B):
    x = 1  # not about m
    def m(self): return 1
    @property
    def p(self):
        return 1
    @p.setter
    def p(self, v): pass
    class D:
        # é😀
        def m(self): pass
if x:
    def g(): pass
`;
    expect(found('a.py', text)).toEqual([
      ['f', 6, 'async def f(a: int, *, b=2) -> int'],
      ['C.m', 17, 'def m(self)'],
      ['C.p', 18, 'def p(self)'],
      ['C.p#2', 21, 'def p(self, v)'],
      ['C.D.m', 24, 'def m(self)'],
      ['g', 27, 'def g()'],
    ]);
    const [f, m] = functionsIn('a.py', text);
    expect(f!.text).toBe(text.slice(text.indexOf('# about f'), text.indexOf('\n\nclass')));
    expect(m!.text).toBe('    def m(self): return 1');
    for (const fn of functionsIn('a.py', text)) expect(text.slice(fn.start, fn.end)).toBe(fn.text);
  });
  it('of TypeScript count however they are bound', () => {
    const text = `/** Doc. */
export const a = async <T>(x: T): Promise<T> => x;
// about b
export default function b(x = 1) { const inner = () => 1; return inner() + x; }
const c = function* () { yield 1; };
exports.d = (x) => x;
abstract class E {
  /** m */
  @dec() m(): void {}
  abstract n(): void;
  #p = (x: number) => x * 2;
  get q() { return 1; }
  set q(v) {}
}
namespace N { export function f(x: string): string; export function f(x: any) { return x; } }
const o = { g() { return 1; } };
(function () { function h() {} })();
`;
    expect(found('a.ts', text)).toEqual([
      ['a', 1, 'const a = async <T>(x: T): Promise<T>'],
      ['b', 3, 'function b(x = 1)'],
      ['c', 5, 'const c = function* ()'],
      ['d', 6, 'exports.d = (x)'],
      ['E.m', 8, 'm(): void'],
      ['E.#p', 11, '#p = (x: number)'],
      ['E.q', 12, 'get q()'],
      ['E.q#2', 13, 'set q(v)'],
      ['N.f', 15, 'function f(x: any)'],
      ['o.g', 16, 'g()'],
      ['h', 17, 'function h()'],
    ]);
  });
  it('keep lines and offsets where lines end with returns', () => {
    const text = '// about f\r\nfunction f() {\r\n  return 1;\r\n}\r\n';
    const [f] = functionsIn('a.js', text);
    expect([f!.line, f!.text]).toEqual([1, text.trimEnd()]);
  });
  it('are none where there is no source code', () => {
    expect(functionsIn('a.md', 'def f(): pass')).toEqual([]);
    expect(functionsIn('a.py', '')).toEqual([]);
  });
});

it.each([
  ...standardLibrary(['bisect', 'calendar', 'fractions', 'shlex', 'statistics', 'textwrap']),
  ...ownFiles('tasks/*.ts'),
])(
  'on real code: a function put in place of itself is unchanged, and a file brings nothing into itself: $path',
  ({ path, text }) => {
    expect(parses(path, text)).toBe(true);
    expect(screen(text, text, languageOf(path)!)).toBeUndefined();
    for (const fn of functionsIn(path, text)) {
      expect(text.slice(fn.start, fn.end)).toBe(fn.text);
      expect(applyFix({ [path]: text }, { path, name: fn.name }, fn.text), fn.name).toEqual({
        refused: 'unchanged',
        finding: 'unchanged',
      });
    }
  },
);
