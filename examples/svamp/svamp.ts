/**
 * SVAMP: one-step word problems with numbers that do not matter. The model answers with one equation, so an answer to the problem in
 * other numbers can be put back into its own, and much can be checked without knowing an answer: that the equation is right, that its
 * numbers are the problem's, that nobody has less than nothing. The vote is over equations and short programs, which err differently.
 */
import { createHash } from 'node:crypto';
import type { BenchmarkItem, ChatMessage, Prompt, Task } from '../../tasks/task.ts';
import { equal, numbersOf, readEquation, readProgram, written } from './equation.ts';
import { formsOf, keyOf, objection, shuffled, split } from './problems.ts';

/** The same kind of problem as the benchmark's, none of its problems. */
const worked = [
  {
    problem:
      'Amy had 14 stickers and 3 pens. She gave 5 stickers to her brother. How many stickers does she have now?',
    equation: '14 - 5 = 9',
    program: 'stickers_at_first = 14\nstickers_given = 5\nanswer = stickers_at_first - stickers_given',
  },
  {
    problem: 'Ben found some shells. Ann gave him 19 more and now he has 42. How many shells did he find?',
    equation: '42 - 19 = 23',
    program: 'shells_now = 42\nshells_from_ann = 19\nanswer = shells_now - shells_from_ann',
  },
  {
    problem: 'A farmer puts 36 apples and 20 pears into bags of 4. How many bags does he need?',
    equation: '(36 + 20) / 4 = 14',
    program: 'apples = 36\npears = 20\nfruits_per_bag = 4\nanswer = (apples + pears) / fruits_per_bag',
  },
];

/** The five with which the base does best (docs/measurements/word-problems.md); each costs tokens in every request, so the loop uses three. */
const workedMore = [
  worked[0]!,
  {
    problem:
      'There are 6 shelves with 8 books each. Each book has 40 pages. How many books are there in all?',
    equation: '6 * 8 = 48',
  },
  ...worked.slice(1),
  {
    problem: 'Tom ran 11 miles on Monday and 4 miles more on Tuesday. How many miles did he run on Tuesday?',
    equation: '11 + 4 = 15',
  },
];

const asking =
  (system: string, shown: [problem: string, answer: string][]) =>
  (text: string): ChatMessage[] => [
    { role: 'system', content: system },
    ...shown.flatMap(([problem, answer]): ChatMessage[] => [
      { role: 'user', content: problem },
      { role: 'assistant', content: answer },
    ]),
    { role: 'user', content: text },
  ];

const forEquation = 'Answer with one equation.';
const equations = (of: typeof workedMore): [string, string][] =>
  of.map(({ problem, equation }) => [problem, equation]);
const ask = asking(forEquation, equations(worked));
const askWithExamples = asking(forEquation, equations(workedMore));
const askProgram = asking(
  'Answer with a short program.',
  worked.map(({ problem, program }) => [problem, program]),
);

const read = (rationale: string) => readEquation(rationale) ?? readProgram(rationale);

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

const ASKED = [
  ['What is', '?'],
  ['How much is', '?'],
  ['Work out', '.'],
] as const;

/** More of their kind, to be practised along: a model that learns word problems alone forgets plain sums. */
function* practice(seed: number): Generator<Prompt> {
  for (let i = 0; i < 20_000; i++) {
    const digest = createHash('sha256').update(`sums/${seed}/${i}`).digest();
    const [a, b] = [2 + (digest.readUInt16BE(0) % 98), 2 + (digest.readUInt16BE(2) % 98)];
    const [small, large] = [Math.min(a, b), Math.max(a, b)];
    const sum = digest[4]! % 2 === 0 ? `${large} plus ${small}` : `${large} minus ${small}`;
    const [begin, end] = ASKED[digest[5]! % ASKED.length]!;
    const text = `${begin} ${sum}${end}`;
    yield { key: keyOf(text), text };
  }
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
    async *rehearsal({ seed: order, count, exclude }) {
      const given = new Set<string>();
      for (const prompt of practice(order)) {
        if (given.size === count) return;
        if (given.has(prompt.key) || exclude(prompt.key)) continue;
        given.add(prompt.key);
        yield prompt;
      }
    },
    readPrompt: (text): Prompt | string =>
      numbersOf(text).length >= 2 ? { key: keyOf(text), text } : 'has less than two numbers',
    // In turn, as the forms are: those at even places are for equations.
    strategies: [
      { name: 'equation', messages: ask },
      { name: 'program', messages: askProgram },
    ],
    ask,
    askWithExamples,
    rewrites: ({ text }) => formsOf(text),
    readAnswer(rationale) {
      const equation = read(rationale);
      return equation && `${equation.left} = ${written(equation.stated)}`;
    },
    sameAnswer: (a, b) => equal(result(a), result(b)),
    checkFormat(_, rationale) {
      const ok = read(rationale) !== undefined;
      return { ok, reason: ok ? 'one equation, or a program' : 'is no equation or program and nothing else' };
    },
    checkCoherence(text, rationale) {
      const equation = read(rationale);
      const found = equation ? objection(text, equation) : 'is no equation';
      return { ok: found === undefined, reason: found ?? "right, and of the problem's numbers" };
    },
    // A program has its vote; what is trained is what the benchmarks ask for.
    verify: async (_, { request, rationale }) => {
      const equation = readEquation(rationale);
      if (!equation) return { ok: undefined, reason: 'is a program: it votes, and equations are trained' };
      const found = objection(request, equation);
      return { ok: found === undefined, reason: found ?? `${equation.left} is ${written(equation.value)}` };
    },
    benchmarks: [
      { name: 'target', role: 'target', items: () => heldOut },
      { name: 'sums', role: 'guard', items: sums },
    ],
    suggested: {
      iterations: 1,
      pool: { prompts: 700, rehearsal: 150, stored: 'off' },
      sampling: { samples: 6, temperature: 0.7, resamples: 3 },
      select: { perPrompt: 2 },
      gates: {
        // Three of six, with a lead of three. A sample that its own equation speaks against has no vote, for nothing else either.
        agreement: { min: 0.5, minMargin: 0.5, noAnswer: 'abstains' },
        critique: { mode: 'off' },
      },
      training: { given: false, epochs: 2, batchSize: 8, learningRate: 3e-4, loraRank: 16, loraAlpha: 32 },
    },
    maxTokens: 64,
    truth: ({ key }) => truths.get(key),
  };
}
