/** Decimals: which is larger (Sackur-Grisvard and Léonard 1985; Resnick and others 1989), and their sums. */
import { below, between, digitsOf, numberOf, type Item, type Misconception, type Skill } from '../skill.ts';
import { addColumn, sumOf } from './addition.ts';

/** `0.50` is 0.5, `3.0` is 3. */
function decimalOf(text: string): string | undefined {
  const found = /^(\d{0,12})(?:[.,](\d{1,12}))?$/.exec(text.trim());
  if (!found || found[0] === '') return undefined;
  const whole = found[1]!.replace(/^0+(?=\d)/, '') || '0';
  const behind = (found[2] ?? '').replace(/0+$/, '');
  return behind === '' ? whole : `${whole}.${behind}`;
}

const parts = (decimal: string): { whole: string; behind: string } => {
  const [whole = '0', behind = ''] = decimal.split('.');
  return { whole, behind };
};
const places = (numbers: readonly string[]): number =>
  Math.max(...numbers.map((one) => parts(one).behind.length));
/** The number without its point, as so many places behind it. */
const scaled = (decimal: string, digits: number): bigint => {
  const { whole, behind } = parts(decimal);
  return BigInt(whole + behind.padEnd(digits, '0'));
};
const unscaled = (digits: string, behind: number): string =>
  decimalOf(
    behind === 0
      ? digits
      : `${digits.padStart(behind + 1, '0').slice(0, -behind)}.${digits.padStart(behind + 1, '0').slice(-behind)}`,
  )!;

type Key = (decimal: string, all: readonly string[]) => bigint;
const inOrder = (numbers: readonly string[], key: Key): string =>
  numbers
    .toSorted((x, y) => {
      const [p, q] = [key(x, numbers), key(y, numbers)];
      return p < q ? -1 : p > q ? 1 : 0;
    })
    .join(', ');
const byValue: Key = (decimal, all) => scaled(decimal, places(all));
const HUGE = 10n ** 30n;

const ordering = (name: string, title: string, hint: string, key: Key): Misconception => ({
  name,
  skill: 'decimal-order',
  title,
  hint,
  answer: ({ numbers }) => inOrder(numbers, key),
});

const BEHIND = 'Compare the digits right behind the point first. What is each of them worth?';

export const decimalOrder: Skill = {
  name: 'decimal-order',
  title: 'Putting decimals in order, smallest first',
  levels: [1, 2, 3],
  read(text) {
    const numbers = text.split(/[,;]/);
    if (numbers.length < 2 || numbers.length > 6) return undefined;
    if (!numbers.every((one) => /^\d{1,6}\.\d{1,6}$/.test(one))) return undefined;
    return orderItem(numbers);
  },
  draw(level, next) {
    const whole = next() < 0.7 ? '0' : String(between(1, 9, next));
    for (;;) {
      const numbers = Array.from({ length: 4 }, (_, i) => {
        const length = i === 0 ? level : between(1, level, next);
        const behind = Array.from({ length }, () => (next() < 0.3 ? 0 : between(1, 9, next))).join('');
        return `${whole}.${behind.replace(/0$/, String(between(1, 9, next)))}`;
      });
      if (new Set(numbers).size === numbers.length) return orderItem(numbers);
    }
  },
  truth: ({ numbers }) => inOrder(numbers, byValue),
  worked({ numbers }) {
    const most = places(numbers);
    const even = numbers.map((one) => `${parts(one).whole}.${parts(one).behind.padEnd(most, '0')}`);
    // Of equal length in front, too, texts sort as the numbers do.
    const front = Math.max(...numbers.map((one) => parts(one).whole.length));
    const keyed = numbers.map((one, i) => ({ one, key: even[i]!.padStart(front + 1 + most, '0') }));
    const answer = keyed
      .toSorted((x, y) => (x.key < y.key ? -1 : x.key > y.key ? 1 : 0))
      .map(({ one }) => one);
    return { lines: [`with as many places behind the point: ${even.join(', ')}`], answer: answer.join(', ') };
  },
  readAnswer(text) {
    const numbers = text
      .split(/[,;<]|\s+/)
      .map((one) => one.trim())
      .filter((one) => one !== '');
    if (numbers.length < 2 || numbers.length > 6) return undefined;
    return numbers.every((one) => /^\d{1,6}\.\d{1,6}$/.test(one)) ? numbers.join(', ') : undefined;
  },
  misconceptions: [
    ordering(
      'longer-is-larger',
      'takes the decimal with more digits for the larger',
      BEHIND,
      (decimal, all) => {
        const { whole, behind } = parts(decimal);
        return BigInt(whole) * HUGE * HUGE + BigInt(behind.length) * HUGE + scaled(decimal, places(all));
      },
    ),
    ordering(
      'shorter-is-larger',
      'takes the decimal with fewer digits for the larger',
      BEHIND,
      (decimal, all) => {
        const { whole, behind } = parts(decimal);
        return BigInt(whole) * HUGE * HUGE - BigInt(behind.length) * HUGE + scaled(decimal, places(all));
      },
    ),
    ordering(
      'whole-numbers-behind',
      'reads what stands behind the point as a whole number',
      BEHIND,
      (decimal) => {
        const { whole, behind } = parts(decimal);
        // Equal as whole numbers: the longer one is taken for the larger.
        return BigInt(whole) * HUGE + BigInt(behind) * 100n + BigInt(behind.length);
      },
    ),
    ordering(
      'zero-makes-smallest',
      'takes a decimal with a zero right behind the point for the smallest, others by their length',
      BEHIND,
      (decimal, all) => {
        const { whole, behind } = parts(decimal);
        const small = behind.startsWith('0');
        const length = small ? 0n : BigInt(behind.length);
        return BigInt(whole) * HUGE * HUGE + length * HUGE + scaled(decimal, places(all));
      },
    ),
  ],
};

function orderItem(numbers: string[]): Item {
  const form = numbers.map((_, i) => 'abcdef'[i]).join(',');
  return { skill: 'decimal-order', text: numbers.join(', '), level: places(numbers), form, numbers };
}

const summing = (
  name: string,
  title: string,
  hint: string,
  answer: (numbers: readonly string[]) => string,
): Misconception => ({
  name,
  skill: 'decimal-sums',
  title,
  hint,
  answer: ({ numbers }) => answer(numbers),
});

const sumItem = (numbers: string[]): Item => ({
  skill: 'decimal-sums',
  text: numbers.join('+'),
  level: places(numbers),
  form: 'a+b',
  numbers,
});

export const decimalSums: Skill = {
  name: 'decimal-sums',
  title: 'Adding decimals',
  levels: [1, 2, 3],
  read(text) {
    const found = /^(\d{1,6}(?:\.\d{1,6})?)\+(\d{1,6}(?:\.\d{1,6})?)$/.exec(text);
    return found && text.includes('.') ? sumItem([decimalOf(found[1]!)!, decimalOf(found[2]!)!]) : undefined;
  },
  draw(level, next) {
    const one = (behind: number): string => {
      const digits = Array.from({ length: behind }, (_, i) =>
        i === behind - 1 ? between(1, 9, next) : below(10, next),
      );
      const whole = between(0, 29, next);
      return behind === 0 ? String(Math.max(1, whole)) : `${whole}.${digits.join('')}`;
    };
    const pair = [one(level), one(next() < 0.6 ? between(0, level, next) : level)];
    return sumItem(next() < 0.5 ? pair : pair.toReversed());
  },
  truth: ({ numbers }) => {
    const most = places(numbers);
    return unscaled(String(scaled(numbers[0]!, most) + scaled(numbers[1]!, most)), most);
  },
  worked({ numbers }) {
    const most = places(numbers);
    const even = numbers.map((one) =>
      most === 0 ? one : `${parts(one).whole}.${parts(one).behind.padEnd(most, '0')}`,
    );
    const digits = sumOf(
      even.map((one) => one.replace('.', '').replace(/^0+(?=\d)/, '')),
      addColumn,
    );
    const answer = unscaled(digits, most);
    return { lines: [`point below point: ${even.join('+')}=${answer}`], answer };
  },
  readAnswer: decimalOf,
  misconceptions: [
    summing(
      'aligned-right',
      'writes decimals with their right ends below each other',
      'What must stand below what, the last digits or the points?',
      (numbers) => {
        const sum = numbers.map((one) => BigInt(one.replace('.', ''))).reduce((x, y) => x + y);
        return unscaled(String(sum), places(numbers));
      },
    ),
    summing(
      'parts-added-apart',
      'adds what stands before the point and what stands behind it as whole numbers',
      'What are the digits behind the point worth? When they make a whole, where does it go?',
      (numbers) => {
        const [x, y] = numbers.map(parts) as [ReturnType<typeof parts>, ReturnType<typeof parts>];
        const behind = BigInt(x.behind || 0) + BigInt(y.behind || 0);
        return decimalOf(`${BigInt(x.whole) + BigInt(y.whole)}.${behind}`)!;
      },
    ),
    summing(
      'no-carry-over-point',
      'drops what should be carried over the point',
      'When the digits behind the point make a whole, where does it go?',
      (numbers) => {
        const most = places(numbers);
        const [x, y] = numbers.map(parts) as [ReturnType<typeof parts>, ReturnType<typeof parts>];
        const behind = numberOf(
          digitsOf(
            String(BigInt(x.behind.padEnd(most, '0') || 0) + BigInt(y.behind.padEnd(most, '0') || 0)),
          ).slice(0, most),
        );
        return decimalOf(`${BigInt(x.whole) + BigInt(y.whole)}.${behind.padStart(most, '0')}`)!;
      },
    ),
  ],
};
