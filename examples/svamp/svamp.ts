/**
 * SVAMP: one-step word problems with numbers that do not matter. The model answers with one equation, so an answer to the problem in
 * other numbers can be put back into its own, and much can be checked without knowing an answer: that the equation is right, that its
 * numbers are the problem's, that nobody has less than nothing.
 */
import type { BenchmarkItem, ChatMessage, Prompt, Task } from '../../tasks/task.ts';
import { equal, numbersOf, readEquation, written } from './equation.ts';
import { formsOf, keyOf, objection, shuffled, split } from './problems.ts';

const SYSTEM = 'Reply with one equation and nothing else.';

const ask = (text: string): ChatMessage[] => [
  { role: 'system', content: SYSTEM },
  { role: 'user', content: text },
];

/** The same problem type as the benchmark's, none of its problems. */
const examples = [
  {
    prompt:
      'Amy had 14 stickers and 3 pens. She gave 5 stickers to her brother. How many stickers does she have now?',
    answer: '14 - 5 = 9',
  },
  {
    prompt: 'There are 6 shelves with 8 books each. Each book has 40 pages. How many books are there in all?',
    answer: '6 * 8 = 48',
  },
  {
    prompt: 'Ben found some shells. Ann gave him 19 more and now he has 42. How many shells did he find?',
    answer: '42 - 19 = 23',
  },
  {
    prompt: 'A farmer puts 36 apples and 20 pears into bags of 4. How many bags does he need?',
    answer: '(36 + 20) / 4 = 14',
  },
  {
    prompt: 'Tom ran 11 miles on Monday and 4 miles more on Tuesday. How many miles did he run on Tuesday?',
    answer: '11 + 4 = 15',
  },
];

/** What the answer says at its end: of an equation its right side. */
const result = (answer: string): number => Number(answer.split('=').at(-1));

/** Sums and differences in words, which the model can do before it learns anything here. */
function sums(): BenchmarkItem[] {
  return Array.from({ length: 100 }, (_, i) => {
    const [small, large] = [5 + ((i * 7) % 40), 50 + ((i * 11) % 50)];
    const text = i % 2 === 0 ? `What is ${large} plus ${small}?` : `What is ${large} minus ${small}?`;
    return { key: keyOf(text), text, answer: String(i % 2 === 0 ? large + small : large - small) };
  });
}

/** @param seed which 300 of the 1,000 problems are held out */
export function svampTask(seed: number): Task {
  const { pool, heldOut } = split(seed);
  const truths = new Map(pool.map(({ key, answer }) => [key, answer]));
  return {
    name: seed === 1 ? 'svamp' : `svamp-${seed}`,
    title: 'Word problems with numbers that do not matter (SVAMP)',
    async *prompts({ seed: order, count, exclude }) {
      let left = count;
      for (const { key, text } of shuffled(pool, order, (one) => one.key)) {
        if (left === 0) return;
        if (exclude(key)) continue;
        left -= 1;
        yield { key, text };
      }
    },
    readPrompt: (text): Prompt | string =>
      numbersOf(text).length >= 2 ? { key: keyOf(text), text } : 'has less than two numbers',
    strategies: [{ name: 'equation', messages: ask }],
    ask,
    examples,
    examplesIn: 'sampling',
    rewrites: ({ text }, order) => shuffled(formsOf(text), order, ({ key }) => key),
    readAnswer(rationale) {
      const equation = readEquation(rationale);
      return equation && `${equation.left} = ${written(equation.stated)}`;
    },
    sameAnswer: (a, b) => equal(result(a), result(b)),
    checkFormat(_, rationale) {
      const ok = readEquation(rationale) !== undefined;
      return { ok, reason: ok ? 'one equation' : 'is not one equation and nothing else' };
    },
    checkCoherence(text, rationale) {
      const found = objection(text, rationale);
      return { ok: found === undefined, reason: found ?? "right, and of the problem's numbers" };
    },
    benchmarks: [
      { name: 'target', role: 'target', items: () => heldOut },
      { name: 'sums', role: 'guard', items: sums },
    ],
    suggested: {
      iterations: 2,
      pool: { prompts: 350, rehearsal: 0, stored: 'off' },
      sampling: { samples: 8, temperature: 0.8 },
      gates: {
        // A sample that its own equation speaks against has no vote; it is no vote for anything else either.
        agreement: { min: 0.5, minMargin: 0.25, noAnswer: 'abstains', sharedMistake: { across: 0 } },
        critique: { mode: 'off' },
      },
      training: { given: false },
    },
    maxTokens: 32,
    truth: ({ key }) => truths.get(key),
  };
}
