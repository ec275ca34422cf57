/** Adding, subtracting and multiplying numbers below zero. */
import { between, wholeNumber, type Item, type Misconception, type Skill } from '../skill.ts';

type Two = { a: bigint; b: bigint; sign: string };
const twoOf = ({ form, numbers }: Item): Two => ({
  a: BigInt(numbers[0]!),
  b: BigInt(numbers[1]!),
  sign: form[1]!,
});

const compute = ({ a, b, sign }: Two): bigint => (sign === '*' ? a * b : sign === '+' ? a + b : a - b);
const size = (x: bigint): bigint => (x < 0n ? -x : x);

const of = (
  name: string,
  title: string,
  hint: string,
  answer: (two: Two) => bigint | undefined,
): Misconception => ({
  name,
  skill: 'signs',
  title,
  hint,
  answer(item) {
    const two = twoOf(item);
    return String(answer(two) ?? compute(two));
  },
});

const WAY = 'Think of a number line. In which direction does each sign go?';

const misconceptions: Misconception[] = [
  of(
    'minus-minus-is-minus',
    'subtracts where a number below zero is taken away',
    'Taking away a debt: does one have more or less afterwards?',
    ({ a, b, sign }) => (sign === '-' && b < 0n ? a + b : undefined),
  ),
  of(
    'sign-dropped',
    'writes answers below zero without their sign',
    'Does the answer lie above zero or below it?',
    (two) => size(compute(two)),
  ),
  of(
    'two-minuses-make-plus',
    'takes two minus signs for a plus wherever they stand',
    'Two minus signs make a plus when they stand together, or in a product. Do they here?',
    ({ a, b, sign }) => {
      if (a < 0n && b > 0n && sign === '-') return -a + b;
      return a < 0n && b < 0n && sign === '+' ? -a - b : undefined;
    },
  ),
  of(
    'first-sign-for-all',
    'works without signs and writes that of the first number',
    WAY,
    ({ a, b, sign }) => {
      const without = compute({ a: size(a), b: size(b), sign });
      return a < 0n ? -size(without) : size(without);
    },
  ),
  of(
    'product-of-minuses-is-minus',
    'takes the product of two numbers below zero for one below zero',
    'What does the opposite of an opposite make?',
    ({ a, b, sign }) => (sign === '*' && a < 0n && b < 0n ? -(a * b) : undefined),
  ),
];

const textOf = (a: string, sign: string, b: string): string =>
  `${a}${sign}${b.startsWith('-') ? `(${b})` : b}`;

function itemOf(a: string, sign: string, b: string): Item {
  const level = Math.max(a.replace('-', '').length, b.replace('-', '').length);
  return { skill: 'signs', text: textOf(a, sign, b), level, form: `a${sign}b`, numbers: [a, b] };
}

export const signs: Skill = {
  name: 'signs',
  title: 'Numbers below zero',
  levels: [1, 2, 3],
  read(text) {
    const found = /^(\(-\d{1,9}\)|-?\d{1,9})([-+*])(\(-\d{1,9}\)|\d{1,9})$/.exec(text);
    if (!found) return undefined;
    const [a, b] = [found[1]!, found[3]!].map((one) => wholeNumber(one.replaceAll(/[()]/g, ''))!) as [
      string,
      string,
    ];
    const below = a.startsWith('-') || b.startsWith('-') || (found[2] === '-' && BigInt(a) < BigInt(b));
    return below ? itemOf(a, found[2]!, b) : undefined;
  },
  draw(level, next) {
    const number = () => String(between(level === 1 ? 2 : 10 ** (level - 1), 10 ** level - 1, next));
    for (;;) {
      const [x, y] = [number(), number()];
      const [a, sign, b] = [
        [x, '-', `-${y}`],
        [`-${x}`, '-', y],
        [`-${x}`, '+', y],
        [`-${x}`, '+', `-${y}`],
        [`-${x}`, '-', `-${y}`],
        [`-${x}`, '*', `-${y}`],
        [`-${x}`, '*', y],
        BigInt(x) < BigInt(y) ? [x, '-', y] : [y, '-', x],
      ][Math.floor(next() * 8)] as [string, string, string];
      if (x !== y) return itemOf(a, sign, b);
    }
  },
  truth: (item) => String(compute(twoOf(item))),
  worked(item) {
    const { a, b, sign } = twoOf(item);
    const sizes = [size(a), size(b)] as const;
    if (sign === '*') {
      const minus = a < 0n !== b < 0n;
      const rule = minus ? 'one minus sign: below zero' : 'two minus signs: above zero';
      return {
        lines: [`${sizes[0]}*${sizes[1]}=${sizes[0] * sizes[1]}`, rule],
        answer: signed(minus, sizes[0] * sizes[1]),
      };
    }
    // Every difference is a sum with the opposite.
    const c = sign === '-' ? -b : b;
    const lines = sign === '-' ? [`the same as ${textOf(String(a), '+', String(c))}`] : [];
    if (a < 0n === c < 0n) {
      const sum = sizes[0] + sizes[1];
      return {
        lines: [...lines, `${sizes[0]}+${sizes[1]}=${sum}, with the sign of both`],
        answer: signed(a < 0n, sum),
      };
    }
    const [large, small] = sizes[0] > sizes[1] ? sizes : [sizes[1], sizes[0]];
    const minus = (sizes[0] > sizes[1] ? a : c) < 0n;
    const rest = large - small;
    return {
      lines: [...lines, `${large}-${small}=${rest}, with the sign of the larger`],
      answer: signed(minus, rest),
    };
  },
  readAnswer: wholeNumber,
  misconceptions,
};

const signed = (minus: boolean, value: bigint): string =>
  minus && value !== 0n ? `-${value}` : String(value);
