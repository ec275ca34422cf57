/**
 * Numbers in words, to be written in figures, a line for each group of three places:
 *
 *     forty-seven thousand six hundred and one  →  forty-seven = 47
 *                                                  six hundred and one = 601
 *                                                  #### 47601
 *
 * Small language models read short numbers well and long ones badly, so long ones are split (docs/methods.md): `decompose` cuts at
 * "million", "thousand" and "hundred", `recombine` puts what the model wrote for the parts together.
 */
import type {
  BenchmarkItem,
  ChatMessage,
  Part,
  PartKind,
  Prompt,
  PromptRequest,
  Task,
  WorkedExample,
} from '../../tasks/task.ts';
import { stream } from '../../tasks/random.ts';
import { groupsOf, hundredsOf, inWords, readWords } from './words.ts';

const LEVELS = [4, 5, 6, 7, 8, 9];

const EXAMPLES: WorkedExample[] = [
  { prompt: 'six hundred and forty-two', answer: 'six hundred and forty-two = 642\n#### 642' },
  {
    prompt: 'seventeen thousand three hundred and five',
    answer: 'seventeen = 17\nthree hundred and five = 305\n#### 17305',
  },
  { prompt: 'fifty-eight', answer: 'fifty-eight = 58\n#### 58' },
  {
    prompt: 'four million one hundred and twenty thousand and eighty-eight',
    answer: 'four = 4\none hundred and twenty = 120\neighty-eight = 88\n#### 4120088',
  },
  {
    prompt: 'three hundred and six million and nine',
    answer: 'three hundred and six = 306\nnine = 9\n#### 306000009',
  },
];

const ask = (text: string): ChatMessage[] => [
  { role: 'system', content: 'Write the number in figures, first each of its parts, then the whole.' },
  { role: 'user', content: text },
];

const promptOf = (n: number): Prompt => ({ key: String(n), text: inWords(n), level: String(n).length });

/** Different numbers of so many digits without end, the same for the same seed; held out are those that leave 0 or 1 when divided by 7. */
function* numbers(digits: number, seed: string, of: (n: number) => boolean): Generator<number> {
  const random = stream(`${seed}/${digits}`);
  const given = new Set<number>();
  const least = 10 ** (digits - 1);
  while (given.size < Math.min(9 * least, 5_000)) {
    const n = least + Math.floor(random() * 9 * least);
    if (given.has(n)) continue;
    given.add(n);
    if (of(n)) yield n;
  }
}

const free = (n: number) => n % 7 > 1;

function* drawn(levels: number[], { seed, count, exclude }: PromptRequest): Generator<Prompt> {
  const sources = levels.map((digits) =>
    numbers(digits, `prompts/${seed}`, (n) => free(n) && !exclude(String(n))),
  );
  let left = count;
  let open = sources.length;
  while (left > 0 && open > 0) {
    open = 0;
    for (const source of sources) {
      const { value, done } = source.next() as IteratorResult<number, undefined>;
      if (done || left === 0) continue;
      open += 1;
      left -= 1;
      yield promptOf(value);
    }
  }
}

function held(digits: number[], rest: number, each: number): BenchmarkItem[] {
  return digits.flatMap((level) => {
    const items: BenchmarkItem[] = [];
    for (const n of numbers(level, `held/${rest}`, (one) => one % 7 === rest)) {
      items.push({ key: String(n), text: inWords(n), answer: String(n), group: `${level} digits` });
      if (items.length === each) break;
    }
    return items;
  });
}

type Read = { lines: { words: string; figures: string }[]; answer: string };

function read(rationale: string): Read | undefined {
  const all = rationale.trim().split('\n');
  const answer = /^#### (\d{1,12})$/.exec(all.pop() ?? '')?.[1];
  const lines = all.map((line) => /^([a-z][a-z -]*) = (\d{1,12})$/.exec(line));
  if (answer === undefined || lines.length === 0 || lines.includes(null)) return undefined;
  return { lines: lines.map((line) => ({ words: line![1]!, figures: line![2]! })), answer };
}

/** The figures of groups one behind the other, filled up to three places; undefined where they are no such groups. */
function joined(text: string, figures: string[]): string | undefined {
  const groups = groupsOf(text);
  if (groups?.length !== figures.length || figures.some((one) => one.length > 3)) return undefined;
  const places = Array.from<string>({ length: groups[0]!.place + 1 }).fill('000');
  groups.forEach(({ place }, i) => (places[places.length - 1 - place] = figures[i]!.padStart(3, '0')));
  return places.join('').replace(/^0+(?=\d)/, '');
}

/** Numbers with hundreds are two numbers below a hundred. */
const hundredsIn = (text: string): string[] => {
  const { hundreds, rest } = hundredsOf(text) ?? {};
  return [hundreds, rest].filter((words) => words !== undefined);
};

/** Below a hundred a number is asked for alone. Behind other worked examples other numbers are misread, so that mistakes rarely agree. */
const SHORT_SHOWN = [
  [42, 7, 19, 60],
  [85, 13, 30, 2],
  [21, 50, 9, 16],
  [34, 8, 90, 12],
];

const short: PartKind = {
  strategies: SHORT_SHOWN.map((shown, i) => ({
    name: `short-${i + 1}`,
    messages: (text) => [
      { role: 'system', content: 'Write the number in figures.' },
      ...shown.flatMap((n): ChatMessage[] => [
        { role: 'user', content: inWords(n) },
        { role: 'assistant', content: String(n) },
      ]),
      { role: 'user', content: text },
    ],
  })),
  readAnswer: (rationale) => /^\d{1,3}$/.exec(rationale.trim())?.[0],
  sameAnswer: (a, b) => a === b,
  checkFormat: (_, rationale) => ({ ok: /^\d{1,3}$/.test(rationale.trim()), reason: 'one to three figures' }),
  checkCoherence: () => ({ ok: true, reason: 'nothing but figures' }),
  decompose: ({ text }) => partsOf(hundredsIn(text)),
  recombine(_, __, [hundreds, rest]) {
    const figures = `${hundreds!.answer}${(rest?.answer ?? '').padStart(2, '0')}`;
    return figures.length === 3
      ? { rationale: figures }
      : { impossible: `${figures} is no number with hundreds` };
  },
  maxTokens: 8,
};

const partsOf = (texts: string[]): Part[] =>
  texts.map((text) => ({ key: String(readWords(text)), text, kind: 'short' }));

export default {
  name: 'numbers',
  title: 'Numbers in words, written in figures',
  // oxlint-disable-next-line require-await
  async *prompts(request) {
    yield* drawn(request.levels ?? LEVELS, request);
  },
  async *rehearsal(request) {
    yield* drawn([1, 2, 3], request);
  },
  readPrompt(text) {
    const n = readWords(text.trim());
    return n === undefined
      ? `is no number below a thousand million in English words: ${text.slice(0, 40)}`
      : promptOf(n);
  },
  strategies: [{ name: 'groups', messages: ask }],
  ask,
  examples: EXAMPLES,
  readAnswer: (rationale) => read(rationale)?.answer,
  sameAnswer: (a, b) => a === b,
  checkFormat(_, rationale) {
    const ok = read(rationale) !== undefined;
    return {
      ok,
      reason: ok
        ? 'a line for each group, then the number'
        : 'is not lines of "WORDS = FIGURES", then "#### NUMBER"',
    };
  },
  checkCoherence(text, rationale, answer) {
    const lines = read(rationale)?.lines ?? [];
    const groups = groupsOf(text)?.map(({ words }) => words) ?? [];
    if (groups.join('|') !== lines.map(({ words }) => words).join('|'))
      return { ok: false, reason: `its lines are of other groups than ${groups.join(', ')}` };
    const whole = joined(
      text,
      lines.map(({ figures }) => figures),
    );
    return { ok: whole === answer, reason: `its lines make ${whole ?? 'no number'}, it says ${answer}` };
  },
  decompose({ text }) {
    const groups = groupsOf(text) ?? [];
    return groups.length > 1 ? partsOf(groups.map(({ words }) => words)) : [];
  },
  recombine({ text }, _, parts) {
    const figures = parts.map(({ answer }) => answer);
    const answer = joined(text, figures);
    if (answer === undefined) return { impossible: 'the answers are no groups of three places' };
    const lines = parts.map(({ prompt }, i) => `${prompt.text} = ${figures[i]!}`);
    return { rationale: [...lines, `#### ${answer}`].join('\n') };
  },
  partKinds: { short },
  benchmarks: [
    { name: 'target', role: 'target', items: () => held(LEVELS, 0, 50) },
    { name: 'final', role: 'final', items: () => held(LEVELS, 1, 50) },
    { name: 'short', role: 'guard', items: () => [...held([2], 0, 10), ...held([3], 0, 60)] },
  ],
  levels: { start: LEVELS, all: LEVELS },
  suggested: {
    sampling: { samples: 6, temperature: 0.7 },
    pool: { prompts: 240, rehearsal: 60 },
    curriculum: { start: 'all', width: LEVELS.length, leave: 1 },
    strategy: { ladder: { samples: SHORT_SHOWN.length } },
    gates: { critique: { mode: 'off' } },
    training: { given: false, epochs: 2, batchSize: 8, learningRate: 3e-4, loraRank: 16, loraAlpha: 32 },
  },
  maxTokens: 120,
  truth: ({ key }) => key,
} satisfies Task;
