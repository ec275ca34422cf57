/** Bugs that are planted: each one change, in the body, that can be read as code and says something else. */
import { describe, expect, it } from 'vitest';
import { applyFix } from '../../../tasks/code/apply.ts';
import { docstringOf, definitionsIn } from '../../../tasks/code/definitions.ts';
import { mutationsOf, type Operator } from '../../../tasks/code/mutations.ts';
import { functionsIn, parses, type SourceFunction } from '../../../tasks/code/source.ts';
import { parse, walk } from '../../../tasks/code/syntax.ts';
import { notPython, ownFiles, standardLibrary, type RealFile } from './real-code.ts';

const only = (path: string, text: string): SourceFunction => functionsIn(path, text)[0]!;
const made = (path: string, text: string, operator: Operator): string[] =>
  mutationsOf(only(path, text))
    .filter((one) => one.operator === operator)
    .map(({ after }) => after);
const py = (body: string, operator: Operator, parameters = 'a, b'): string[] =>
  made('x.py', `def f(${parameters}):\n    ${body.replaceAll('\n', '\n    ')}\n`, operator);
const ts = (body: string, operator: Operator): string[] =>
  made('x.ts', `function f(a: number, b: number) {\n  ${body}\n}\n`, operator);

describe('operators', () => {
  it('move and turn comparisons', () => {
    expect(py('return a < b', 'comparison')).toEqual(['return a <= b', 'return a > b']);
    expect(py('return a is not b', 'comparison')).toEqual(['return a is b']);
    expect(py('return a not  in b', 'comparison')).toEqual(['return a in b']);
    expect(ts('return a !== b;', 'comparison')).toEqual(['return a === b;']);
    expect(ts('return foo<Bar>(a) > b;', 'comparison')).toEqual([
      'return foo<Bar>(a) >= b;',
      'return foo<Bar>(a) < b;',
    ]);
  });
  it('change arithmetic, but no text that is put together', () => {
    expect(py('a += 1\nreturn a // b', 'arithmetic')).toEqual(['a -= 1', 'return a / b']);
    expect(py('return "x" + b', 'arithmetic')).toEqual([]);
    expect(ts('b++; return a % b;', 'arithmetic')).toEqual(['b--; return a % b;', 'b++; return a * b;']);
  });
  it('change what joins conditions, drop a side or a not', () => {
    expect(py('return a and b', 'boolean')).toEqual(['return a', 'return b', 'return a or b']);
    expect(py('return not a', 'boolean')).toEqual(['return a']);
    expect(ts('return !a;', 'boolean')).toEqual(['return a;']);
  });
  it('negate conditions', () => {
    expect(py('while a < b:\n    a += 1', 'negated-condition')).toEqual(['while not (a < b):']);
    expect(py('return 1 if a else 2', 'negated-condition')).toEqual(['return 1 if not a else 2']);
    expect(ts('if (a < b) return 1; return a ? 2 : 3;', 'negated-condition')).toEqual([
      'if (!(a < b)) return 1; return a ? 2 : 3;',
      'if (a < b) return 1; return !a ? 2 : 3;',
    ]);
  });
  it('are off by one, without a -0', () => {
    expect(py('return [3, 0, -1, 0x10, 2.5]', 'constant')).toEqual([
      'return [4, 0, -1, 0x10, 2.5]',
      'return [2, 0, -1, 0x10, 2.5]',
      'return [3, 1, -1, 0x10, 2.5]',
      'return [3, 0, -2, 0x10, 2.5]',
    ]);
    expect(py('return True', 'constant')).toEqual(['return False']);
  });
  it('move the bounds of slices and ranges', () => {
    expect(py('return a[1:b]', 'boundary')).toEqual(['return a[1:b - 1]', 'return a[1:b + 1]']);
    expect(py('return list(range(a + 1))', 'boundary')).toEqual(['return list(range(a))']);
    expect(ts('return x.slice(a);', 'boundary')).toEqual([
      'return x.slice(a - 1);',
      'return x.slice(a + 1);',
    ]);
  });
  it('remove statements, but none that gives a name its first value', () => {
    expect(py('c = 1\nc = 2\nif a:\n    b.sort()\nreturn c', 'removed-statement')).toEqual([
      '',
      '',
      'pass',
      '',
    ]);
    expect(ts('const c = 1; b = 2; return c;', 'removed-statement')).toHaveLength(2);
  });
  it('take another variable that has a value there', () => {
    expect(py('c = a\nreturn c', 'wrong-variable')).toEqual(['c = b', 'return b']);
    expect(py('return [c for c in a]', 'wrong-variable')).toEqual([
      'return [b for c in a]',
      'return [c for c in b]',
    ]);
    expect(py('return self.x(a=b)', 'wrong-variable', 'self, b')).toEqual([]);
    expect(ts('{ const c = 1; } const { d } = { d: a }; return d;', 'wrong-variable')).toEqual([
      '{ const c = 1; } const { d } = { d: b }; return d;',
      '{ const c = 1; } const { d } = { d: a }; return b;',
    ]);
  });
  it('swap arguments whose order matters', () => {
    expect(py('return max(a, b) + g(a, b, c=1)', 'swapped-arguments')).toEqual([
      'return max(a, b) + g(b, a, c=1)',
    ]);
  });
  it('return something else', () => {
    expect(py('return a + b', 'returned-value')).toEqual(['return a', 'return b', 'return None']);
  });
  it('change strings, but none of a message', () => {
    expect(py(`return a.join('') + ' ' + ", "`, 'string')).toEqual([
      `return a.join(' ') + ' ' + ", "`,
      `return a.join('') + '' + ", "`,
      `return a.join('') + ' ' + ","`,
    ]);
    expect(py('raise ValueError("bad")', 'string')).toEqual([]);
  });
  it('take the method beside', () => {
    expect(py('a.append(b)', 'method')).toEqual(['a.extend(b)']);
    expect(ts('return a.startsWith(b) ? Math.min(a, 1) : a.push(b);', 'method')).toEqual([
      'return a.endsWith(b) ? Math.min(a, 1) : a.push(b);',
      'return a.startsWith(b) ? Math.max(a, 1) : a.push(b);',
      'return a.startsWith(b) ? Math.min(a, 1) : a.unshift(b);',
    ]);
  });
});

it('leaves signature, docstring, comments and types as they are', () => {
  const text = `class A:
    # 1 < 2
    @deco(1)
    def f(self, a: Literal[1] = 1, *, b=a < 2) -> Literal[3]:
        """1 < 2"""
        # 1 < 2
        x: Literal[4] = a  # 1 < 2
        return x
`;
  for (const mutation of mutationsOf(only('x.py', text))) {
    expect(mutation.text.split('\n').slice(0, 5)).toEqual(only('x.py', text).text.split('\n').slice(0, 5));
    expect(mutation.text.match(/1 < 2/g)).toHaveLength(4);
  }
  const typed = 'function f(a: 1 = 1): 2 { const b = a as 3; return g<4>(b) satisfies 5; }';
  expect(mutationsOf(only('x.ts', typed)).filter(({ operator }) => operator === 'constant')).toEqual([]);
});

it('keeps to the lines that are asked for, counted in the file', () => {
  const text = '\n\ndef f(a):\n    a += 1\n    return a\n';
  const all = mutationsOf(only('x.py', text));
  expect([...new Set(all.map(({ line }) => line))]).toEqual([4, 5]);
  expect(mutationsOf(only('x.py', text), { lines: [4] })).toEqual(all.filter(({ line }) => line === 4));
});

/** Every mutation of real functions, against what is promised of it. */
function holds({ path, text }: RealFile): string[] {
  const files: string[] = [];
  const { language } = functionsIn(path, text)[0]!;
  for (const fn of functionsIn(path, text)) {
    const mutations = mutationsOf(fn);
    expect(mutationsOf(fn)).toEqual(mutations);
    expect(new Set(mutations.map((one) => one.text)).size).toBe(mutations.length);
    for (const mutation of mutations.filter((_, i) => i % 10 === 0)) {
      const file = text.slice(0, fn.start) + mutation.text + text.slice(fn.end);
      expect(parses(path, file)).toBe(true);
      files.push(file);
      const target = { path, name: fn.name };
      expect(applyFix({ [path]: file }, target, mutation.text)).toMatchObject({ finding: 'unchanged' });
      expect(
        applyFix({ [path]: file }, target, fn.text),
        `${fn.name}: ${mutation.before} | ${mutation.after}`,
      ).toEqual({
        changes: { [path]: text },
      });
    }
    const docs = definitionsIn(parse(language, fn.text)).flatMap((one) => docstringOf(one)?.text ?? []);
    const comments = [...walk(parse(language, fn.text).root)].filter(({ type }) => type === 'comment');
    for (const mutation of mutations) {
      for (const doc of docs) expect(mutation.text).toContain(doc);
      if (mutation.operator !== 'removed-statement')
        for (const comment of comments) expect(mutation.text).toContain(comment.text);
    }
  }
  return files;
}

describe('on real code, every mutation is code, and the original mends it', () => {
  it.each(standardLibrary(['bisect', 'colorsys']))('$path', (file) => {
    const files = holds(file);
    expect(files.length).toBeGreaterThan(5);
    expect(notPython(files)).toBeUndefined();
  });
  it.each([
    ...ownFiles('gates/{length,repetition}.ts'),
    ...ownFiles('process/text.ts'),
    ...ownFiles('web/components/*.tsx').slice(0, 2),
  ])('$path', (file) => {
    expect(holds(file).length).toBeGreaterThan(5);
  });
});
