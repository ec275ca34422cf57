/**
 * Reading Roman numerals: a task in code. No prompt comes with an answer, and none is needed: writing an answer as a
 * numeral again shows whether it is right, so the gate `verification` decides with certainty.
 */
import type { BenchmarkItem, Prompt, Task } from '../../tasks/task.ts';

const SIGNS = 'M 1000, CM 900, D 500, CD 400, C 100, XC 90, L 50, XL 40, X 10, IX 9, V 5, IV 4, I 1'
  .split(', ')
  .map((one) => [one.split(' ')[0]!, Number(one.split(' ')[1])] as const);

export function numeral(n: number): string {
  const sign = SIGNS.find(([, value]) => value <= n);
  return sign ? sign[0] + numeral(n - sign[1]) : '';
}

const promptOf = (n: number): Prompt => ({ key: numeral(n), text: numeral(n) });
const numbers = Array.from({ length: 3999 }, (_, i) => i + 1);
const known = new Set(numbers.map(numeral));

/** Numbers that end in 0 or 1 are held out; all others are prompts. */
const held = (digit: number): BenchmarkItem[] =>
  numbers.filter((n) => n % 10 === digit).map((n) => ({ ...promptOf(n), answer: String(n) }));

const question = (text: string) =>
  `Which number is ${text}? One line for each sign, as in "CM = 900", then "Answer: NUMBER".`;
const stated = (rationale: string) => /^Answer: ([1-9]\d{0,3})$/m.exec(rationale)?.[1];
const steps = (rationale: string) => [...rationale.matchAll(/^([MDCLXVI]{1,2}) = (\d+)$/gm)];

export default {
  name: 'roman',
  title: 'Reading Roman numerals',
  async *prompts({ seed, count, exclude }) {
    // A step that shares no factor with 3,999 visits every number once, in an order that depends on the seed.
    let left = count;
    for (let i = 0; i < numbers.length && left > 0; i++) {
      const n = ((i * 2741 + seed) % numbers.length) + 1;
      if (n % 10 < 2 || exclude(numeral(n))) continue;
      left -= 1;
      yield promptOf(n);
    }
  },
  readPrompt: (text) => (known.has(text) ? { key: text, text } : `is no Roman numeral: ${text.slice(0, 40)}`),
  strategies: [
    { name: 'plain', messages: (text) => [{ role: 'user', content: question(text) }] },
    {
      name: 'aloud',
      messages: (text) => [{ role: 'user', content: `${question(text)} Think step by step.` }],
    },
  ],
  ask: (text) => [{ role: 'user', content: question(text) }],
  readAnswer: stated,
  sameAnswer: (a, b) => a === b,
  checkFormat: (_, rationale) => {
    const others = rationale.split('\n').length - steps(rationale).length;
    return {
      ok: others === 1 && stated(rationale) !== undefined,
      reason: `${others} lines that are no step, 1 expected`,
    };
  },
  checkCoherence: (text, rationale, answer) => {
    const signs = steps(rationale);
    const sum = signs.reduce((total, [, , value]) => total + Number(value), 0);
    const real = signs.every(([, sign, value]) => SIGNS.some(([s, v]) => s === sign && v === Number(value)));
    const read = signs.map(([, sign]) => sign).join('');
    return {
      ok: real && read === text && sum === Number(answer),
      reason: `steps read ${read || 'nothing'} and add up to ${sum}; asked was ${text}, the answer is ${answer}`,
    };
  },
  verify: async ({ text }, { answer }) => {
    const again = numeral(Number(answer));
    return { ok: again === text, reason: `${answer} is ${again}, asked was ${text}` };
  },
  benchmarks: [
    { name: 'target', role: 'target', items: () => held(0) },
    { name: 'final', role: 'final', items: () => held(1) },
  ],
  suggested: { gates: { critique: { mode: 'off' } }, pool: { prompts: 200, rehearsal: 0 } },
  maxTokens: 256,
} satisfies Task;
