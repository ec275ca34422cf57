/**
 * The task of a tutor's model learner: it practises items on which the learners of a log go wrong, and is measured on others of the kind.
 * Right answers are computed, so that what is trained on is verified, item by item.
 */
import type { ImproveInput } from '../../loop/input.ts';
import { trueSum } from '../arithmetic/addition.ts';
import { arithmeticTask } from '../arithmetic/index.ts';
import { namedModels } from '../file/named-models.ts';
import type {
  Benchmark,
  BenchmarkItem,
  Check,
  ChatMessage,
  Prompt,
  PromptRequest,
  Strategy,
  Task,
  WorkedExample,
} from '../task.ts';
import { catalogueOf, readItem, skillOf } from './catalogue.ts';
import { misconceptionOf } from './further.ts';
import { aimsOf, heldOutItems, tellingItems, type Aim } from './items.ts';
import { askedLong } from './long-addition.ts';
import { verified } from './practice.ts';
import { targetsOf, type TutorSpec } from './resolve.ts';
import type { Item } from './skill.ts';
import { fractions } from './skills/fractions.ts';
import { decimalOrder, decimalSums } from './skills/decimals.ts';
import { signs } from './skills/signs.ts';

const STEPS =
  'Write each step on a line of its own. End with a line that holds only "Answer: " and the result.';

/** An item as it is put to a language model. */
export const inWords = (item: Item): string =>
  item.skill === 'decimal-order'
    ? `Put these decimals in order, the smallest first: ${item.text}`
    : `Work out ${item.text}`;
const textIn = (words: string): string =>
  words.replace(/^(Work out |Put these decimals in order, the smallest first: )/, '');

const WAYS: Record<string, string> = {
  steps: STEPS,
  'with-check': `${STEPS} Before that line, check the result in another way.`,
};
const strategies: Strategy[] = Object.entries(WAYS).map(([name, instruction]) => ({
  name,
  messages: (text) => [{ role: 'user', content: `${text}\n${instruction}` }],
}));
const ask = (text: string): ChatMessage[] => strategies[0]!.messages(text);

/** A rationale as a model should write it. */
export const workedText = (item: Item): string => {
  const { worked, answer } = verified(item);
  return [...worked.lines, `Answer: ${answer}`].join('\n');
};

/** What stands behind the last `Answer:`, as the skill it looks like writes it. */
function readAnswer(rationale: string): string | undefined {
  const stated = /(?:^|\n)\W*Answer:\W*?([-−\d].*)$/i
    .exec(rationale.trimEnd())?.[1]
    ?.replace(/[\s.*$]+$/, '');
  if (stated === undefined) return undefined;
  if (/[,<;]|\d\s+\d/.test(stated)) return decimalOrder.readAnswer(stated);
  return [fractions, decimalSums, signs]
    .map((skill) => skill.readAnswer(stated))
    .find((read) => read !== undefined);
}

type Form = { promptOf(item: Item): Prompt; itemOf(prompt: { text: string }): Item | string };

const inText: Form = {
  promptOf: (item) => ({ key: item.text, text: inWords(item), level: item.level }),
  itemOf: ({ text }) => readItem(textIn(text)),
};

const source = (spec: TutorSpec) => {
  const catalogue = catalogueOf(spec.further.map(misconceptionOf));
  return aimsOf(targetsOf(spec, catalogue), catalogue);
};

/** What both forms have: where prompts and held-out items come from, and what is right. */
function tutoring({ task }: TutorSpec, aims: readonly Aim[], { promptOf, itemOf }: Form) {
  const held = heldOutItems(aims, task.heldOut);
  const itemFor = (item: Item, answer: string): BenchmarkItem => ({
    ...promptOf(item),
    answer,
    group: item.skill,
  });
  const benchmark = (name: 'target' | 'final' | 'guard'): Benchmark => ({
    name,
    role: name,
    items: () => held[name].map((item) => itemFor(item, verified(item).answer)),
  });
  const truth = (prompt: { text: string }): string | undefined => {
    const item = itemOf(prompt);
    return typeof item === 'string' ? undefined : skillOf(item.skill).truth(item);
  };
  return {
    name: task.name,
    title: task.title ?? task.name,
    endpoints: task.models,
    async *prompts({ seed, count, exclude }: PromptRequest) {
      const excluded = (text: string) => {
        const item = readItem(text);
        return typeof item === 'string' || exclude(promptOf(item).key);
      };
      for (const item of tellingItems(aims, `prompts/${seed}`, count, excluded)) yield promptOf(item);
    },
    verify: async (prompt: Prompt, { answer }: { answer: string }) => rightOrNot(answer, truth(prompt)),
    truth,
    benchmarks: (['target', 'guard', 'final'] as const)
      .filter((name) => held[name].length > 0)
      .map(benchmark),
  };
}

/**
 * Steps that lead to another answer than the item has do not hang together. Such samples abstain from the vote: a learner's errors agree
 * with each other, so a few right answers would never win against them.
 */
const rightOrNot = (answer: string, right: string | undefined): Check =>
  right === undefined
    ? { ok: false, reason: 'it is no item of a known skill' }
    : { ok: answer === right, reason: `the answer is ${answer}, worked out it is ${right}` };

const SUGGESTED: ImproveInput = {
  benchmark: { majority: false },
  // One right answer is enough: it is computed, not voted for.
  gates: { agreement: { min: 0.1, minMargin: 0.1 }, critique: { mode: 'off' } },
  pool: { rehearsal: 0 },
};

/** @throws Error where the definition is not one that `resolveTutorTask` made */
export function tutorTask(spec: TutorSpec): Task {
  const aims = source(spec);
  return spec.task.form === 'long-addition' ? longAdditionTask(spec, aims) : textTask(spec, aims);
}

/** As the built-in model is asked, read and judged; what is practised and measured is the tutor's. */
function longAdditionTask(spec: TutorSpec, aims: readonly Aim[]): Task {
  const {
    levels: _,
    rehearsal: __,
    calibration: ___,
    easier: ____,
    ...adding
  } = arithmeticTask({ kind: 'arithmetic' });
  const keyed = (item: Item): Prompt => ({
    ...(adding.readPrompt(item.text) as Prompt),
    text: askedLong(item),
  });
  const own = tutoring(spec, aims, { promptOf: keyed, itemOf: ({ text }) => readItem(text) });
  return {
    ...adding,
    ...own,
    checkCoherence(text, rationale, answer) {
      const written = adding.checkCoherence(text, rationale, answer);
      if (!written.ok) return written;
      // A rewrite's text may have more digits than an item.
      return rightOrNot(answer, trueSum(text));
    },
    suggested: { training: adding.suggested?.training, ...SUGGESTED },
  };
}

function textTask(spec: TutorSpec, aims: readonly Aim[]): Task {
  const { task } = spec;
  const own = tutoring(spec, aims, inText);
  return {
    ...own,
    ...namedModels(task.models),
    ...(task.thinking ? { thinking: task.thinking } : {}),
    readPrompt(text) {
      const item = readItem(textIn(text));
      return typeof item === 'string' ? item.replace(/^has/, 'is') : inText.promptOf(item);
    },
    strategies,
    ask,
    examples: examplesFor(
      aims,
      new Set(own.benchmarks.flatMap(({ items }) => [...(items() as BenchmarkItem[])].map(({ key }) => key))),
    ),
    examplesIn: 'sampling',
    readAnswer,
    sameAnswer: (a, b) => a === b,
    checkFormat: (_, rationale) =>
      readAnswer(rationale) === undefined
        ? { ok: false, reason: 'no last line "Answer: " with a result' }
        : { ok: true, reason: 'it ends with an answer' },
    checkCoherence: (text, _, answer) => rightOrNot(answer, own.truth({ text })),
    suggested: SUGGESTED,
    maxTokens: task.maxTokens,
  };
}

/** More would make every request long. */
const MOST_EXAMPLES = 4;

/** One worked item of each skill, none of them held out. */
function examplesFor(aims: readonly Aim[], held: ReadonlySet<string>): WorkedExample[] {
  const bySkill = [...Map.groupBy(aims, ({ skill }) => skill).values()].slice(0, MOST_EXAMPLES);
  return bySkill.flatMap((own) =>
    [...tellingItems(own, 'examples', 1, (text) => held.has(text))].map((item) => ({
      prompt: inWords(item),
      answer: workedText(item),
    })),
  );
}
