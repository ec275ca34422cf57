/** Values, texts and bytes that nobody sends in good faith, from a seeded generator. */
import type { Random } from '../../../loop/random.ts';

export const pick = <T>(draw: Random, from: readonly T[]): T => from[Math.floor(draw() * from.length)]!;
export const whole = (draw: Random, low: number, high: number): number =>
  low + Math.floor(draw() * (high - low + 1));

/** What readers of answers know: in long rows they are the worst case of a careless pattern. */
const TOKENS = [
  '\\boxed{',
  '#### ',
  '1 + ',
  '= ',
  '(((',
  '<think>',
  '```',
  '\\frac{1}{',
  '9',
  ' ',
  '\n',
  '3,',
  '"',
  '\\',
];
const LONG = [1000, 20_000, 200_000];

export function oddText(draw: Random): string {
  const texts = [
    () => '',
    () => '\u0000',
    () => `a\u0000b${'\u0000'.repeat(50)}`,
    () => '\ud800',
    () => `x\udfff\ud83d`,
    () => '\u202eabc\u2066\u200b\ufeff\u2028\u2029\u0085',
    () => pick(draw, TOKENS).repeat(pick(draw, LONG)),
    () => Array.from({ length: 2000 }, () => pick(draw, TOKENS)).join(''),
    () => `#${'9'.repeat(whole(draw, 1, 5000))}`,
    () => `{"first_error": "", "verdict": "${pick(draw, ['holds', 'fails', '\u0000', ''])}"`,
    () => '/etc/passwd',
    () => '../'.repeat(40),
    () => "'; drop table runs; --",
    () => 'NaN',
    () => String.fromCodePoint(...Array.from({ length: 200 }, () => whole(draw, 1, 0xd7ff))),
  ];
  return pick(draw, texts)();
}

export function deep(levels: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = i % 2 ? [value] : { a: value };
  return value;
}

export function oddValue(draw: Random): unknown {
  const values = [
    () => null,
    () => true,
    () => -1,
    () => 0,
    () => 0.5,
    () => 3e9,
    () => 2 ** 53,
    () => 1e308,
    () => -1e308,
    () => [],
    () => ({}),
    () => [[[]]],
    () => oddText(draw),
    () => oddText(draw),
    () => deep(whole(draw, 2, 1500)),
    () => Array.from({ length: 1000 }, () => 1),
    () => ({ error: { message: oddText(draw), type: 'server_error', code: whole(draw, 0, 600) } }),
  ];
  return pick(draw, values)();
}

/** The same with one to four places changed: another value, gone, doubled, or one that nobody asked for. */
export function spoil(value: unknown, draw: Random): unknown {
  let spoilt = structuredClone(value);
  for (let i = whole(draw, 1, 4); i > 0; i--) spoilt = change(spoilt, draw);
  return spoilt;
}

function change(value: unknown, draw: Random): unknown {
  if (typeof value !== 'object' || value === null || draw() < 0.1) return oddValue(draw);
  const keys = Object.keys(value);
  if (keys.length === 0) return oddValue(draw);
  const key = pick(draw, keys);
  const held = value as Record<string, unknown>;
  const how = draw();
  if (how < 0.55) held[key] = change(held[key], draw);
  else if (how < 0.7) held[key] = oddValue(draw);
  else if (how < 0.8) delete held[key];
  else if (how < 0.9 && Array.isArray(value)) value.push(...structuredClone(value.slice(0, 50)));
  else held[`${key}\u0000`.slice(0, whole(draw, 1, 30))] = oddValue(draw);
  return Array.isArray(value) ? value.flat(0).filter((one) => one !== undefined) : value;
}

/** JSON of whatever it is: some of it is too deep for JSON.stringify. */
export function json(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'null';
  } catch {
    return '['.repeat(100_000);
  }
}

/** Bytes with some of them changed, cut off, or with others before them. */
export function spoilBytes(bytes: Buffer, draw: Random): Buffer {
  const spoilt = Buffer.from(bytes);
  if (spoilt.length > 0)
    for (let i = whole(draw, 1, 20); i > 0; i--)
      spoilt[whole(draw, 0, spoilt.length - 1)] = pick(draw, [
        0,
        0x22,
        0x5c,
        0x7f,
        0x80,
        0xff,
        whole(draw, 0, 255),
      ]);
  const how = draw();
  if (how < 0.3) return spoilt.subarray(0, whole(draw, 0, spoilt.length));
  if (how < 0.4) return Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), spoilt]);
  if (how < 0.5) return Buffer.from(bytes.toString('utf8'), 'utf16le');
  if (how < 0.6) return Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 0]), spoilt]);
  return spoilt;
}
