/**
 * Reading Roman numerals: a task in code. No prompt comes with an answer, and none is needed: writing an answer as a
 * numeral again shows whether it is right, so the gate `verification` decides with certainty.
 */
import type { BenchmarkItem, Prompt, Task } from '../../tasks/task.ts';

const SIGNS: [string, number][] = [
  ['M', 1000],
  ['CM', 900],
  ['D', 500],
  ['CD', 400],
  ['C', 100],
  ['XC', 90],
  ['L', 50],
  ['XL', 40],
  ['X', 10],
  ['IX', 9],
  ['V', 5],
  ['IV', 4],
  ['I', 1],
];

export function numeral(n: number): string {
  return SIGNS.reduce(
    ({ text, left }, [sign, value]) => {
      const times = Math.floor(left / value);
      return { text: text + sign.repeat(times), left: left - times * value };
    },
    { text: '', left: n },
  ).text;
}

const all = Array.from({ length: 3999 }, (_, i) => i + 1);
/** Numbers that end in 0 and 1 are held out; the others are prompts. */
const endingIn = (digit: number) => all.filter((n) => n % 10 === digit);

function* held(digit: number): Generator<BenchmarkItem> {
  for (const n of endingIn(digit)) yield { key: numeral(n), text: numeral(n), answer: String(n) };
}

const stated = (rationale: string) => /^Answer: ([1-9]\d{0,3})$/m.exec(rationale)?.[1];

export default {
  name: 'roman',
  title: 'Reading Roman numerals',
  async *prompts({ seed, count, exclude }) {
    // A step that shares no factor with 3,999 visits every number once, in an order that depends on the seed.
    let left = count;
    for (let i = 0; i < all.length && left > 0; i++) {
      const n = ((i * 2741 + seed) % all.length) + 1;
      const prompt: Prompt = { key: numeral(n), text: numeral(n) };
      if (n % 10 < 2 || exclude(prompt.key)) continue;
      left -= 1;
      yield prompt;
    }
  },
  strategies: [
    {
      name: 'stepwise',
      messages: (text) => [
        { role: 'user', content: `Read ${text} sign by sign. End with "Answer: NUMBER".` },
      ],
    },
    {
      name: 'plain',
      messages: (text) => [{ role: 'user', content: `Which number is ${text}? End with "Answer: NUMBER".` }],
    },
  ],
  ask: (text) => [{ role: 'user', content: `Which number is ${text}? End with "Answer: NUMBER".` }],
  readAnswer: stated,
  sameAnswer: (a, b) => a === b,
  checkFormat: (_, rationale) => {
    const answers = rationale.match(/^Answer: /gm)?.length ?? 0;
    return { ok: answers === 1, reason: `${answers} answers stated, 1 expected` };
  },
  checkCoherence: (_, rationale, answer) => ({
    ok: rationale.includes(answer),
    reason: `the work leads to ${answer}`,
  }),
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
