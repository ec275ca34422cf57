/** Practice: every item tells the misconception from the truth, and no hint gives the answer away. */
import { evaluate } from 'mathjs/number';
import { describe, expect, it, test } from 'vitest';
import { roundRobin } from '../../../tasks/arithmetic/generator.ts';
import { fastStream } from '../../../tasks/random.ts';
import { catalogueOf, skillOf } from '../../../tasks/tutor/catalogue.ts';
import { shows } from '../../../tasks/tutor/hints.ts';
import { practice, rich, telling } from '../../../tasks/tutor/practice.ts';
import { addColumn, columnsOf } from '../../../tasks/tutor/skills/addition.ts';

const catalogue = catalogueOf();

/** Every run of neighbouring numbers and signs of a text, with its value as mathjs works it out. */
function valuesIn(text: string): number[] {
  const values: number[] = [];
  for (const row of text.match(/[-+*/().\d ]*\d[-+*/().\d ]*/g) ?? []) {
    const tokens = row.match(/\d+(?:\.\d+)?|[-+*/()]/g)!;
    for (let from = 0; from < tokens.length; from++)
      for (let to = from + 1; to <= tokens.length; to++) {
        try {
          values.push(Number(evaluate(tokens.slice(from, to).join(' '))));
        } catch {
          // Half a bracket, or an operator at the end: no step.
        }
      }
  }
  return values;
}

describe.each(catalogue.all.map(({ name }) => name))('%s', (name) => {
  const one = catalogue.named(name)!;
  const items = skillOf(one.skill).levels.flatMap((level) =>
    practice(one, { level, count: 12, next: fastStream(`practice test/${name}/${level}`) }),
  );

  it('is practised on items that it gets wrong, with the right answer', () => {
    expect(items.length).toBeGreaterThan(10);
    for (const item of items) {
      expect(one.answer(item)).toBe(item.wrong);
      expect(item.wrong).not.toBe(item.answer);
      expect(skillOf(item.skill).truth(item)).toBe(item.answer);
    }
  });

  it('has a hint for each, and none shows the answer or a step that makes it', () => {
    for (const { answer, hints, text } of items) {
      expect(hints.length).toBeGreaterThan(0);
      for (const hint of hints) {
        if (answer.includes(',')) expect(hint).not.toContain(answer);
        else expect(valuesIn(hint), `${text}: ${hint}`).not.toContain(Number(evaluate(answer)));
      }
    }
  });
});

test('practice is at the level that is asked for wherever the misconception shows there', () => {
  const at = (name: string, level: number) =>
    practice(catalogue.named(name)!, { level, count: 5, next: fastStream('levels') }).map(
      (item) => item.level,
    );
  expect(at('no-carry', 2)).toEqual([2, 2, 2, 2, 2]);
  // Nothing can be borrowed across in numbers of two digits.
  expect(at('borrows-across-zero', 2)).toEqual([3, 3, 3, 3, 3]);
  expect(at('borrows-across-zero', 4)).toEqual([4, 4, 4, 4, 4]);
});

test.each([
  ['It makes 225.', '225', true],
  ['Between 224 and 226.', '225', false],
  ['What is 230 - 5?', '225', true],
  ['What is 115 + 100 + 10?', '225', true],
  ['And 2 + 15 * 15 - 2?', '225', true],
  ['Write 2250.', '225', false],
  ['Two quarters, 2/4.', '1/2', true],
  ['Think of 0.50.', '1/2', true],
  ['Add 1/4 and 1/3.', '1/2', false],
  ['Seven of them.', '7', true],
  ['Seventeen of them.', '7', false],
  ['It is 3 below zero.', '-3', true],
  ['0.125, 0.35 and then 0.4', '0.125, 0.35, 0.4', true],
  ['0.35, 0.125 and 0.4', '0.125, 0.35, 0.4', false],
  ['Divide 5/0.', '7', false],
])('%j shows %s: %s', (text, answer, expected) => {
  expect(shows(text, answer)).toBe(expected);
});

test('items come richest first: fewer of them practise every column on which the misconception shows', () => {
  const one = catalogue.named('no-carry')!;
  const columnsIn = (items: { numbers: string[] }[]) =>
    new Set(
      items.flatMap(({ numbers }) =>
        columnsOf(numbers, addColumn)
          .filter(({ carry, out }) => carry + out > 0)
          .map(({ a, b, carry }) => `${a}+${b}+${carry}`),
      ),
    ).size;
  const take = (items: Iterable<{ numbers: string[] }>) => columnsIn([...roundRobin([items], 12)]);
  for (const seed of ['a', 'b', 'c']) {
    const [inOrder, asDrawn] = [rich, telling].map((items) =>
      take(items(one, 3, fastStream(`rich/${seed}`))),
    );
    expect(inOrder).toBeGreaterThan(asDrawn!);
  }
});
