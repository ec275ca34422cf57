import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseSum, promptOf, trueSum } from '../../tasks/arithmetic/addition.ts';
import { arithmeticTask } from '../../tasks/arithmetic/index.ts';
import { decompose, recombine, STEADY_DIGITS } from '../../tasks/arithmetic/parts.ts';
import type { Part, SolvedPart } from '../../tasks/task.ts';
import { longAddition } from '../support/scripted-adder.ts';

const task = arithmeticTask({ kind: 'arithmetic' });

function prompt(text: string): Part {
  const sum = parseSum(text);
  if (typeof sum === 'string') throw new Error(sum);
  return promptOf(sum, text);
}

/** A part with right work in every form, whole problems below it included. */
function solve(part: Part): SolvedPart {
  const works = task.rewrites!(part, 1).map(({ text }) => ({ request: text, rationale: longAddition(text) }));
  return { prompt: part, answer: trueSum(part.text)!, works };
}

function split(whole: Part): [SolvedPart, SolvedPart] {
  const low = solve(decompose(whole, [])[0]!);
  return [low, solve(decompose(whole, [low])[1]!)];
}

const sums = fc
  .tuple(fc.integer({ min: 0, max: 999_999_999 }), fc.integer({ min: 1000, max: 999_999_999 }))
  .map(([a, b]) => prompt(`${a}+${b}`))
  .filter(({ level }) => level! > STEADY_DIGITS);

describe('a long sum', () => {
  test('is its lowest three places and the rest, a carry standing there as 5+5', () => {
    const text = (whole: string) => split(prompt(whole)).map((part) => part.prompt.text);
    expect(text('345678+111222')).toEqual(['222+678', '111+345']);
    expect(text('345678+111922')).toEqual(['922+678', '1115+3455']);
    expect(text('7+1999')).toEqual(['7+999', '5+15']);
  });

  test.each([
    ['999+999', []],
    ['1000+1', ['1+0']],
  ])('of %s digits is split from four digits on', (text, parts) => {
    expect(decompose(prompt(text), []).map((part) => part.text)).toEqual(parts);
  });

  test('comes back from right parts right, in every form, and passes the checks of a sample', () => {
    fc.assert(
      fc.property(sums, (whole) => {
        const parts = split(whole);
        for (const form of task.rewrites!(whole, 1)) {
          const made = recombine(whole, form.text, parts);
          if ('impossible' in made) throw new Error(made.impossible);
          expect(made).toEqual({ rationale: longAddition(form.text) });
          const read = task.readAnswer(made.rationale)!;
          expect(form.mapBack(read)).toBe(trueSum(whole.text));
          expect(task.checkCoherence(form.text, made.rationale, read).ok).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('every part is shorter, so that splitting ends', () => {
    fc.assert(
      fc.property(sums, (whole) => {
        for (const part of split(whole)) expect(part.prompt.level!).toBeLessThan(whole.level!);
      }),
    );
  });
});

describe('what is put together', () => {
  const whole = prompt('345678+111922');
  const request = '0000345678+0000111922';

  test('of a part whose lines and answer differ is in doubt', () => {
    const [low, rest] = split(whole);
    const made = recombine(whole, request, [{ ...low, answer: '1601' }, rest]);
    expect(made).toMatchObject({
      doubt: 'the answers of the parts of 345678+111922 make 457601, their lines 0000457600',
    });
  });

  test('of parts whose lines contradict each other is in doubt', () => {
    const [low, rest] = split(whole);
    const slipped = low.works.map(({ request: text }) => ({
      request: text,
      rationale: longAddition(text, 0),
    }));
    const made = recombine(whole, request, [{ ...low, works: [...low.works, ...slipped] }, rest]);
    expect(made).toMatchObject({ doubt: expect.stringMatching(/^the parts have both/) });
  });

  test('of a rest that left the carry out is impossible or in doubt', () => {
    const [low] = split(whole);
    const made = recombine(whole, request, [low, solve(prompt('345+111'))]);
    expect('impossible' in made || made.doubt !== undefined).toBe(true);
  });

  test('of work that was cut off before a line is impossible', () => {
    const [low, rest] = split(whole);
    const cut = { ...rest, works: rest.works.map((work) => ({ ...work, rationale: '' })) };
    expect(recombine(whole, request, [low, cut])).toEqual({ impossible: 'no part has a line for 5+1+1' });
  });
});
