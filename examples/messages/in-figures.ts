/**
 * Which day or which sum of money a message names, in figures: `"the third of March 2021" is 2021-03-03`. The kind of narrow skill that
 * people take a large model for and then want from a small one.
 */
import type {
  BenchmarkItem,
  ChatMessage,
  Prompt,
  PromptRequest,
  Task,
  WorkedExample,
} from '../../tasks/task.ts';
import { shuffled } from '../../tasks/random.ts';
import { messages, type Kind } from './messages.ts';

export const QUESTION: Record<Kind, string> = { day: 'Which day is that?', amount: 'How much is that?' };
const FORM: Record<Kind, RegExp> = {
  day: /^(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$/,
  amount: /^\d{1,6}\.\d\d (?:EUR|USD|GBP)$/,
};

const EXAMPLES: WorkedExample[] = [
  {
    prompt: `The photo was taken on the fifth of November 1998 by 2 friends.\n${QUESTION.day}`,
    answer: '"the fifth of November 1998" is 1998-11-05',
  },
  {
    prompt: `I still owe 6 people four hundred and thirty-two pounds.\n${QUESTION.amount}`,
    answer: '"four hundred and thirty-two pounds" is 432.00 GBP',
  },
  {
    prompt: `On July 21st, 2014 it rained 40 litres.\n${QUESTION.day}`,
    answer: '"July 21st, 2014" is 2014-07-21',
  },
  { prompt: `It was $1,208.50 for 3 nights.\n${QUESTION.amount}`, answer: '"$1,208.50" is 1208.50 USD' },
];

const ask = (text: string): ChatMessage[] => [
  { role: 'system', content: 'Quote what is asked for, then say it in figures.' },
  { role: 'user', content: text },
];

const kindOf = (text: string): Kind | undefined =>
  (['day', 'amount'] as const).find((kind) => text.endsWith(QUESTION[kind]));
const read = (rationale: string) => /^"([^"\n]+)" is (\S.*)$/.exec(rationale.trim());

function* problems(kinds: Kind[], which: 'pool' | 'held'): Generator<BenchmarkItem> {
  const sources = kinds.map((kind) => messages(kind, which));
  while (true) {
    for (const source of sources) {
      const {
        kind,
        text: message,
        answer,
      } = source.next().value as { kind: Kind; text: string; answer: string };
      const text = `${message}\n${QUESTION[kind]}`;
      yield { key: text, text, answer, group: kind };
    }
  }
}

/** The problems numbered `from` to before `to`: those of two spans are never the same. */
function span(kinds: Kind[], which: 'pool' | 'held', from: number, to: number): BenchmarkItem[] {
  const items: BenchmarkItem[] = [];
  for (const item of problems(kinds, which)) {
    items.push(item);
    if (items.length === to) break;
  }
  return items.slice(from);
}

const POOL = span(['day', 'amount'], 'pool', 0, 2_000);
const TRUTHS = new Map(POOL.map(({ key, answer }) => [key, answer]));

async function* prompts(kinds: Kind[], { seed, count, exclude }: PromptRequest): AsyncGenerator<Prompt> {
  const open = shuffled(
    POOL.filter(({ key, group }) => kinds.includes(group as Kind) && !exclude(key)),
    `order/${seed}`,
    ({ key }) => key,
  );
  for (const { key, text } of open.slice(0, count)) yield { key, text };
}

/** @param targets one after the other (`curriculum.targets`), or both at once */
export function messagesTask(targets: 'both' | 'apart'): Task {
  const both: Kind[] = ['day', 'amount'];
  return {
    name: targets === 'both' ? 'messages' : 'messages-staged',
    title: 'Which day or sum of money a message names',
    prompts: (request) => prompts(both, request),
    readPrompt: (text) =>
      kindOf(text) ? { key: text, text } : `does not end in "${QUESTION.day}" or "${QUESTION.amount}"`,
    strategies: [{ name: 'quote', messages: ask }],
    ask,
    examples: EXAMPLES,
    readAnswer: (rationale) => read(rationale)?.[2],
    sameAnswer: (a, b) => a === b,
    checkFormat(text, rationale) {
      const [, , answer] = read(rationale) ?? [];
      const kind = kindOf(text);
      const ok = answer !== undefined && kind !== undefined && FORM[kind].test(answer);
      return { ok, reason: ok ? 'a quotation and its figures' : 'is not one line: "QUOTATION" is FIGURES' };
    },
    checkCoherence(text, rationale) {
      const quoted = read(rationale)?.[1] ?? '';
      const ok = text.toLowerCase().includes(quoted.toLowerCase());
      return { ok, reason: ok ? 'the message has what is quoted' : 'the message has no such words' };
    },
    benchmarks:
      targets === 'both'
        ? [
            { name: 'target', role: 'target', items: () => span(both, 'held', 0, 300) },
            { name: 'final', role: 'final', items: () => span(both, 'held', 300, 600) },
          ]
        : [
            { name: 'days', role: 'target', items: () => span(['day'], 'held', 0, 200) },
            { name: 'amounts', role: 'target', items: () => span(['amount'], 'held', 0, 200) },
            // Each of the others is half of the first 400.
            { name: 'final', role: 'final', items: () => span(both, 'held', 400, 700) },
          ],
    ...(targets === 'apart'
      ? {
          forTarget: (target) => ({
            prompts: (request) => prompts([target === 'days' ? 'day' : 'amount'], request),
          }),
        }
      : {}),
    suggested: {
      sampling: { samples: 6, temperature: 0.7 },
      pool: { prompts: 400, rehearsal: 0 },
      gates: { critique: { mode: 'off' } },
      training: { given: false, epochs: 3, batchSize: 8, learningRate: 5e-4, loraRank: 16, loraAlpha: 32 },
    },
    maxTokens: 48,
    truth: ({ key }) => TRUTHS.get(key),
  };
}
