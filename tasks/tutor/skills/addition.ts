/** Sums of two whole numbers, column by column, and what goes wrong there (Brown and Burton 1978; VanLehn 1990). */
import {
  digitsDrawn,
  digitsOf,
  numberOf,
  wholeNumber,
  type Item,
  type Misconception,
  type Skill,
} from '../skill.ts';

/** One column of a sum: its digits, what was carried into it, its place from 0, and whether it is the leftmost. */
type Column = { a: number; b: number; carry: number; place: number; last: boolean };
/** What is written below a column, and what is carried out of it. */
export type ColumnRule = (column: Column) => { write: number; carry: number };
/** A column with what was written below it, and what was carried out of it. */
export type WorkedColumn = Column & { write: number; out: number };

export const addColumn: ColumnRule = ({ a, b, carry }) => {
  const total = a + b + carry;
  return { write: total % 10, carry: total >= 10 ? 1 : 0 };
};

export function columnsOf([a, b]: readonly string[], rule: ColumnRule): WorkedColumn[] {
  const [x, y] = [digitsOf(a!), digitsOf(b!)];
  const width = Math.max(x.length, y.length);
  const worked: WorkedColumn[] = [];
  let carry = 0;
  for (let place = 0; place < width; place++) {
    const column = { a: x[place] ?? 0, b: y[place] ?? 0, carry, place, last: place === width - 1 };
    const { write, carry: out } = rule(column);
    worked.push({ ...column, write, out });
    carry = out;
  }
  return worked;
}

/** What stands below the line, the last carry before it. */
export function sumOf(numbers: readonly string[], rule: ColumnRule): string {
  const columns = columnsOf(numbers, rule);
  const { out } = columns.at(-1)!;
  return numberOf([...columns.map(({ write }) => write), ...(out === 0 ? [] : [out])]);
}

/** A misconception that is a wrong rule for columns. Those who carry digits below other columns than theirs are none. */
export type ColumnMisconception = Misconception & { rule: ColumnRule };

export const byColumns = (one: Omit<ColumnMisconception, 'skill' | 'answer'>): ColumnMisconception => ({
  ...one,
  skill: 'addition',
  answer: ({ numbers }) => sumOf(numbers, one.rule),
});

const wrongColumns: ColumnMisconception[] = [
  byColumns({
    name: 'no-carry',
    title: 'writes the ones of each column and carries nothing',
    rule: ({ a, b }) => ({ write: (a + b) % 10, carry: 0 }),
    hint: 'When a column makes more than one digit can show, where does the rest go?',
  }),
  byColumns({
    name: 'carries-always',
    title: 'carries one into every next column, needed or not',
    rule: ({ a, b, carry, last }) => ({
      write: (a + b + carry) % 10,
      carry: last && a + b + carry < 10 ? 0 : 1,
    }),
    hint: 'Which columns really make more than one digit can show? Carry from those only.',
  }),
  byColumns({
    name: 'writes-whole-sums',
    title: 'writes the whole sum of each column side by side',
    rule: ({ a, b }) => ({ write: a + b, carry: 0 }),
    hint: 'Each column has room for a single digit. What becomes of the other?',
  }),
  byColumns({
    name: 'carry-lost-at-nine',
    title: 'does not carry where only the carry makes the column full',
    rule: ({ a, b, carry }) => ({ write: (a + b + carry) % 10, carry: a + b >= 10 ? 1 : 0 }),
    hint: 'Add what was carried first, and only then see whether the column is full.',
  }),
  byColumns({
    name: 'carries-once',
    title: 'carries out of the ones only',
    rule: ({ a, b, carry, place }) => ({
      write: (a + b + carry) % 10,
      carry: place === 0 && a + b + carry >= 10 ? 1 : 0,
    }),
    hint: 'Every column can be full, not only the first. Look at each of them.',
  }),
  byColumns({
    name: 'carries-wrong-digit',
    title: 'writes the tens of a full column and carries its ones',
    rule: ({ a, b, carry }) => {
      const total = a + b + carry;
      return total < 10 ? { write: total, carry: 0 } : { write: Math.floor(total / 10), carry: total % 10 };
    },
    hint: 'Of a full column, which digit belongs below it, and which into the next?',
  }),
];

const misconceptions: Misconception[] = [
  ...wrongColumns,
  {
    name: 'aligned-left',
    skill: 'addition',
    title: 'writes numbers of different lengths with their left ends below each other',
    answer: ({ numbers }) => {
      const width = Math.max(...numbers.map(({ length }) => length));
      return sumOf(
        numbers.map((number) => number.padEnd(width, '0')),
        addColumn,
      );
    },
    hint: 'Which digits stand for ones? They belong below each other.',
  },
];

/** What a sum's working line looks like where the learner follows a rule; undefined where no column rule makes it. */
export const ruleOf = (one: Misconception): ColumnRule | undefined =>
  'rule' in one ? (one as ColumnMisconception).rule : undefined;

const MOST_DIGITS = 9;

const itemOf = (numbers: string[]): Item => ({
  skill: 'addition',
  text: numbers.join('+'),
  level: Math.max(...numbers.map(({ length }) => length)),
  form: 'a+b',
  numbers,
});

export const addition: Skill = {
  name: 'addition',
  title: 'Adding whole numbers',
  levels: Array.from({ length: MOST_DIGITS }, (_, i) => i + 1),
  read(text) {
    const found = /^(\d{1,12})\+(\d{1,12})$/.exec(text);
    const item = found && itemOf([wholeNumber(found[1]!)!, wholeNumber(found[2]!)!]);
    return item && item.level <= MOST_DIGITS ? item : undefined;
  },
  draw(level, next) {
    const long = digitsDrawn(level, next);
    // A third has a shorter number, too: some go wrong only there.
    const other = digitsDrawn(
      level > 1 && next() < 1 / 3 ? 1 + Math.floor(next() * (level - 1)) : level,
      next,
    );
    return itemOf(next() < 0.5 ? [long, other] : [other, long]);
  },
  truth: ({ numbers }) => String(BigInt(numbers[0]!) + BigInt(numbers[1]!)),
  worked({ numbers }) {
    const lines = columnsOf(numbers, addColumn).map(({ a, b, carry, write, out }) => {
      const added = carry === 0 ? `${a}+${b}` : `${a}+${b}+${carry}`;
      return `${added}=${a + b + carry}: write ${write}${out === 0 ? '' : `, carry ${out}`}`;
    });
    return { lines, answer: sumOf(numbers, addColumn) };
  },
  readAnswer: wholeNumber,
  misconceptions,
};
