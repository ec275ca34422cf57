/**
 * Long addition as the built-in model writes it. Both numbers are padded with zeros to ten places; then comes
 * one line per place, lowest first, and the sum:
 *
 *     0000345000+0000678000       345+678, times 10^3
 *     0+0+0=0,0                   a + b + carry = digit, carry
 *     …
 *     #0001023000
 *
 * Numbers are strings of digits throughout: a user's prompt may have more zeros than a number holds exactly.
 */
import type { Check, Prompt, Rewrite } from '../task.ts';
import { excerpt } from '../jsonl.ts';
import { shuffled } from '../random.ts';

/** Places of each number, and working lines of an answer. */
export const WIDTH = 10;
/** One place is kept for the last carry. */
export const MAX_DIGITS = WIDTH - 1;

/** A problem in the form that all its rewrites share: common trailing zeros removed, smaller number first. */
export type Sum = {
  /** `345+678`: equal under every rewrite. */
  key: string;
  small: string;
  large: string;
  /** Significant digits of the larger number, 1…9: the level. */
  digits: number;
  /** What was removed: the text asks for 10^zeros times this problem. */
  zeros: number;
};

/** Reads `345+678`, with spaces and leading zeros allowed; a string says why it can't be read. */
export function parseSum(text: string): Sum | string {
  const found = /^\s*(\d{1,1000})\s*\+\s*(\d{1,1000})\s*$/.exec(text);
  if (!found) return 'is no sum of two whole numbers such as 345+678';
  const numbers = [strip(found[1]!), strip(found[2]!)];
  const zeros = numbers.every((number) => number === '0')
    ? 0
    : Math.min(...numbers.map((number) => (number === '0' ? Infinity : trailingZeros(number))));
  const [small, large] = numbers
    .map((number) => (number === '0' ? number : number.slice(0, number.length - zeros)))
    .sort((a, b) => a.length - b.length || (a < b ? -1 : 1)) as [string, string];
  if (large.length > MAX_DIGITS) {
    return `has ${large.length} significant digits, at most ${MAX_DIGITS} fit`;
  }
  return { key: `${small}+${large}`, small, large, digits: large.length, zeros };
}

export function promptOf(sum: Sum, text: string): Prompt {
  return { key: sum.key, text, level: sum.digits };
}

/**
 * All equivalent forms: the problem times 10^k for each k that fits, and with the numbers swapped: 2·(10 − n)
 * of them, half as many for equal numbers. Shifted forms put the same pairs of digits to the model in the same order, so
 * only swapping makes another kind. An answer maps back to an answer to the sum as it was written.
 */
export function rewritesOf({ small, large, digits, zeros }: Sum, seed: string): Rewrite[] {
  const forms: Rewrite[] = [];
  for (let k = 0; k <= MAX_DIGITS - digits; k++) {
    const mapBack = (answer: string): string | undefined => {
      if (!/^(0|[1-9]\d*)$/.test(answer)) return undefined;
      if (answer === '0') return answer;
      if (trailingZeros(answer) < k) return undefined;
      return answer.slice(0, answer.length - k) + '0'.repeat(zeros);
    };
    const text = `${pad(small, k)}+${pad(large, k)}`;
    forms.push({ key: `x10^${k}`, kind: 'as-given', text, mapBack });
    if (small !== large) {
      const swapped = `${pad(large, k)}+${pad(small, k)}`;
      forms.push({ key: `x10^${k},swapped`, kind: 'swapped', text: swapped, mapBack });
    }
  }
  return shuffled(forms, seed, (form) => form.key);
}

/** The true sum of the text, without leading zeros. */
export function trueSum(text: string): string | undefined {
  const found = /^\s*(\d+)\s*\+\s*(\d+)\s*$/.exec(text);
  return found ? String(BigInt(found[1]!) + BigInt(found[2]!)) : undefined;
}

/** The sum on the last line, without leading zeros; nothing may follow it. */
export function readAnswer(rationale: string): string | undefined {
  const found = /(?:^|\n)#(\d{10})$/.exec(rationale);
  return found ? strip(found[1]!) : undefined;
}

/** One working line: `a+b+carry=digit,carry`. */
export const STEP = /^(\d)\+(\d)\+([01])=(\d),([01])$/;

/** The same work with the numbers swapped, in the problem and in every line: it holds for whatever is computed of the two. */
export function swapped(prompt: string, rationale: string): { prompt: string; answer: string } | undefined {
  const [a, b, ...more] = prompt.split('+');
  if (a === undefined || b === undefined || more.length > 0) return undefined;
  const lines = rationale.split('\n').map((line) => line.replace(STEP, '$2+$1+$3=$4,$5'));
  return { prompt: `${b}+${a}`, answer: lines.join('\n') };
}

/** Has every line its shape? */
export function checkFormat(rationale: string): Check {
  const lines = rationale.split('\n');
  if (lines.length !== WIDTH + 1)
    return { ok: false, reason: `${lines.length} lines instead of ${WIDTH + 1}` };
  const wrong = lines.findIndex((line, i) => !(i < WIDTH ? STEP : /^#\d{10}$/).test(line));
  return wrong < 0
    ? { ok: true, reason: `${WIDTH} steps and a sum` }
    : { ok: false, reason: `line ${wrong + 1} has the wrong shape: ${excerpt(lines[wrong]!)}` };
}

/**
 * Does every line take the problem's digits, is every carry handed on, and does the last line repeat the digits and state the
 * answer? No arithmetic: `2+2+0=5,0` passes, so this check can't teach the model to add.
 */
export function checkCoherence(problem: string, rationale: string, answer: string): Check {
  const [a, b] = problem.split('+').map((number) => number.trim().padStart(WIDTH, '0')) as [string, string];
  const lines = rationale.split('\n');
  const last = lines.pop() ?? '';
  let carry = '0';
  let digits = '';
  for (const [i, line] of lines.entries()) {
    const step = STEP.exec(line);
    if (!step) return { ok: false, reason: `line ${i + 1} is no step: ${excerpt(line)}` };
    const [x, y] = [a.at(-1 - i), b.at(-1 - i)];
    if (step[1] !== x || step[2] !== y) {
      return {
        ok: false,
        reason: `line ${i + 1} adds ${step[1]} and ${step[2]}, the problem has ${x} and ${y} there`,
      };
    }
    if (step[3] !== carry) {
      return { ok: false, reason: `line ${i + 1} adds carry ${step[3]}, but ${carry} was handed on` };
    }
    digits = step[4] + digits;
    carry = step[5]!;
  }
  if (last !== `#${digits}`) {
    return {
      ok: false,
      reason: `the last line is ${excerpt(last)}, the steps give ${excerpt(`#${digits}`)}`,
    };
  }
  if (readAnswer(rationale) !== answer) {
    return { ok: false, reason: `the last line is ${excerpt(last)}, the answer ${excerpt(answer)}` };
  }
  return {
    ok: true,
    reason: `${lines.length} places copied, all carries handed on, the last line repeats the digits`,
  };
}

const strip = (digits: string): string => digits.replace(/^0+(?=\d)/, '');
const trailingZeros = (digits: string): number => /0*$/.exec(digits)![0].length;
const pad = (digits: string, zeros: number): string => (digits + '0'.repeat(zeros)).padStart(WIDTH, '0');
