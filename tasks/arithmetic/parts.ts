/**
 * A long sum as shorter ones (LADDER, Simonds and Yoshiyama 2025, arXiv 2503.00735): its lowest three places, then the rest, which
 * may be split again. A carry out of the lower part stands in the rest as a planted place 5+5, whose own digit is 0 and which hands
 * on 1, so that every part is a sum like any other:
 *
 *     345678+111222     →  678+222 = 900, no carry   →  345+111
 *     345678+111922     →  678+922 = 1600, a carry   →  3455+1115
 *
 * Nothing here adds: digits and carries are those that the model wrote.
 */
import type { Part, Recombined, SolvedPart } from '../task.ts';
import { parseSum, promptOf, STEP, WIDTH } from './addition.ts';

/** Places of a sum that the built-in base adds reliably: it was trained on no longer ones. */
export const STEADY_DIGITS = 3;

export function decompose({ text }: Part, solved: readonly SolvedPart[]): Part[] {
  const sum = parseSum(text);
  if (typeof sum === 'string' || sum.digits <= STEADY_DIGITS) return [];
  const numbers = [sum.small, sum.large].map((number) => number.padStart(sum.digits, '0'));
  const low = partOf(numbers.map((number) => number.slice(-STEADY_DIGITS)));
  const [lowest] = solved;
  if (!lowest) return [low];
  const planted = carries(lowest.answer) ? '5' : '';
  return [low, partOf(numbers.map((number) => number.slice(0, -STEADY_DIGITS) + planted))];
}

const carries = (answer: string): boolean => answer.length > STEADY_DIGITS;

function partOf(numbers: string[]): Part {
  const text = numbers.map((number) => number.replace(/^0+(?=\d)/, '')).join('+');
  const sum = parseSum(text);
  if (typeof sum === 'string') throw new Error(`part ${sum}`);
  return promptOf(sum, text);
}

/**
 * Every line of the whole is one that the model wrote for a part: for these two digits and this carry. Lines that say different things
 * of the same digits and carry leave a doubt, and so does a sum that is not made of the parts' answers.
 */
export function recombine(prompt: Part, request: string, parts: readonly SolvedPart[]): Recombined {
  const written = linesOf(parts);
  const [a, b] = request.split('+').map((number) => number.trim().padStart(WIDTH, '0')) as [string, string];
  const lines: string[] = [];
  let carry = '0';
  let digits = '';
  let doubt: string | undefined;
  for (let place = 1; place <= WIDTH; place++) {
    const added = `${a.at(-place)}+${b.at(-place)}+${carry}`;
    const [line, other] = written.get(added) ?? [];
    if (line === undefined) return { impossible: `no part has a line for ${added}` };
    if (other !== undefined) doubt ??= `the parts have both ${line} and ${other}`;
    const step = STEP.exec(line)!;
    lines.push(line);
    digits = step[4]! + digits;
    carry = step[5]!;
  }
  const rationale = [...lines, `#${digits}`].join('\n');
  doubt ??= mismatch(prompt, digits, parts);
  return doubt === undefined ? { rationale } : { rationale, doubt };
}

/** All lines of the parts by what they add, each once. */
function linesOf(parts: readonly SolvedPart[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { rationale } of parts.flatMap(({ works }) => works)) {
    for (const line of rationale.split('\n')) {
      if (!STEP.test(line)) continue;
      const added = line.slice(0, line.indexOf('='));
      const known = found.get(added) ?? [];
      if (!known.includes(line)) found.set(added, [...known, line]);
    }
  }
  return found;
}

/** Why these digits are not the parts' answers side by side, whatever zeros the form has behind them. */
function mismatch(prompt: Part, digits: string, [low, rest]: readonly SolvedPart[]): string | undefined {
  if (!low || !rest) return 'a part is missing';
  const planted = carries(low.answer);
  if (planted && !rest.answer.endsWith('0'))
    return `the planted 5+5 gave ${rest.answer}, which does not end in 0`;
  const high = planted ? rest.answer.slice(0, -1) : rest.answer;
  const expected = high + low.answer.slice(-STEADY_DIGITS).padStart(STEADY_DIGITS, '0');
  const value = (text: string) => text.replace(/^0+/, '').replace(/0+$/, '');
  if (value(digits) === value(expected)) return undefined;
  return `the answers of the parts of ${prompt.text} make ${expected}, their lines ${digits}`;
}
