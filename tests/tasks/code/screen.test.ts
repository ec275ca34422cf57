/** What no fix brings in, by name and line. */
import { describe, expect, it } from 'vitest';
import { screen as screened } from '../../../tasks/code/screen.ts';

const screen = (...[before, after, language]: Parameters<typeof screened>): string | undefined => {
  const refusal = screened(before, after, language);
  if (refusal) expect(refusal.finding).toBe(refusal.refused === 'does not parse' ? 'no-code' : 'forbidden');
  return refusal?.refused;
};
const PY =
  'import os\n\nN = 3\n\n\ndef f(x, input=1):\n    os.remove(x)\n    return x\n\n\nclass A:\n    pass\n';
const JS = 'import fs from "node:fs";\nlet n = 3;\nexport function f(x) {\n  return x;\n}\n';
const py = (body: string): string | undefined =>
  screen(PY, PY.replace('    return x\n', `    ${body.replaceAll('\n', '\n    ')}\n`), 'python');
const js = (body: string): string | undefined =>
  screen(JS, JS.replace('  return x;', `  ${body}`), 'typescript');

describe('Python', () => {
  it.each([
    ['return eval(x)', 'the name eval, which runs text as code (line 8)'],
    ['return getattr(x, "y")', 'the name getattr'],
    ['os.remove(x)\nreturn os.getcwd()', 'the name os, which reaches the machine (line 8)'],
    ['import sys\nreturn x', 'imports sys (line 8)'],
    ['from . import tests', 'imports .'],
    ['from math import *', 'imports everything'],
    ['return x.__class__', 'the name __class__'],
    ['class B(int):\n    def __eq__(self, other):\n        return True\nreturn B(x)', 'the name __eq__'],
    ['return type("B", (int,), {})', 'a class made by type()'],
    ['return open(x)', 'the name open'],
    ['raise SystemExit', 'the name SystemExit, which ends the process'],
    ['exit(0)', 'the name exit'],
    ['return e.tb_frame.f_globals', 'the name '],
    ['return ｅｖａｌ(x)', 'the name eval'],
    ['global N\nN = 4', 'global N'],
    ['A.y = 1', 'assigns to A.y, which is not the function'],
    ['del A.y', 'assigns to A.y'],
    ['(A.y, z) = 1, 2', 'assigns to A.y'],
    ['type(x).y = 1', 'a type statement: type(x).y = 1'],
    ['x.sleep(9)', 'the name sleep, which waits'],
    ['import pytest', 'imports pytest'],
    ['return unittest', 'the name unittest, which reaches the tests'],
    ['return x.environ', 'the name environ, which reads the environment'],
  ])('refuses %s', (body, reason) => {
    expect(py(body) ?? '').toContain(reason);
  });
  it.each([
    'import re\n    return re.compile(x).match("eval(open)")',
    'from collections import Counter\n    return Counter(x)',
    'y = [1]\n    y[0] = x\n    x.z = y\n    return y',
    'return sorted(x, key=lambda e: e.open, reverse=True) or input',
    '# eval(x)\n    return "__class__"',
    'def g(open):\n        g2 = open\n        return g2\n    return g(x)',
    'for i, (a, b) in enumerate(x):\n        a[i] = b\n    return N',
    'with x as y:\n        y.z = 1',
    'with x as (a, b):\n        a.z = 1',
    'def g():\n        g.n = 1\n    return g',
    'match x:\n        case [a, *_]:\n            a.b = 1',
  ])('takes %s', (body) => {
    expect(py(body)).toBeUndefined();
  });
  it('looks at what runs when the module is loaded', () => {
    expect(screen(PY, `${PY}\nprint(1)\n`, 'python')).toBe(
      'runs when the module is loaded: print ( 1 ) (line 14)',
    );
    expect(screen(PY, `${PY}\nM = {"a": -1}\n`, 'python')).toBeUndefined();
    expect(screen(PY, `${PY}\nlen = 1\n`, 'python')).toContain('runs when the module is loaded');
    expect(screen(PY, `${PY}\n\ndef len(x):\n    return 1\n`, 'python')).toContain('hides the built-in');
    expect(screen(PY, PY.replace('    pass', '    pass\n    x = f(1)'), 'python')).toContain('runs when');
    expect(screen(PY, PY.replace('N = 3', 'N = 4'), 'python')).toBe(
      'runs when the module is loaded: N = 4 (line 3)',
    );
    expect(screen(PY, PY.replace('return x', 'return ('), 'python')).toBe('does not parse');
  });
});

describe('JavaScript', () => {
  it.each([
    ['return process.env.X;', 'the name process, which reaches the machine (line 4)'],
    ['return require("fs");', 'the name require'],
    ['return import("fs");', 'import() (line 4)'],
    ['return globalThis;', 'the name globalThis'],
    ['return new Function("x");', 'the name Function'],
    ['return new Proxy({}, {});', 'the name Proxy'],
    ['Object.prototype.x = 1;', 'assigns to Object.prototype.x'],
    ['return String.prototype;', 'the name prototype'],
    ['x.__proto__ = null;', 'the name __proto__'],
    ['return x["constructor"];', 'the name constructor'],
    ['return { "asymmetricMatch": () => true };', 'the name asymmetricMatch, which passes for equal'],
    ['Object.defineProperty(x, "y", {});', 'the name defineProperty'],
    ['return x[Symbol.iterator];', 'the name Symbol'],
    ['return fetch(x);', 'the name fetch, which uses the network'],
    ['setTimeout(f, 1);', 'the name setTimeout, which waits'],
    ['n = 4;', 'assigns to n, which is not the function'],
    ['n++;', 'assigns to n'],
    ['Math.max = f;', 'assigns to Math.max'],
    ['[n, x] = [1, 2];', 'assigns to n'],
    ['delete Math.max;', 'assigns to Math.max'],
    ['for (n of x) f();', 'assigns to n'],
    ['return \\u0065val(x);', 'the escaped name'],
    ['return import.meta.url;', 'import.meta'],
    ['debugger;', 'a debugger statement'],
    ['const { env } = process;', 'the name process'],
    ['return vi.fn();', 'the name vi, which reaches the tests'],
  ])('refuses %s', (body, reason) => {
    expect(js(body) ?? '').toContain(reason);
  });
  it.each([
    'const y = new Map(); y.z = 1; x.y = y; this.a = 1; return y;',
    'let window = 3; window++; return { window };',
    'return "eval" + `process`; // eval(x)',
    'const [a, ...b] = x; for (const c of b) a[c] = 1; return a;',
    'return x.map(({ test }) => test).sort((a, b) => a - b);',
    'return x.describe?.(x.process);',
    'function g() {} g.n = 1; class B { static b() { B.c = 1; } } return B;',
  ])('takes %s', (body) => {
    expect(js(body)).toBeUndefined();
  });
  it('looks at imports and at what runs when the module is loaded', () => {
    expect(screen(JS, `import { x } from './x.ts';\n${JS}`, 'typescript')).toBe("imports './x.ts' (line 1)");
    expect(screen(JS, `import type { X } from './x.ts';\n${JS}`, 'typescript')).toBeUndefined();
    expect(screen(JS, `${JS}f(1);\n`, 'typescript')).toContain('runs when the module is loaded: f ( 1 )');
    expect(screen(JS, `${JS}const M = [1];\n`, 'typescript')).toBeUndefined();
    expect(screen(JS, `${JS}export { f as g } from './y.ts';\n`, 'typescript')).toContain('runs when');
  });
});
