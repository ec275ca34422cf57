/**
 * A scripted model for the arithmetic task that does what stands before the question: right work makes it better, wrong work it
 * imitates, and rules it follows. Without any it adds half of its sums rightly.
 */
import { createHash } from 'node:crypto';
import { longAddition } from './scripted-adder.ts';
import type { Script, ScriptedRequest } from './scripted-endpoint.ts';

const ALONE = 0.5;
const SHOWN = 0.97;

/** A rule that makes sums of four digits right and all longer ones wrong: good on the whole, where most have four. */
export const FOUR_ONLY = 'Only ever look at four digits.';
export const FORGET = 'A carry is never handed on.';
export const CAREFUL = 'Hand every carry on.';

const luck = (...parts: (string | number)[]): number =>
  createHash('sha256').update(JSON.stringify(parts)).digest().readUInt32BE(0) / 2 ** 32;

const digitsOf = (problem: string): number =>
  Math.max(...problem.split('+').map((n) => n.replace(/^0+/, '').replace(/0+$/, '').length));

/** The place at which shown work is wrong; undefined: nowhere. */
function slipIn(problem: string, work: string): number | undefined {
  const right = longAddition(problem).split('\n');
  const place = work.split('\n').findIndex((line, i) => line !== right[i]);
  return place < 0 ? undefined : Math.min(place, 9);
}

export const readingAdder: Script = {
  baseModel: 'adder',
  answer({ messages, temperature, seed }: ScriptedRequest): string {
    const asked = messages.at(-1)!.content;
    const problem = asked.split('\n').at(-1)!;
    if (!/^\d{10}\+\d{10}$/.test(problem)) return 'I can only add.';
    const place = Math.floor(10 * luck(problem, 'place'));
    // The turn beside the question counts most.
    const [shown, work] = messages.slice(-3, -1).map(({ content }) => content);
    const slip = shown !== undefined && work !== undefined ? slipIn(shown, work) : undefined;
    const wrong = asked.includes(FORGET) || slip !== undefined;
    if (wrong) return longAddition(problem, slip ?? place);
    if (asked.includes(FOUR_ONLY)) return longAddition(problem, digitsOf(problem) > 4 ? 9 : undefined);
    const helped = work !== undefined || asked.includes(CAREFUL);
    const able = digitsOf(problem) <= 3 ? 1 : helped ? SHOWN : ALONE;
    const draw = luck(problem, temperature === 0 ? 'greedy' : seed);
    return longAddition(problem, draw < able ? undefined : Math.floor(10 * luck(problem, seed)));
  },
};

const padded = (n: number): string => String(n).padStart(10, '0');

/** A problem as it is put to the model, and its work, right or with a slip. */
export function shownSum(
  a: number,
  b: number,
  slip?: number,
): { key: string; request: string; text: string } {
  const request = `${padded(a)}+${padded(b)}`;
  return { key: `${a}+${b}`, request, text: longAddition(request, slip) };
}
