/** The catalogue: each misconception by hand on one item, and what must hold of all of them and of every skill. */
import { evaluate } from 'mathjs/number';
import { describe, expect, it } from 'vitest';
import { fastStream } from '../../../tasks/random.ts';
import { catalogueOf, readItem, SKILLS, skillOf } from '../../../tasks/tutor/catalogue.ts';
import { verified } from '../../../tasks/tutor/practice.ts';
import type { Item } from '../../../tasks/tutor/skill.ts';

/** Worked on paper: what somebody with the misconception answers. */
const BY_HAND: [name: string, item: string, answer: string][] = [
  ['no-carry', '47+38', '75'],
  ['carries-always', '34+25', '69'],
  ['writes-whole-sums', '47+38', '715'],
  ['carry-lost-at-nine', '358+246', '504'],
  ['carries-once', '366+298', '564'],
  ['carries-wrong-digit', '27+38', '11'],
  ['aligned-left', '46+3', '76'],
  ['smaller-from-larger', '503-278', '375'],
  ['borrows-without-paying', '94-36', '68'],
  ['borrows-across-zero', '503-278', '135'],
  ['stops-at-zero', '503-278', '235'],
  ['zero-becomes-nine', '503-278', '325'],
  ['zero-minus-is-digit', '50-27', '37'],
  ['zero-minus-is-zero', '50-27', '30'],
  ['zero-for-borrow', '52-27', '30'],
  ['borrows-from-the-left-end', '971-165', '716'],
  ['minus-zero-is-zero', '58-20', '30'],
  ['place-shift-forgotten', '23*45', '207'],
  ['times-no-carry', '23*4', '82'],
  ['times-zero-is-digit', '40*9', '369'],
  ['carry-added-first', '59*4', '326'],
  ['digit-by-digit', '23*45', '95'],
  ['adds-both-parts', '1/2+1/3', '2/5'],
  ['keeps-numerators', '1/2+1/4', '1/4'],
  ['takes-larger-denominator', '1/2+1/3', '2/3'],
  ['multiplies-instead', '1/2+1/3', '1/6'],
  ['longer-is-larger', '0.35, 0.4, 0.125', '0.4, 0.35, 0.125'],
  ['shorter-is-larger', '0.3, 0.45, 0.125', '0.125, 0.45, 0.3'],
  ['whole-numbers-behind', '0.05, 0.4, 0.12', '0.4, 0.05, 0.12'],
  ['zero-makes-smallest', '0.4, 0.35, 0.08', '0.08, 0.4, 0.35'],
  ['aligned-right', '0.3+0.25', '0.28'],
  ['parts-added-apart', '3.7+2.5', '5.12'],
  ['no-carry-over-point', '3.7+2.5', '5.2'],
  ['left-to-right', '2+3*4', '20'],
  ['adds-first', '2*3+4', '14'],
  ['addition-before-subtraction', '10-3+2', '5'],
  ['brackets-ignored', '(2+3)*4', '14'],
  ['minus-minus-is-minus', '5-(-3)', '2'],
  ['sign-dropped', '3-8', '5'],
  ['two-minuses-make-plus', '-3-5', '8'],
  ['first-sign-for-all', '-3+5', '-8'],
  ['product-of-minuses-is-minus', '-3*(-4)', '-12'],
];

const catalogue = catalogueOf();
const itemOf = (text: string): Item => {
  const item = readItem(text);
  if (typeof item === 'string') throw new Error(`${text} ${item}`);
  return item;
};

/** Items of every level of a skill, the same each time. */
const itemsOf = (name: string, each = 150): Item[] =>
  skillOf(name).levels.flatMap((level) => {
    const next = fastStream(`catalogue test/${name}/${level}`);
    return Array.from({ length: each }, () => skillOf(name).draw(level, next));
  });

it.each(BY_HAND)('%s: %s makes %s', (name, text, answer) => {
  const item = itemOf(text);
  const one = catalogue.named(name)!;
  expect(item.skill).toBe(one.skill);
  expect(one.answer(item)).toBe(answer);
  expect(skillOf(item.skill).truth(item)).not.toBe(answer);
});

it('has every misconception worked by hand, each under a name of its own', () => {
  expect(BY_HAND.map(([name]) => name).toSorted()).toEqual(catalogue.all.map(({ name }) => name).toSorted());
  expect(new Set(catalogue.all.map(({ name }) => name)).size).toBe(catalogue.all.length);
});

describe.each(SKILLS.map(({ name }) => name))('%s', (name) => {
  const items = itemsOf(name);
  const { truth, readAnswer, levels } = skillOf(name);

  it('is worked out step by step to the value that its text has', () => {
    for (const item of items) {
      const { answer } = verified(item);
      if (name === 'decimal-order') {
        const numbers = answer.split(', ').map(Number);
        expect(numbers).toEqual(numbers.toSorted((x, y) => x - y));
        expect(answer.split(', ').toSorted()).toEqual([...item.numbers].toSorted());
      } else expect(Number(evaluate(answer)), item.text).toBeCloseTo(Number(evaluate(item.text)), 9);
    }
  });

  it('reads its items back as people write them, and no other skill takes them', () => {
    for (const item of items) {
      expect(readItem(item.text)).toEqual(item);
      expect(readItem(` ${item.text.replaceAll('-', '−').replaceAll('*', ' × ')} = `), item.text).toEqual(
        item,
      );
      expect(levels).toContain(item.level);
    }
  });

  it('has misconceptions that answer in its form, and each shows on some items', () => {
    for (const one of catalogue.of(name)) {
      const answers = items.map((item) => one.answer(item));
      expect(
        answers.map((answer) => readAnswer(answer)),
        one.name,
      ).toEqual(answers);
      const shown = items.filter((item, i) => answers[i] !== truth(item)).length;
      expect(shown, one.name).toBeGreaterThan(0);
    }
  });

  it('has no two misconceptions that answer alike', () => {
    const answers = catalogue.of(name).map((one) => items.map((item) => one.answer(item)).join(' '));
    expect(new Set(answers).size).toBe(answers.length);
  });
});

it.each(['', '7', '12+', '1/0+1/2', '5--3', '9*9*9*9*9*9', 'x+y', '1e5+3', '0.4', '١+٢', '2+3*4; drop'])(
  'takes %j for no item',
  (text) => expect(readItem(text)).toMatch(/^has an item of no known skill/),
);

it('takes no item that is too long to be one', () => {
  expect(readItem(`1+${'1'.repeat(300)}`)).toMatch(/more than 200/);
});
