/** The word problems of examples/svamp: other forms have the same answer, and what an equation itself says against it is found. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, it, test } from 'vitest';
import { readEquation, readProgram, valueOf, withNumbers } from '../../examples/svamp/equation.ts';
import { formsOf, objection, split } from '../../examples/svamp/problems.ts';
import { svampTask } from '../../examples/svamp/svamp.ts';
import { demoInput, svampTaskFile } from '../../app/runs/demo-settings.ts';
import { loadTask, prepareTask, resolveTask } from '../../tasks/index.ts';
import { collect } from './collect.ts';

const home = mkdtempSync(join(tmpdir(), 'ratchet-svamp-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

test('an equation is read whole or not at all, and worked out by the usual rules', () => {
  expect(readEquation(' (36 + 20) / 4 = 14 ')).toEqual({
    left: '(36 + 20) / 4',
    value: 14,
    stated: 14,
    used: [36, 20, 4],
  });
  expect(valueOf('2 + 3 * 4 - 6 / 2')).toBe(11);
  expect(valueOf('-3 + 5')).toBe(2);
  for (const text of [
    'x = 4',
    '3 + 4',
    '3 + 4 = 7 apples',
    '3 + = 7',
    '(3 + 4 = 7',
    '3 / 0 = 0',
    '3 + 4 = 7\n1 + 1 = 2',
  ])
    expect(readEquation(text), text).toBeUndefined();
});

test('a program of assignments is read as the equation that it comes to', () => {
  expect(readProgram('apples = 36\npears = 20\nbags = 4\nanswer = (apples + pears) / bags')).toMatchObject({
    left: '(36 + 20) / 4',
    stated: 14,
  });
  expect(readProgram('both = 3 + 4\nanswer = 2 * both')).toMatchObject({ left: '2 * (3 + 4)', stated: 14 });
  expect(readProgram('red = 44\nblue = 122\ndifference = blue - red')).toMatchObject({
    left: '122 - 44',
    stated: 78,
  });
  const none = [
    'a = 3',
    'both = 3 + 4\nanswer = 7',
    'answer = b + 1',
    'a = 3\nprint(a)',
    'answer = 3\nanswer = 4',
    'answer = open(3)',
    '3 + 4 = 7',
  ];
  for (const text of none) expect(readProgram(text), text).toBeUndefined();
  // Each line doubles what it names: it is given up, and not written out.
  const bomb = Array.from({ length: 60 }, (_, i) => `x${i} = ${i === 0 ? '1' : `x${i - 1} + x${i - 1}`}`);
  expect(readProgram([...bomb, 'answer = x59'].join('\n'))).toBeUndefined();
});

test.each([
  ['14 - 5 = 9', undefined],
  ['14 - 5 = 8', /is 9, not 8/],
  ['5 - 14 = -9', /less than nothing/],
  ['14 / 5 = 2.8', /not whole/],
  ['14 - 14 = 0', /not as often/],
  ['14 - 6 = 8', /6 is not in the problem/],
  ['14 = 14', /works nothing out/],
])('%s: what speaks against it is said', (answer, reason) => {
  const found = objection('Amy had 14 stickers and gave 5 away. How many has she?', readEquation(answer)!);
  if (reason === undefined) expect(found).toBeUndefined();
  else expect(found).toMatch(reason);
});

test('the answer to every other form of a problem comes back as the answer to the problem', () => {
  const text = 'A shop has 12 boxes of 8 pens. It sold 30 pens. How many pens are left?';
  const right = readEquation('12 * 8 - 30 = 66')!;
  const forms = formsOf(text);
  expect(forms.map(({ key }) => key)).toEqual(['as-it-is', 'program', 'x3', 'program,x3']);
  expect(forms[2]!.text).toBe('A shop has 36 boxes of 24 pens. It sold 90 pens. How many pens are left?');
  for (const form of forms) {
    const factor = form.key.endsWith('x3') ? 3 : 1;
    const answer = withNumbers(right, (number) => number * factor)!;
    expect(objection(form.text, readEquation(answer)!), form.key).toBeUndefined();
    expect(form.mapBack(answer), form.key).toBe('12 * 8 - 30 = 66');
  }
  expect(forms[2]!.mapBack('no equation')).toBeUndefined();
});

test('the checks let the true equation of nearly every problem pass', () => {
  const { pool, heldOut } = split(1);
  expect([pool.length, heldOut.length]).toEqual([700, 300]);
  expect(new Set([...pool, ...heldOut].map(({ key }) => key)).size).toBe(1000);
  expect(split(2).heldOut.map(({ key }) => key)).not.toEqual(heldOut.map(({ key }) => key));
  // Of two of the problem's numbers, some pair gives the answer in one step: that equation has nothing against it.
  const passes = pool.filter(({ text, answer }) => {
    const numbers = [...text.matchAll(/\d+(?:\.\d+)?/g)].map(Number);
    return numbers.some((a, i) =>
      numbers.some((b, j) =>
        ['+', '-', '*', '/'].some((sign) => {
          const equation = readEquation(`${a} ${sign} ${b} = ${answer}`);
          return i !== j && equation && objection(text, equation) === undefined;
        }),
      ),
    );
  });
  expect(passes.length).toBeGreaterThan(500);
});

it('gives no held-out problem as a prompt, and lets programs vote that are not trained on', async () => {
  const task = loadTask({ ...(await resolved('examples/svamp/task.ts')) });
  const held = new Set([...(await collect(task.benchmarks[0]!.items()))].map(({ key }) => key));
  const prompts = await collect(task.prompts({ seed: 3, count: 800, exclude: () => false }));
  expect(prompts).toHaveLength(700);
  expect(prompts.filter(({ key }) => held.has(key))).toEqual([]);
  // Sums to practise along are apart from those of the guard, and can be checked as problems are.
  const guard = new Set((await collect(task.benchmarks[1]!.items())).map(({ key }) => key));
  const sums = await collect(task.rehearsal!({ seed: 3, count: 150, exclude: (key) => guard.has(key) }));
  expect(new Set(sums.map(({ key }) => key)).size).toBe(150);
  expect(sums.filter(({ key }) => guard.has(key))).toEqual([]);
  for (const { text: sum } of sums) {
    const [a, b] = sum.match(/\d+/g)!.map(Number) as [number, number];
    const [sign, value] = sum.includes('plus') ? ['+', a + b] : ['-', a - b];
    expect(objection(sum, readEquation(`${a} ${sign} ${b} = ${value}`)!)).toBeUndefined();
  }
  const [text, program] = ['4 and 3. How many?', 'a = 4\nb = 3\nanswer = a + b'];
  const read = task.readAnswer(program)!;
  expect(task.sameAnswer(read, task.readAnswer('3 + 4 = 7')!)).toBe(true);
  expect(task.checkFormat(text, program).ok && task.checkCoherence(text, program, read).ok).toBe(true);
  const verified = (rationale: string) =>
    task.verify!({ key: text, text }, { request: text, rationale, answer: read });
  expect((await verified(program)).ok).toBeUndefined();
  expect((await verified('3 + 4 = 7')).ok).toBe(true);
  expect((await verified('3 + 5 = 8')).ok).toBe(false);
  // The ways of asking take turns, and so do the forms that are for them: an odd form meets a program's.
  const kinds = task.rewrites!({ key: text, text }, 1).map(({ kind }) => kind);
  expect(kinds).toEqual(['equation', 'program', 'equation', 'program']);
  expect(task.strategies.map(({ name }) => name)).toEqual(kinds.slice(0, 2));
});

it('takes every split as a task file of its own', async () => {
  const file = svampTaskFile(7, home);
  const task = loadTask(await resolved(file));
  expect(task.name).toBe(svampTask(7).name);
  expect([...(await collect(task.benchmarks[0]!.items()))].map(({ key }) => key)).toEqual(
    split(7).heldOut.map(({ key }) => key),
  );
  const input = demoInput({ arm: 'ungated', quick: true, words: { model: 'm', splitSeed: 7 } }, home);
  expect(input).toMatchObject({ task: file, experiment: 'ungated', models: { generator: { model: 'm' } } });
});

async function resolved(path: string) {
  const spec = await resolveTask(resolve(path));
  await prepareTask(spec);
  return spec;
}
