/** What a model answers, read or not read, never guessed at. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readReply, type Idea, type Reply } from '../../../tasks/code/reply.ts';
import { functionsIn } from '../../../tasks/code/source.ts';
import { ownFiles, standardLibrary } from './real-code.ts';

const fenced = (code: string, info = 'python') => `\`\`\`${info}\n${code}\n\`\`\``;
const fix = (reply: string, options?: Parameters<typeof readReply>[1]): Reply['fix'] =>
  readReply(reply, options)?.fix;
const F = 'def f(x):\n    return x + 1';
const G = 'def f(x):\n    return x + 2';

describe('a whole function', () => {
  it('is read whatever the fence', () => {
    for (const reply of [
      fenced(F),
      fenced(F, ''),
      `~~~py\n${F}\n~~~`,
      `\`\`\`\`\n${F}\n\`\`\`\``,
      `Text\n\`\`\`python\n${F}`,
      fenced(F).replaceAll('\n', '\r\n'),
      `1. Do this:\n\n   ${fenced(F).replaceAll('\n', '\n   ')}\n\n2. Done.`,
      F,
    ])
      expect(fix(reply), reply).toBe(F);
  });
  it('is the last of several that define it, and never the quote of the broken one', () => {
    expect(fix(`It was\n${fenced(F)}\nNow:\n${fenced(G)}`)).toBe(G);
    expect(fix(`${fenced(G)}\nbefore it was\n${fenced(`# old\n${F}`)}`, { original: F })).toBe(G);
    expect(fix(fenced(F), { original: F })).toBe(F);
  });
  it('takes helpers of other blocks along, and leaves what was cut short', () => {
    const helper = 'def helper(x):\n    return x';
    expect(fix(`${fenced(helper)}\nand\n${fenced(F)}`)).toBe(`${helper}\n\n${F}`);
    expect(fix(`${fenced(F)}\nor\n\`\`\`\ndef f(x):\n    return (x +`)).toBe(F);
    expect(fix('```\ndef f(x):\n    return (x +')).toBe('def f(x):\n    return (x +');
  });
  it('may be a method, an arrow function, a class', () => {
    for (const code of [
      'total(x: number) {\n  return x;\n}',
      'const f = (x) => x + 1;',
      'class A {\n  f() { return 1; }\n}',
      '    def f(self):\n        return 1',
    ])
      expect(fix(fenced(code, ''))).toBe(code);
  });
});

it('what is no code is nothing', () => {
  for (const reply of [
    '',
    'I do not know.',
    'Use `f(x)`.',
    fenced('pip install x', 'sh'),
    fenced('x = 1'),
    '```\n```',
    'def is a keyword (like if)',
  ])
    expect(readReply(reply), reply).toBeUndefined();
});

describe('search blocks', () => {
  const block = '<<<<<<< SEARCH\na\n=======\nb\n\n>>>>>>> REPLACE';
  it('are read inside and outside of fences, with a path or without', () => {
    expect(fix(`Text\n${block}\nmore`)).toEqual([{ search: 'a\n', replace: 'b\n\n' }]);
    expect(fix(`src/x.py\n${fenced(block)}`)).toEqual([
      { path: 'src/x.py', search: 'a\n', replace: 'b\n\n' },
    ]);
    expect(fix(fenced(`src/x.py\n${block}\n\n${block}`))).toEqual([
      { path: 'src/x.py', search: 'a\n', replace: 'b\n\n' },
      { search: 'a\n', replace: 'b\n\n' },
    ]);
    expect(fix(fenced('<<<<<<< SEARCH\na\n=======\n>>>>>>> REPLACE'))).toEqual([
      { search: 'a\n', replace: '' },
    ]);
  });
  it('count where they come last, as a whole function does', () => {
    expect(fix(`${fenced(F)}\n${fenced(block)}`)).toEqual([{ search: 'a\n', replace: 'b\n\n' }]);
    expect(fix(`${fenced(block)}\n${fenced(F)}`)).toBe(F);
  });
});

describe('test ideas', () => {
  const ideas = (code: string, info = ''): Idea[] | undefined => readReply(fenced(code, info))?.ideas;
  it('are assertions of every style', () => {
    expect(
      ideas(
        `import unittest
# all
assert f(1) == 2
assert 3 == f(2), "message"
assert f(3) is None
assert not f(4)
assert f(5)
self.assertEqual(f(6), [1])
self.assertIsNone(f(7))
assert f(8) != 1
assert f(9) < f(1)
with pytest.raises(ValueError):
    f(1)`,
        'python tests',
      ),
    ).toEqual([
      { call: 'f(1)', expected: '2' },
      { call: 'f(2)', expected: '3' },
      { call: 'f(3)', expected: 'None' },
      { call: 'bool(f(4))', expected: 'False' },
      { call: 'bool(f(5))', expected: 'True' },
      { call: 'f(6)', expected: '[1]' },
      { call: 'f(7)', expected: 'None' },
    ]);
    expect(
      ideas(`assert.equal(f(1), 2);
assert.deepStrictEqual(f({ a: 1 }), [1]);
assert(f(2) === 3);
assert.ok(f(3));
expect(f(4)).toBe(5);
expect(f(5)).not.toBe(5);
expect(f(6)).toEqual({ a: 1 });
expect(f(7)).toBeNull();
expect(await f(8)).toBe(1);
console.assert(f(9) == 1);`),
    ).toEqual([
      { call: 'f(1)', expected: '2' },
      { call: 'f({ a: 1 })', expected: '[1]' },
      { call: 'f(2)', expected: '3' },
      { call: 'Boolean(f(3))', expected: 'true' },
      { call: 'f(4)', expected: '5' },
      { call: 'f(6)', expected: '{ a: 1 }' },
      { call: 'f(7)', expected: 'null' },
      { call: 'await f(8)', expected: '1' },
      { call: 'f(9)', expected: '1' },
    ]);
  });
  it('come from blocks that hold nothing else, or that are marked', () => {
    const both = readReply(
      `${fenced(F)}\nHere are some tests:\n${fenced('y = 1\nassert f(y) == 2')}\n${fenced('assert f(0) == 1')}`,
    );
    expect(both).toEqual({
      fix: F,
      ideas: [
        { call: 'f(y)', expected: '2' },
        { call: 'f(0)', expected: '1' },
      ],
    });
    expect(readReply(fenced(`${F}\n\nassert f(1) == 2`))).toEqual({
      fix: `${F}\n\nassert f(1) == 2`,
      ideas: [],
    });
    expect(readReply(fenced('def test_f():\n    assert f(1) == 2'))).toEqual({
      fix: undefined,
      ideas: [{ call: 'f(1)', expected: '2' }],
    });
    expect(fix(`This passes the tests:\n${fenced(F)}`)).toBe(F);
    expect(ideas("// tests\nit('x', () => {\n  expect(f(1)).toBe(2);\n});")).toEqual([
      { call: 'f(1)', expected: '2' },
    ]);
  });
});

describe('a reply made by formatting gives the code back, whatever stands around it', () => {
  const codes = [...standardLibrary(['bisect', 'shlex']), ...ownFiles('gates/*.ts')]
    .flatMap(({ path, text }) => functionsIn(path, text))
    .map(({ text }) => text);
  const prose = fc
    .array(
      fc.oneof(
        fc.lorem(),
        fc.constantFrom(
          'Here is the fix:',
          '',
          '- `f(x)` is wrong',
          '> quote',
          '# Title',
          '**Why**',
          'def is a keyword',
        ),
      ),
      { maxLength: 5 },
    )
    .map((lines) => lines.join('\n'));
  it.each([0, 3])('indented by %i', (blanks) => {
    fc.assert(
      fc.property(
        fc.constantFrom(...codes),
        prose,
        prose,
        fc.constantFrom('```', '````', '~~~'),
        fc.constantFrom('', 'python', 'ts'),
        fc.boolean(),
        fc.boolean(),
        (code, before, after, mark, info, crlf, closed) => {
          const indent = ' '.repeat(blanks);
          const lines = [`${mark}${info}`, ...code.split('\n'), ...(closed ? [mark, '', after] : [])];
          const reply = `${before}\n\n${lines.map((line) => (line === '' ? '' : indent + line)).join('\n')}`;
          expect(readReply(crlf ? reply.replaceAll('\n', '\r\n') : reply)).toEqual({ fix: code, ideas: [] });
        },
      ),
      { numRuns: 40 },
    );
  });
});
