/** Products of two whole numbers, one row for each digit of the second. */
import {
  digitsDrawn,
  digitsOf,
  numberOf,
  wholeNumber,
  type Item,
  type Misconception,
  type Skill,
} from '../skill.ts';

/** A row of long multiplication: a number times one digit. */
type Row = (number: string, digit: number) => string;

const rowBy =
  (column: (digit: number, by: number, carry: number) => { write: number; carry: number }): Row =>
  (number, by) => {
    let carry = 0;
    const written: (number | string)[] = digitsOf(number).map((digit) => {
      const worked = column(digit, by, carry);
      carry = worked.carry;
      return worked.write;
    });
    return numberOf(carry === 0 ? written : [...written, carry]);
  };

const split = (total: number) => ({ write: total % 10, carry: Math.floor(total / 10) });
const properRow = rowBy((digit, by, carry) => split(digit * by + carry));

const rowsOf = ([a, b]: readonly string[], row: Row): string[] => digitsOf(b!).map((digit) => row(a!, digit));
const total = (rows: readonly string[], shift: (row: string, place: number) => string): string =>
  String(rows.map((row, place) => BigInt(shift(row, place))).reduce((sum, row) => sum + row, 0n));
const shifted = (row: string, place: number): string => row + '0'.repeat(place);

const of = (
  name: string,
  title: string,
  hint: string,
  answer: (numbers: string[]) => string,
): Misconception => ({
  name,
  skill: 'multiplication',
  title,
  hint,
  answer: ({ numbers }) => answer(numbers),
});
const byRows = (row: Row) => (numbers: string[]) => total(rowsOf(numbers, row), shifted);

const misconceptions: Misconception[] = [
  of(
    'place-shift-forgotten',
    'adds the rows without shifting them',
    'What is the second digit of the lower number worth? So how far to the left does its row begin?',
    (numbers) => total(rowsOf(numbers, properRow), (row) => row),
  ),
  of(
    'times-no-carry',
    'drops what should be carried within a row',
    'When a digit times a digit makes more than one digit can show, where does the rest go?',
    byRows(rowBy((digit, by) => ({ write: (digit * by) % 10, carry: 0 }))),
  ),
  of(
    'times-zero-is-digit',
    'takes a digit times zero for the digit',
    'How much is a number taken no times at all?',
    byRows(rowBy((digit, by, carry) => split((digit === 0 ? by : by === 0 ? digit : digit * by) + carry))),
  ),
  of(
    'carry-added-first',
    'adds the carry before multiplying',
    'What comes first in a column, multiplying its digits or adding what was carried?',
    byRows(rowBy((digit, by, carry) => split((digit + carry) * by))),
  ),
  of(
    'digit-by-digit',
    'multiplies only the digits that stand below each other',
    'Every digit of one number meets every digit of the other. Which pairs are missing?',
    ([a, b]) => {
      const [x, y] = [digitsOf(a!), digitsOf(b!)];
      let carry = 0;
      const written = Array.from({ length: Math.max(x.length, y.length) }, (_, place) => {
        const worked = split((x[place] ?? 1) * (y[place] ?? 1) + carry);
        carry = worked.carry;
        return worked.write;
      });
      return numberOf(carry === 0 ? written : [...written, carry]);
    },
  ),
];

const itemOf = (numbers: string[]): Item => ({
  skill: 'multiplication',
  text: numbers.join('*'),
  level: numbers[0]!.length + numbers[1]!.length - 1,
  form: 'a*b',
  numbers,
});

export const multiplication: Skill = {
  name: 'multiplication',
  title: 'Multiplying whole numbers',
  levels: [1, 2, 3, 4, 5],
  read(text) {
    const found = /^(\d{1,6})\*(\d{1,6})$/.exec(text);
    return found ? itemOf([wholeNumber(found[1]!)!, wholeNumber(found[2]!)!]) : undefined;
  },
  draw(level, next) {
    const second = level < 3 ? 1 : next() < 0.7 ? Math.floor((level + 1) / 2) : 1;
    const zeros = next() < 0.25;
    const first = digitsDrawn(level + 1 - second, next).replaceAll(/(?<=.)\d/g, (digit) =>
      zeros && next() < 0.5 ? '0' : digit,
    );
    return itemOf([first, digitsDrawn(second, next)]);
  },
  truth: ({ numbers }) => String(BigInt(numbers[0]!) * BigInt(numbers[1]!)),
  worked({ numbers }) {
    const rows = rowsOf(numbers, properRow);
    const digits = digitsOf(numbers[1]!);
    const lines = rows.map(
      (row, place) => `${numbers[0]}*${shifted(String(digits[place]), place)}=${shifted(row, place)}`,
    );
    const answer = total(rows, shifted);
    return {
      lines: rows.length === 1 ? lines : [...lines, `${rows.map(shifted).join('+')}=${answer}`],
      answer,
    };
  },
  readAnswer: wholeNumber,
  misconceptions,
};
