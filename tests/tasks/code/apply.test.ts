/** A fix put into its file, or refused by name. */
import { describe, expect, it } from 'vitest';
import { applyFix } from '../../../tasks/code/apply.ts';
import { isProtected, matchesGlob } from '../../../tasks/code/paths.ts';
import type { Fix } from '../../../tasks/code/reply.ts';
import { parses } from '../../../tasks/code/source.ts';

const PY = `"""Module."""
import re

# about f
@deco
def f(a: int, b=2) -> int:
    # first
    """Doc.

    more
    """
    text = """
raw
"""
    return a + b


class C:
    x = 1

    def m(self):  # hi
        return helper(1)

    @property
    def p(self): return 2

    @p.setter
    def p(self, v):
        self.v = v


def last():
    pass
`;
const TS = `/** Doc. */
export const f = async (a: number, b = 2): Promise<number> => a + b;

export class A {
  /** m */
  @dec()
  m(x: number): string {
    return \`
  \${x}\`;
  }
  get y() { return 1; }
  arrow = (x: number) => x * 2;
}
`;
type Options = { path?: string; allowed?: string[] };
const refusal = (name: string, fix: Fix, { path = 'src/x.py', allowed }: Options = {}): string => {
  const made = applyFix({ [path]: path.endsWith('py') ? PY : TS }, { path, name }, fix, { allowed });
  return 'refused' in made ? made.refused : `made ${made.changes[path]}`;
};
const file = (before: string, path: string, name: string, fix: Fix): string => {
  const made = applyFix({ [path]: before }, { path, name }, fix);
  if ('refused' in made) throw new Error(made.refused);
  expect(Object.keys(made.changes)).toEqual([path]);
  return made.changes[path]!;
};
const py = (name: string, fix: Fix): string => file(PY, 'src/x.py', name, fix);
const ts = (name: string, fix: Fix): string => file(TS, 'src/x.ts', name, fix);

describe('a whole function in Python', () => {
  const body = '    if a:\n        return a - b\n    return b\n';
  const fixed = PY.replace('    text = """\nraw\n"""\n    return a + b\n', body);
  it('takes the place of the body; header, decorators, comments and docstring stay', () => {
    expect(py('f', `def f(a, b=2):\n${body}`)).toBe(fixed);
    expect(py('f', `@deco\ndef f(a: int, b=2) -> int:\n    '''Other.'''\n${body}`)).toBe(fixed);
    expect(py('f', '  def f(a, b = 2):\n    if a:\n      return a - b\n    return b')).toBe(fixed);
    expect(py('f', 'def f(a, b=2):\n\tif a:\n\t\treturn a - b\n\treturn b\n')).toBe(fixed);
  });
  it('leaves what is inside of strings alone', () => {
    expect(py('C.m', "def m(self):\n    x = '''\n  raw\n'''\n    return x")).toContain(
      "    def m(self):\n        x = '''\n  raw\n'''\n        return x\n\n",
    );
  });
  it('may be a method without its class, in its class, or on one line', () => {
    const method = PY.replace('  # hi\n        return helper(1)', '\n        return 3');
    expect(py('C.m', 'def m(self):\n    return 3')).toBe(method);
    expect(py('C.m', 'def m(self): return 3')).toBe(method);
    expect(
      py('C.m', 'class C:\n    def m(self):\n        return 3\n\n    @property\n    def p(self): return 2'),
    ).toBe(method);
    expect(py('C.p', '@property\ndef p(self): return 3')).toBe(PY.replace('return 2', 'return 3'));
    expect(py('C.p#2', '@p.setter\ndef p(self, v):\n    self.v = v + 1')).toBe(
      PY.replace('self.v = v', 'self.v = v + 1'),
    );
  });
  it('may bring helpers and imports, and give a default another value', () => {
    const made = py(
      'f',
      'import math\nimport re\n\ndef helper2(x):\n  return x\n\ndef f(a, b=3):\n  return helper2(math.pi)\n\nprint(f(1))',
    );
    expect(made).toContain('import re\nimport math\n\n# about f');
    expect(made).toContain('def f(a: int, b=3) -> int:\n');
    expect(made).toContain('    return helper2(math.pi)\n\n\ndef helper2(x):\n    return x\n\n\nclass C:');
    expect(made).not.toContain('print');
    const method = py('C.m', 'def m(self):\n    return self.n()\n\ndef n(self):\n    return 1');
    expect(method).toContain(
      '        return self.n()\n\n    def n(self):\n        return 1\n\n    @property',
    );
  });
});

describe('a whole function in TypeScript', () => {
  it('may be written in another way than the one of the file', () => {
    expect(ts('f', 'async function f(a, b = 2) {\n    return a - b;\n}')).toBe(
      TS.replace('a + b;', '{\n  return a - b;\n};'),
    );
    expect(ts('A.m', 'm(x) {\n    if (x) {\n        return `\n x`;\n    }\n    return "";\n}')).toBe(
      TS.replace('    return `\n  ${x}`;\n', '    if (x) {\n      return `\n x`;\n    }\n    return "";\n'),
    );
    expect(ts('A.m', 'class A {\n  m(x: number) {\n    return "";\n  }\n}')).toBe(
      TS.replace('return `\n  ${x}`', 'return ""'),
    );
    expect(ts('A.y', 'get y() { return 2; }')).toBe(TS.replace('return 1', 'return 2'));
    expect(ts('A.arrow', 'arrow = (x) => x * 3;')).toBe(TS.replace('x * 2', 'x * 3'));
    const declared = 'export function g(x: number): number {\n  return x;\n}\n';
    expect(file(declared, 'a.ts', 'g', 'const g = (x) => x + 1;')).toBe(
      declared.replace('return x', 'return x + 1'),
    );
  });
  it('keeps the line ends of the file', () => {
    expect(file(TS.replaceAll('\n', '\r\n'), 'a.ts', 'A.y', 'get y() {\n  return 2;\n}')).toBe(
      TS.replace('{ return 1; }', '{\n    return 2;\n  }').replaceAll('\n', '\r\n'),
    );
  });
});

describe('search blocks', () => {
  it('change the one place that they name', () => {
    expect(py('f', [{ search: '    return a + b\n', replace: '    return a - b\n' }])).toBe(
      PY.replace('a + b', 'a - b'),
    );
    expect(py('f', [{ path: 'x.py', search: 'return  a + b\n\n', replace: 'return a - b\n' }])).toBe(
      PY.replace('a + b', 'a - b'),
    );
    expect(
      py('f', [
        { search: 'text = """\nraw\n"""\n', replace: '' },
        { search: 'return a + b', replace: 'return a' },
      ]),
    ).toBe(PY.replace('    text = """\nraw\n"""\n', '').replace('a + b', 'a'));
  });
  it.each([
    [{ search: '', replace: 'x' }, 'a search block is empty'],
    [{ search: 'return 9', replace: 'x' }, 'a search block is not in the file: "return 9"'],
    [{ search: '\n', replace: 'x' }, 'a search block is empty'],
    [{ search: '  """', replace: 'x' }, 'a search block matches 2 places: "\\"\\"\\""'],
    [{ path: 'src/y.py', search: 'x', replace: 'y' }, 'another file changed: src/y.py'],
    [
      { path: 'tests/test_x.py', search: 'x', replace: 'y' },
      'tests/test_x.py is a test, runs tests or configures them',
    ],
    [{ path: '../x.py', search: 'x', replace: 'y' }, '../x.py is not among the paths that may change'],
    [{ search: 'return a + b', replace: 'return (a' }, 'does not parse'],
    [{ search: 'return helper(1)', replace: 'return 1' }, 'another function changed: C.m'],
    [{ search: 'return a + b', replace: 'return a + b  # yes' }, 'unchanged'],
    [
      { search: 'def f(a: int, b=2) -> int:', replace: 'def f(a: int, b=2, c=3) -> int:' },
      'signature changed: (a, b=…) became (a, b=…, c=…)',
    ],
    [{ search: '@deco', replace: '@other' }, 'signature changed'],
    [{ search: '    x = 1', replace: '    x = 2' }, 'changed outside of f: class C: (line 18)'],
    [{ search: 'import re', replace: 'import os' }, 'changed outside of f: import re (line 2)'],
    [{ search: 'def last():\n    pass', replace: '' }, 'another function changed: last'],
  ])('are refused where they do anything else: %j', (block, reason) => {
    expect(refusal('f', [block])).toContain(reason);
  });
});

describe('a whole function is refused, by name,', () => {
  it.each([
    [
      'f',
      'def f(a, b=2):\n    # other\n    """Other."""\n    text = """\nraw\n"""\n    return (\n        a + b\n    )',
      'made',
    ],
    ['f', 'def f(a, b=2):\n\n    text = """\nraw\n"""; return a + b  # same', 'unchanged'],
    ['f', 'def f(a):\n    return a', 'signature changed: (a, b=…) became (a)'],
    ['f', 'async def f(a, b=2):\n    return a', 'signature changed'],
    ['f', '@lru_cache\ndef f(a, b=2):\n    return a', 'signature changed: @deco became @lru_cache'],
    ['f', 'def g(a, b=2):\n    return a', 'the reply does not define f'],
    ['f', 'def f(a, b=2):\n    return (a', 'does not parse'],
    ['f', 'def f(a, b=2):\n    return a\n\ndef last():\n    return 1', 'another function changed: last'],
    [
      'f',
      'def f(a, b=2):\n    return a\n\ndef helper(x):\n    return 1',
      'the file uses the name helper already',
    ],
    ['f', 'x = 1', 'the reply does not define f'],
    ['nothing', 'def nothing():\n    return a', 'no function nothing'],
    ['C.m', 'def m():\n    return 1', 'signature changed: (self) became ()'],
  ])('%s: %j', (name, fix, reason) => {
    expect(refusal(name, fix)).toContain(reason);
  });
  it('outside of the allowed paths, in tests, runners and configuration', () => {
    const fix = 'def f(a, b=2):\n    return a';
    expect(refusal('f', fix, { allowed: ['lib/**', '*.py'] })).toBe(
      'src/x.py is not among the paths that may change',
    );
    expect(refusal('f', fix, { allowed: ['src/*.{py,ts}'] })).toContain('made');
    for (const path of [
      'tests/x.py',
      'src/test_x.py',
      'conftest.py',
      'src/x_test.py',
      'setup.py',
      '.github/x.py',
    ])
      expect(refusal('f', fix, { path })).toBe(`${path} is a test, runs tests or configures them`);
    for (const path of ['../x.py', '/x.py', 'a//x.py', './x.py', 'a\\x.py'])
      expect(refusal('f', fix, { path })).toBe(`${path} is not among the paths that may change`);
    expect(applyFix({ 'x.md': 'f' }, { path: 'x.md', name: 'f' }, fix)).toEqual({
      refused: 'no source file x.md',
      finding: 'foreign',
    });
    expect(applyFix({}, { path: 'constructor.py', name: 'f' }, fix)).toEqual({
      refused: 'no source file constructor.py',
      finding: 'foreign',
    });
  });
});

it('paths are told apart', () => {
  for (const path of [
    'a/__tests__/b.js',
    'b.spec.tsx',
    'vitest.config.ts',
    'node_modules/a/b.js',
    'noxfile.py',
    '.mocharc.js',
  ])
    expect(isProtected(path), path).toBe(true);
  for (const path of ['src/a.py', 'latest/contest.py', 'src/attest.ts', 'testable.py'])
    expect(isProtected(path), path).toBe(false);
  expect(matchesGlob('a/b/c.py', '**/*.py')).toBe(true);
  expect(matchesGlob('c.py', '**/*.py')).toBe(true);
  expect(matchesGlob('a/b.py', '*.py')).toBe(false);
  expect(matchesGlob('aXpy', 'a.py')).toBe(false);
  expect(matchesGlob('a/b.ts', 'a/?.{js,ts}')).toBe(true);
});

it('a file with syntax that the grammar lacks can be mended in a function that it can read', () => {
  const text = 'const q = sql<number[]>`x ${1}`;\nfunction f(x: number) {\n  return x;\n}\n';
  expect(parses('a.ts', text)).toBe(false);
  expect(file(text, 'a.ts', 'f', 'function f(x) {\n  return x + 1;\n}')).toBe(
    text.replace('return x', 'return x + 1'),
  );
  expect(
    applyFix({ 'a.ts': text }, { path: 'a.ts', name: 'f' }, [
      { search: '  return x;', replace: '  return (x;' },
    ]),
  ).toEqual({
    refused: 'does not parse',
    finding: 'no-code',
  });
});
