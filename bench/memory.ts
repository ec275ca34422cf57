/**
 * What worked problems before the question are worth to a model, right ones and wrong ones, and what the test of memory entries makes of
 * each: greedy answers to problems with known answers, without and with it. The entries are made here, of true answers, which nothing in
 * the loop knows. docs/methods.md quotes it.
 *
 *   npx node bench/memory.ts --url http://127.0.0.1:8100/v1 --model arithmetic [--task arithmetic|svamp] [--entries 4] [--problems 96] [--bank 40]
 *
 * `--entries`: so many right and so many wrong ones are tested, one by one. `--bank`: so many of which the nearest three are shown.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import pLimit from 'p-limit';
import { keyOf, textOf } from '../examples/svamp/problems.ts';
import svamp from '../examples/svamp/task.ts';
import { requestOf } from '../engine/answering.ts';
import { memoryTokens, withMemory } from '../engine/memory/prompt.ts';
import { answerIn } from '../engine/reading.ts';
import { levelOfLook } from '../loop/alpha-spending.ts';
import { admission, remembered, type Trial } from '../loop/memory.ts';
import { chat } from '../models/chat.ts';
import { isRefusal } from '../models/errors.ts';
import { resolveEndpoint } from '../models/endpoint.ts';
import { percent } from '../process/text.ts';
import { loadTask } from '../tasks/index.ts';
import type { Prompt, Task } from '../tasks/task.ts';

const { values: options } = parseArgs({
  options: {
    url: { type: 'string' },
    model: { type: 'string' },
    task: { type: 'string', default: 'arithmetic' },
    entries: { type: 'string', default: '4' },
    problems: { type: 'string', default: '96' },
    bank: { type: 'string', default: '40' },
    'at-once': { type: 'string', default: '16' },
  },
});
const [entries, problems, bank, atOnce] = [
  options.entries,
  options.problems,
  options.bank,
  options['at-once'],
].map(Number) as [number, number, number, number];
const task: Task = options.task === 'svamp' ? svamp : loadTask({ kind: 'arithmetic' });
const endpoint = resolveEndpoint('generator', { baseURL: options.url }, options.model);
const SHOWN = { shown: 3, tokens: 1000 };
const ALPHA = { level: levelOfLook(0.05, [], 2 * entries), margin: 0.05 };

type Entry = {
  id: number;
  kind: 'pattern';
  request: string;
  text: string;
  tokens: number;
  problem: { text: string; level: number | null };
};

/** Of the problems with one operation, by key, what is to be calculated. */
const calculations = new Map(
  (
    JSON.parse(readFileSync(new URL('../examples/svamp/SVAMP.json', import.meta.url), 'utf8')) as Record<
      'Body' | 'Question' | 'Equation',
      string
    >[]
  ).flatMap(({ Body, Question, Equation }) => {
    const [, a, sign, b] = /^\( ([\d.]+) ([-+*/]) ([\d.]+) \)$/.exec(Equation) ?? [];
    if (a === undefined) return [];
    return [[keyOf(textOf({ Body, Question })), [Number(a), sign as '+', Number(b)]] as const];
  }),
);

/** Work as the model should write it, or the same with a slip. */
function workFor(prompt: Prompt, request: string, wrong: boolean): string {
  if (options.task === 'svamp') {
    const [a, sign, b] = calculations.get(prompt.key)!;
    // The other operation, rightly worked out: in form, and no answer to the problem.
    const does = wrong ? (sign === '+' ? '-' : '+') : sign;
    const value = { '+': a + b, '-': a - b, '*': a * b, '/': a / b }[does];
    return `${a} ${does} ${b} = ${value}`;
  }
  const digits = request.split('+').map((n) => n.split('').toReversed().map(Number)) as [number[], number[]];
  let [carry, sum] = [0, ''];
  const lines = digits[0].map((a, i) => {
    const total = a + digits[1][i]! + (wrong ? 0 : carry);
    const line = `${a}+${digits[1][i]}+${wrong ? 0 : carry}=${total % 10},${total >= 10 ? 1 : 0}`;
    carry = total >= 10 ? 1 : 0;
    sum = `${total % 10}${sum}`;
    return line;
  });
  return [...lines, `#${sum}`].join('\n');
}

function entryOf(prompt: Prompt, id: number, wrong: boolean): Entry {
  const request = requestOf(task, prompt);
  const text = workFor(prompt, request, wrong);
  const problem = { text: prompt.text, level: prompt.level ?? null };
  return { id, kind: 'pattern', request, text, tokens: memoryTokens({ request, text }), problem };
}

const drawn: Prompt[] = [];
const request = { seed: 7, count: problems + bank + entries, exclude: () => false };
for await (const prompt of task.prompts(request)) if (task.truth!(prompt) !== undefined) drawn.push(prompt);
const asked = drawn.slice(0, problems);
const sources = drawn.slice(problems).filter(({ key }) => options.task !== 'svamp' || calculations.has(key));

const limit = pLimit(atOnce);
let completionTokens = 0;
let promptTokens = 0;
let refused = 0;

/** Which of the problems are right behind what is shown before each. */
function answers(shownBefore: (prompt: Prompt) => Entry[]): Promise<boolean[]> {
  return Promise.all(
    asked.map((prompt) =>
      limit(async () => {
        const reply = await chat(
          endpoint,
          {
            messages: withMemory(task.strategies[0]!, shownBefore(prompt))(requestOf(task, prompt)),
            maxTokens: task.maxTokens,
            temperature: 0,
          },
          AbortSignal.timeout(600_000),
        ).catch((error: unknown) => {
          if (!isRefusal(error)) throw error;
          refused += 1;
        });
        // Longer than the context, say: no answer.
        if (!reply) return false;
        promptTokens += reply.promptTokens;
        completionTokens += reply.completionTokens;
        const answer = answerIn(task, reply.choices[0]);
        return answer !== undefined && task.sameAnswer(answer, task.truth!(prompt)!);
      }),
    ),
  );
}

const levels = Map.groupBy(asked, ({ level }) => level ?? null);
const counts = new Map([...levels].map(([level, own]) => [level, own.length]));
const right = (all: boolean[]) =>
  `${all.filter(Boolean).length}/${all.length} = ${percent(all.filter(Boolean).length / all.length)}`;

const alone = await answers(() => []);
console.log(`${options.task}, ${options.model}: without any ${right(alone)}`);
const admitted = { right: 0, wrong: 0 };
for (const kind of ['right', 'wrong'] as const) {
  for (const [i, source] of sources.slice(0, entries).entries()) {
    const entry = entryOf(source, i, kind === 'wrong');
    const [before, began] = [promptTokens, performance.now()];
    const found = await answers(() => [entry]);
    const trials = asked.map(({ level = null }, j): Trial => {
      return { level, without: alone[j]!, with: found[j]! };
    });
    const decided = admission(trials, counts, ALPHA);
    if (decided.admitted) admitted[kind] += 1;
    const seconds = (performance.now() - began) / 1000;
    console.log(
      `  one ${kind} pattern: ${right(found)}, ${decided.admitted ? 'admitted' : 'rejected'}: ${decided.reason}; ` +
        `${Math.round((promptTokens - before) / problems)} tokens a prompt, ${seconds.toFixed(0)} s`,
    );
  }
}
for (const kind of ['right', 'wrong'] as const) {
  const all = sources.map((source, i) => entryOf(source, i, kind === 'wrong'));
  const found = await answers((prompt) =>
    remembered(all, { text: prompt.text, level: prompt.level ?? null }, SHOWN),
  );
  console.log(`  the nearest 3 of ${all.length} ${kind} patterns: ${right(found)}`);
}
console.log(
  `admitted: ${admitted.right} of ${entries} right ones, ${admitted.wrong} of ${entries} wrong ones, each at p ≤ ${ALPHA.level.toPrecision(2)}; ` +
    `${promptTokens} tokens read, ${completionTokens} written, ${refused} requests refused`,
);
