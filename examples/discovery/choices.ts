/**
 * Choosing an experiment: a task in code, trained by the ordinary loop. Which option tells most can be computed of the problem itself, so
 * the gate `verification` decides with certainty and no answer is needed. Prompts are of families of laws that are seen, held-out problems of families
 * that are not; both are made by make_choices.ts.
 */
import { readFileSync } from 'node:fs';
import { random, shuffle } from '../../loop/random.ts';
import type { BenchmarkRole } from '../../loop/words.ts';
import {
  bestOption,
  choiceText,
  informationIn,
  readChoice,
  reordered,
  type Choice,
} from '../../tasks/discovery/choices.ts';
import { sampler } from '../../tasks/random.ts';
import type { Benchmark, Prompt, Rewrite, Task } from '../../tasks/task.ts';

const read = (name: string): Prompt[] =>
  readFileSync(new URL(name, import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { text: string }).text)
    .map((text) => ({ key: keyOf(readChoice(text)!), text }));

/** Equal for every order of the options. */
function keyOf({ weights, options }: Choice): string {
  return JSON.stringify([weights, options.map((one) => one.join()).toSorted()]);
}

const question = (text: string) =>
  `Each line is an experiment, with what each law foretells of it in standard deviations of a measurement.\n${text}\n` +
  'Which experiment tells best which law holds? Say how far apart the laws are in each, then end with a line "Answer: NUMBER".';
const stated = (rationale: string) => /^Answer: ([1-4])\s*$/m.exec(rationale)?.[1];

const FORMS = 4;

/** The options in other orders: a model that likes the first line is wrong in different ways. */
function rewrites({ text }: Prompt, seed: number): Rewrite[] {
  const choice = readChoice(text)!;
  const places = choice.options.map((_, i) => i);
  const next = random(`orders ${seed}`);
  const orders = [places, ...Array.from({ length: FORMS - 1 }, () => shuffle(next, places))];
  return [...new Map(orders.map((order) => [order.join(''), order])).values()].map((order) => ({
    key: order.join(''),
    text: choiceText(reordered(choice, order)),
    mapBack: (answer) =>
      order[Number(answer) - 1] === undefined ? undefined : String(order[Number(answer) - 1]! + 1),
  }));
}

const held = (name: string, role: BenchmarkRole): Benchmark => ({
  name,
  role,
  items: () =>
    read(`choices-${name}.jsonl`).map((one) => ({
      ...one,
      answer: String(bestOption(readChoice(one.text)!)),
    })),
});

export default {
  name: 'experiments',
  title: 'Choosing the experiment that tells most',
  async *prompts({ seed, count, exclude }) {
    const chosen = sampler<Prompt>(`choices/${seed}`, count);
    for (const prompt of read('choices.jsonl')) if (!exclude(prompt.key)) chosen.add(prompt.key, prompt);
    yield* chosen.take();
  },
  readPrompt(text) {
    const choice = readChoice(text);
    return choice ? { key: keyOf(choice), text } : 'is no list of laws and experiments';
  },
  strategies: [{ name: 'compare', messages: (text) => [{ role: 'user', content: question(text) }] }],
  ask: (text) => [{ role: 'user', content: question(text) }],
  rewrites,
  readAnswer: stated,
  sameAnswer: (a, b) => a === b,
  checkFormat: (_, rationale) => ({
    ok: stated(rationale) !== undefined,
    reason: stated(rationale) === undefined ? 'no line "Answer: NUMBER"' : 'it names an experiment',
  }),
  checkCoherence: () => ({ ok: true, reason: 'what it leads to is verified' }),
  verify: async ({ text }, { answer }) => {
    const choice = readChoice(text)!;
    const information = informationIn(choice);
    const told = information[Number(answer) - 1] ?? 0;
    const most = Math.max(...information);
    return {
      ok: told === most,
      score: told / most,
      reason: `tells ${told.toFixed(2)} of ${most.toFixed(2)} nats`,
    };
  },
  benchmarks: [held('target', 'target'), held('final', 'final')],
  suggested: { gates: { critique: { mode: 'off' } }, pool: { prompts: 200, rehearsal: 0 } },
  maxTokens: 200,
} satisfies Task;
