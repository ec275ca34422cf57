/** Sums of two fractions. */
import { Fraction } from 'fraction.js';
import { between, type Item, type Misconception, type Skill } from '../skill.ts';

/** `7/12`, or `2` for a whole number: lowest terms. */
export const fractionText = (value: Fraction): string => value.toFraction();

function fractionOf(text: string): string | undefined {
  const found = /^([-−]?\d{1,9})(?:\/(\d{1,9}))?$/.exec(text.trim().replaceAll(' ', ''));
  if (!found || (found[2] !== undefined && Number(found[2]) === 0)) return undefined;
  return fractionText(new Fraction(BigInt(found[1]!.replace('−', '-')), BigInt(found[2] ?? 1)));
}

type Four = { a: bigint; b: bigint; c: bigint; d: bigint };
const fourOf = ({ numbers }: Item): Four => {
  const [a, b, c, d] = numbers.map(BigInt) as [bigint, bigint, bigint, bigint];
  return { a, b, c, d };
};

const of = (
  name: string,
  title: string,
  hint: string,
  answer: (four: Four) => [bigint, bigint],
): Misconception => ({
  name,
  skill: 'fractions',
  title,
  hint,
  answer: (item) => fractionText(new Fraction(...answer(fourOf(item)))),
});

const larger = (x: bigint, y: bigint): bigint => (x > y ? x : y);
const PARTS =
  'Are the parts of both fractions of one size? Pieces can be counted together only when they are.';

const misconceptions: Misconception[] = [
  of('adds-both-parts', 'adds numerators and denominators', PARTS, ({ a, b, c, d }) => [a + c, b + d]),
  of(
    'keeps-numerators',
    'finds a common denominator and leaves the numerators as they were',
    'If the pieces get smaller, how many of them make up the same amount?',
    ({ a, b, c, d }) => (b === d ? [a + c, b] : [a + c, b * d]),
  ),
  of(
    'takes-larger-denominator',
    'adds the numerators over the larger denominator',
    PARTS,
    ({ a, b, c, d }) => [a + c, larger(b, d)],
  ),
  of(
    'multiplies-instead',
    'multiplies numerators and denominators',
    'Is the answer to a sum larger or smaller than what is added? Look at what the sign asks for.',
    ({ a, b, c, d }) => [a * c, b * d],
  ),
];

const itemOf = (numbers: string[]): Item => {
  const [a, b, c, d] = numbers;
  const largest = Math.max(Number(b), Number(d));
  const level = largest <= 5 ? 1 : largest <= 9 ? 2 : 3;
  return { skill: 'fractions', text: `${a}/${b}+${c}/${d}`, level, form: 'a/b+c/d', numbers };
};
const LARGEST: Record<number, [number, number]> = { 1: [2, 5], 2: [6, 9], 3: [10, 15] };

export const fractions: Skill = {
  name: 'fractions',
  title: 'Adding fractions',
  levels: [1, 2, 3],
  read(text) {
    const found = /^(\d{1,4})\/(\d{1,4})\+(\d{1,4})\/(\d{1,4})$/.exec(text);
    if (!found || Number(found[2]) === 0 || Number(found[4]) === 0) return undefined;
    return itemOf(found.slice(1, 5).map((one) => String(Number(one))));
  },
  draw(level, next) {
    const largest = between(...LARGEST[level]!, next);
    const other = next() < 0.2 ? largest : between(2, largest, next);
    const [b, d] = next() < 0.5 ? [largest, other] : [other, largest];
    return itemOf([between(1, b - 1, next), b, between(1, d - 1, next), d].map(String));
  },
  truth: (item) => {
    const { a, b, c, d } = fourOf(item);
    return fractionText(new Fraction(a, b).add(new Fraction(c, d)));
  },
  worked(item) {
    const { a, b, c, d } = fourOf(item);
    const common = (b * d) / gcd(b, d);
    const [x, y] = [(a * common) / b, (c * common) / d];
    const sum = x + y;
    const by = gcd(sum, common);
    const answer = by === common ? String(sum / common) : `${sum / by}/${common / by}`;
    const lines = [
      `common denominator ${common}`,
      `${a}/${b}=${x}/${common}`,
      `${c}/${d}=${y}/${common}`,
      `${x}/${common}+${y}/${common}=${sum}/${common}`,
    ];
    return { lines: by === 1n ? lines : [...lines, `${sum}/${common}=${answer}`], answer };
  },
  readAnswer: fractionOf,
  misconceptions,
};

const gcd = (x: bigint, y: bigint): bigint => (y === 0n ? x : gcd(y, x % y));
