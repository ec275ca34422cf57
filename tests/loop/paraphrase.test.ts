import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { namesOf, notAParaphrase, numbersOf } from '../../loop/paraphrase.ts';

const prompt =
  "Anna sold 1,200 apples on Monday and half as many on Tuesday. Ben's shop sold 3.50 kg. How many did Anna sell?";

describe('a paraphrase', () => {
  it('says the same with the same numbers and names', () => {
    const text =
      'On Monday, 1200 apples were sold by Anna, and half of that on Tuesday, while the shop of Ben sold 3.5 kg. What is the number that Anna sold?';
    expect(notAParaphrase(prompt, text)).toBeUndefined();
  });

  test.each([
    [
      'drops a number',
      'On Monday Anna sold apples, on Tuesday half as many. The shop of Ben sold 3.5 kg. How many did Anna sell?',
      'its numbers are 3.5, half instead of 1200, 3.5, half',
    ],
    [
      'changes a number',
      prompt.replace('1,200', '1,300'),
      'its numbers are 1300, 3.5, half instead of 1200, 3.5, half',
    ],
    [
      'adds a number',
      `${prompt} Show 2 ways.`,
      'its numbers are 1200, 2, 3.5, half instead of 1200, 3.5, half',
    ],
    ['drops a name', prompt.replace("Ben's", 'The other'), 'it does not name Ben'],
    [
      'adds a name',
      prompt.replace('the', 'the').replace('How many', 'And Carl? How many, Carl,'),
      'it names Carl, which the prompt does not',
    ],
    ['is the same text', `  ${prompt.replace('1,200', '1200')}`, 'it is the same text'],
    ['is empty', ' ', 'it is empty'],
    [
      'goes on and on',
      prompt.repeat(4),
      `it has ${prompt.length * 4} characters, more than ${prompt.length * 3}`,
    ],
  ])('is none that %s', (_, text, reason) => {
    expect(notAParaphrase(prompt, text)).toBe(reason);
  });

  it('may be three times as long as the prompt, or 200 characters, and no longer', () => {
    const longer = (of: string, length: number) =>
      notAParaphrase(of, 'please '.padEnd(length - of.length, 'x') + of);
    const short = 'take 3 of them';
    expect(longer(short, 200)).toBeUndefined();
    expect(longer(short, 201)).toBe('it has 201 characters, more than 200');
    const long = `${'so '.repeat(40)}${short}`;
    expect(longer(long, 3 * long.length)).toBeUndefined();
    expect(longer(long, 3 * long.length + 1)).toMatch(/^it has \d+ characters/);
  });

  it('may write a number as a word', () => {
    expect(numbersOf('zero two nineteen twenty ninety')).toEqual(['0', '19', '2', '20', '90']);
    expect(numbersOf('Three boys have 12 cats')).toEqual(numbersOf('12 cats of 3 boys'));
    expect(namesOf('The boy Tom met Ann. She left.')).toEqual(new Set(['Tom', 'Ann']));
  });

  it('is none with a number changed, wherever it stands', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 20, max: 9999 }), { minLength: 1, maxLength: 6 }),
        fc.nat(),
        (numbers, at) => {
          const i = at % numbers.length;
          const text = (list: number[]) => `take ${list.join(' and ')} of them`;
          const changed = numbers.map((number, j) => (j === i ? number + 10_000 : number));
          expect(notAParaphrase(text(numbers), `please ${text(numbers.toReversed())}`)).toBeUndefined();
          expect(notAParaphrase(text(numbers), `please ${text(changed)}`)).toMatch(/^its numbers are/);
        },
      ),
    );
  });
});
