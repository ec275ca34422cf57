/** Messages that name a day or a sum of money as people do. Sentences of the held-out ones are in no prompt. */
import { stream } from '../../tasks/random.ts';

export type Kind = 'day' | 'amount';
/** `said`: the words for the day or the sum in the text. */
export type Message = { kind: Kind; text: string; said: string; answer: string };

const MONTHS = 'January February March April May June July August September October November December'.split(
  ' ',
);
const ORDINALS =
  'first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth twenty-first twenty-second twenty-third twenty-fourth twenty-fifth twenty-sixth twenty-seventh twenty-eighth twenty-ninth thirtieth thirty-first'.split(
    ' ',
  );
const UNITS =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  );
const TENS = 'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');
const CURRENCIES = [
  { code: 'EUR', sign: '€', name: 'euros', cents: 'cents' },
  { code: 'USD', sign: '$', name: 'dollars', cents: 'cents' },
  { code: 'GBP', sign: '£', name: 'pounds', cents: 'pence' },
];

const SENTENCES: Record<Kind, { pool: string[]; held: string[] }> = {
  day: {
    pool: [
      'The parcel left our house on {} and weighed 12 kilos.',
      'Please move my booking for two to {}, if that is possible.',
      'I have been waiting since {}, and I wrote to you 3 times.',
      'Order 4711 came on {}.',
      'We moved in on {}; the heating has never worked.',
      'My passport was issued on {} and costs 60 euros.',
      'Their contract ends on {}, not a day later.',
      'On {} the bank took 25 pounds from my account.',
    ],
    held: [
      'Our flight was cancelled on {}, with 2 hours of notice.',
      'The invoice of {} is still open.',
      'Could you call me back on {} about room 17?',
      'She was born on {}, the youngest of 5.',
      'I returned the shoes on {} and have heard nothing since.',
      'From {} on we will need 8 seats.',
    ],
  },
  amount: {
    pool: [
      'The repair of my 2 bicycles cost {}.',
      'You took {} from my account twice, on the 3rd and on the 9th.',
      'I paid {} for room 12 and want it back.',
      'The invoice says {}, but I ordered 4 of them.',
      'Is {} really the price for 30 days?',
      '{} is too much for 1 chair.',
      'My refund of {} has been on its way for 6 weeks.',
      'For the 5 of us it comes to {} a night.',
    ],
    held: [
      'They charged me {} for a bag of 10 kilos.',
      'Our deposit was {}, paid 3 months ago.',
      'I was told it would be {} at most, for 2 hours.',
      'The 7 tickets were {} together.',
      'Please send {} to my other account, the one that ends in 88.',
      'Why do I owe you {} after 1 day?',
    ],
  },
};

const pick = <T>(items: readonly T[], at: number): T => items[Math.floor(at * items.length)]!;
const two = (n: number) => String(n).padStart(2, '0');
const suffixed = (day: number) =>
  `${day}${[11, 12, 13].includes(day) ? 'th' : (['th', 'st', 'nd', 'rd'][day % 10] ?? 'th')}`;

function day(random: () => number): { said: string; answer: string } {
  const [year, month] = [1990 + Math.floor(random() * 45), Math.floor(random() * 12)];
  const last = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  const n = 1 + Math.floor(random() * last);
  const [name, ordinal] = [MONTHS[month]!, ORDINALS[n - 1]!];
  const [said, date] = pick(
    [
      [`${n} ${name} ${year}`, n],
      [`${name} ${suffixed(n)}, ${year}`, n],
      [`the ${suffixed(n)} of ${name} ${year}`, n],
      [`${name.slice(0, 3)} ${n}, ${year}`, n],
      [`the ${ordinal} of ${name} ${year}`, n],
      [`${name} the ${ordinal}, ${year}`, n],
      [`the last day of ${name} ${year}`, last],
    ] as const,
    random(),
  );
  return { said, answer: `${year}-${two(month + 1)}-${two(date)}` };
}

function inWords(n: number): string {
  if (n < 20) return UNITS[n]!;
  if (n < 100) return `${TENS[Math.floor(n / 10) - 2]!}${n % 10 ? `-${UNITS[n % 10]!}` : ''}`;
  const [size, name] = n < 1000 ? [100, 'hundred'] : [1000, 'thousand'];
  const rest = n % size;
  const joined = rest === 0 ? '' : rest < 100 ? ` and ${inWords(rest)}` : ` ${inWords(rest)}`;
  return `${inWords(Math.floor(n / size))} ${name}${joined}`;
}

function amount(random: () => number): { said: string; answer: string } {
  const { code, sign, name, cents } = pick(CURRENCIES, random());
  const whole = 20 + Math.floor(random() ** 2 * 4980);
  const part = 5 * (1 + Math.floor(random() * 19));
  const grouped = String(whole).replace(/(?<=\d)(?=\d{3}$)/, ',');
  const [said, hundredths] = pick(
    [
      [`${inWords(whole)} ${name}`, 0],
      [`${whole} ${name} and ${part} ${cents}`, part],
      [`${sign}${grouped}.${two(part)}`, part],
      [`${grouped} ${name}`, 0],
      [`${inWords(whole)} ${name} and ${inWords(part)} ${cents}`, part],
    ] as const,
    random(),
  );
  return { said, answer: `${whole}.${two(hundredths)} ${code}` };
}

/** Different messages without end, always the same. */
export function* messages(kind: Kind, which: 'pool' | 'held'): Generator<Message> {
  const random = stream(`${kind}/${which}`);
  const given = new Set<string>();
  while (true) {
    const { said, answer } = (kind === 'day' ? day : amount)(random);
    const text = pick(SENTENCES[kind][which], random()).replace('{}', said);
    if (given.has(text)) continue;
    given.add(text);
    yield { kind, text: text[0]!.toUpperCase() + text.slice(1), said, answer };
  }
}
