/** Differences of two whole numbers, and the borrowing that goes wrong (Brown and Burton 1978; VanLehn 1990). */
import {
  digitsDrawn,
  digitsOf,
  numberOf,
  wholeNumber,
  type Item,
  type Misconception,
  type Skill,
} from '../skill.ts';

/** How somebody subtracts: what is written without borrowing, and what borrowing does to the digits further up. */
type Way = {
  /** The digit that is written with no borrowing; undefined: done as it should be. `top` is as it stands now. */
  straight?(top: number, bottom: number): number | undefined;
  /** Makes room for ten more at a place; `top` is changed. */
  borrow(top: number[], place: number): void;
};

/** The first digit further up that is not 0. */
const firstFull = (top: readonly number[], place: number): number =>
  top.findIndex((digit, at) => at > place && digit !== 0);

function lower(top: number[], at: number): void {
  if (at > 0 && at < top.length) top[at] = top[at]! - 1;
}

const properly: Way = {
  borrow(top, place) {
    const full = firstFull(top, place);
    for (let at = place + 1; at < full; at++) top[at] = 9;
    lower(top, full);
  },
};

function subtract([a, b]: readonly string[], way: Way): string {
  const top = digitsOf(a!);
  const bottom = digitsOf(b!);
  const written = top.map((_, place) => {
    const y = bottom[place] ?? 0;
    const straight = way.straight?.(top[place]!, y);
    if (straight !== undefined) return straight;
    if (top[place]! >= y) return top[place]! - y;
    if (place < top.length - 1) way.borrow(top, place);
    return (top[place]! + 20 - y) % 10;
  });
  return numberOf(written);
}

const of = (name: string, title: string, hint: string, way: Partial<Way>): Misconception => ({
  name,
  skill: 'subtraction',
  title,
  hint,
  answer: ({ numbers }) => subtract(numbers, { ...properly, ...way }),
});

const SEE_BORROWED = 'After borrowing, which digits of the upper number are no longer what they were?';
const ACROSS =
  'There is nothing to borrow from a zero. Where does it get something from, and what is left of both?';

const misconceptions: Misconception[] = [
  of(
    'smaller-from-larger',
    'takes the smaller digit from the larger, whichever stands above',
    'In each column, which number is taken away from which? Can they change places?',
    { straight: (top, bottom) => Math.abs(top - bottom) },
  ),
  of('borrows-without-paying', 'borrows and leaves the next digit as it is', SEE_BORROWED, {
    borrow: () => undefined,
  }),
  of('borrows-across-zero', 'borrows from the next digit that is not zero and leaves the zeros', ACROSS, {
    borrow: (top, place) => lower(top, firstFull(top, place)),
  }),
  of('stops-at-zero', 'borrows from a zero as if that cost nothing', ACROSS, {
    borrow: (top, place) => {
      if (top[place + 1] !== 0) lower(top, place + 1);
    },
  }),
  of('zero-becomes-nine', 'makes a nine of a zero that is borrowed from, and goes no further', ACROSS, {
    borrow: (top, place) => {
      if (top[place + 1] === 0) top[place + 1] = 9;
      else lower(top, place + 1);
    },
  }),
  of(
    'zero-minus-is-digit',
    'writes the lower digit where the upper one is zero',
    'If you have nothing and something is to be taken away, what do you have to do first?',
    { straight: (top, bottom) => (top === 0 ? bottom : undefined) },
  ),
  of(
    'zero-minus-is-zero',
    'writes zero where the upper digit is zero',
    'If you have nothing and something is to be taken away, what do you have to do first?',
    { straight: (top) => (top === 0 ? 0 : undefined) },
  ),
  of(
    'zero-for-borrow',
    'writes zero where the lower digit is larger',
    'A column whose lower digit is larger can be worked out. Who can help it?',
    { straight: (top, bottom) => (top < bottom ? 0 : undefined) },
  ),
  of(
    'borrows-from-the-left-end',
    'always borrows from the leftmost digit',
    'Whose neighbour lends, and how much is that worth one place further down?',
    {
      borrow: (top) => lower(top, top.length - 1),
    },
  ),
  of(
    'minus-zero-is-zero',
    'writes zero where the lower digit is zero',
    'If nothing is taken away, what is left?',
    {
      straight: (_, bottom) => (bottom === 0 ? 0 : undefined),
    },
  ),
];

const itemOf = (numbers: string[]): Item => ({
  skill: 'subtraction',
  text: numbers.join('-'),
  level: numbers[0]!.length,
  form: 'a-b',
  numbers,
});

export const subtraction: Skill = {
  name: 'subtraction',
  title: 'Subtracting whole numbers',
  levels: [1, 2, 3, 4, 5, 6],
  read(text) {
    const found = /^(\d{1,12})-(\d{1,12})$/.exec(text);
    if (!found || BigInt(found[1]!) < BigInt(found[2]!)) return undefined;
    return itemOf([wholeNumber(found[1]!)!, wholeNumber(found[2]!)!]);
  },
  draw(level, next) {
    // Zeros in the upper number are rare by chance, and half of what can go wrong is about them.
    const zeros = level > 2 && next() < 0.4;
    const upper = digitsDrawn(level, next).replaceAll(/(?<=.)\d(?=\d)/g, (digit) =>
      zeros && next() < 0.6 ? '0' : digit,
    );
    const lowerOne = digitsDrawn(level > 1 && next() < 1 / 3 ? level - 1 : level, next);
    const [low, high] = BigInt(upper) < BigInt(lowerOne) ? [upper, lowerOne] : [lowerOne, upper];
    return itemOf([high, low]);
  },
  truth: ({ numbers }) => String(BigInt(numbers[0]!) - BigInt(numbers[1]!)),
  worked({ numbers }) {
    const top = digitsOf(numbers[0]!);
    const bottom = digitsOf(numbers[1]!);
    const lines = top.map((_, place) => {
      const y = bottom[place] ?? 0;
      const borrows = top[place]! < y;
      if (borrows) properly.borrow(top, place);
      const x = top[place]! + (borrows ? 10 : 0);
      return `${x}-${y}=${x - y}${borrows ? ': borrowed from the next' : ''}`;
    });
    return { lines, answer: subtract(numbers, properly) };
  },
  readAnswer: wholeNumber,
  misconceptions,
};
