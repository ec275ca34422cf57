/**
 * A scripted model for the arithmetic task: writes the long addition, wrong with a probability that grows
 * with the number of digits and shrinks with each fine-tuning. Its mistakes differ between rewrites, as the
 * real model's do.
 */
import { createHash } from 'node:crypto';
import type { Script, ScriptedRequest } from './scripted-endpoint.ts';

const WIDTH = 10;

function uniform(...parts: (string | number)[]): number {
  return createHash('sha256').update(JSON.stringify(parts)).digest().readUInt32BE(0) / 2 ** 32;
}

/** The worked answer in the task's format; `slip` adds one to the digit of that place. */
export function longAddition(problem: string, slip?: number): string {
  const [a, b] = problem
    .trim()
    .split('+')
    .map((n) => n.split('').toReversed().map(Number)) as [number[], number[]];
  const lines: string[] = [];
  let carry = 0;
  let sum = '';
  for (let i = 0; i < WIDTH; i++) {
    const total = a[i]! + b[i]! + carry;
    const digit = i === slip ? (total + 1) % 10 : total % 10;
    const next = total >= 10 ? 1 : 0;
    lines.push(`${a[i]}+${b[i]}+${carry}=${digit},${next}`);
    sum = `${digit}${sum}`;
    carry = next;
  }
  return [...lines, `#${sum}`].join('\n');
}

function skill(problem: string, generation: number): number {
  const digits = problem
    .replaceAll('+', ' ')
    .split(' ')
    .map((n) => n.replace(/^0+/, '').replace(/0+$/, '').length);
  const level = Math.max(...digits);
  return level <= 3 ? 1 : Math.max(0.05, Math.min(0.98, 0.75 - 0.12 * (level - 4) + 0.2 * generation));
}

export function answerSum({ messages, temperature, seed, generation }: ScriptedRequest): string {
  const problem = messages.at(-1)?.content ?? '';
  if (!/^\d{10}\+\d{10}$/.test(problem)) return 'I can only add.';
  const luck = uniform(problem, generation, temperature === 0 ? 'greedy' : seed);
  if (luck < skill(problem, generation)) return longAddition(problem);
  return longAddition(problem, Math.floor(uniform(problem, seed, 'place') * WIDTH));
}

export const adder: Script = { baseModel: 'adder', answer: answerSum };
