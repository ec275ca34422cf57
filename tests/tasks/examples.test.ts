/** Worked examples in task files and in code: where they stand, and what is refused at load. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { promptIn } from '../../gateway/prompt.ts';
import { strategiesOf } from '../../engine/pool.ts';
import { improveInputSchema } from '../../loop/input.ts';
import { InvalidInputError } from '../../tasks/errors.ts';
import { withExamples, withoutExamples } from '../../tasks/examples.ts';
import { loadTask, resolveTask } from '../../tasks/index.ts';
import type { ChatMessage, Task } from '../../tasks/task.ts';

const folder = mkdtempSync(join(tmpdir(), 'ratchet-examples-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeAll(() => {
  const rows = (list: object[]) => list.map((row) => JSON.stringify(row)).join('\n');
  writeFileSync(join(folder, 'prompts.jsonl'), rows([{ prompt: 'How much is 1+1?' }]));
  writeFileSync(join(folder, 'held-out.jsonl'), rows([{ prompt: 'How much is 2+2?', answer: '4' }]));
});

const yaml = (more: string): string => `
name: words
prompts: { file: prompts.jsonl }
benchmarks: [{ name: target, role: target, file: held-out.jsonl }]
system: Be brief.
template: "Q: {prompt}"
answer: { read: hash, compare: numeric }
${more}`;

const EXAMPLES = `examples:
  - { prompt: "How much is 3+4?", answer: "3 + 4 = 7\\n#### 7" }
  - { prompt: "How much is 9-4?", answer: "9 - 4 = 5\\n#### 5" }
`;

let files = 0;
async function load(more: string): Promise<Task> {
  const path = join(folder, `task-${++files}.yaml`);
  writeFileSync(path, yaml(more));
  return loadTask(await resolveTask(path));
}

async function problemsOf(more: string): Promise<string[]> {
  const error = await load(more).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(InvalidInputError);
  return (error as InvalidInputError).problems.map((one) => one.replace(/^task file \S+: /, ''));
}

const TURNS: ChatMessage[] = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'Q: How much is 3+4?' },
  { role: 'assistant', content: '3 + 4 = 7\n#### 7' },
  { role: 'user', content: 'Q: How much is 9-4?' },
  { role: 'assistant', content: '9 - 4 = 5\n#### 5' },
];
const PLAIN: ChatMessage[] = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'Q: x' },
];

describe('worked examples of a task file', () => {
  test('stand as turns before the question, everywhere by default', async () => {
    const task = await load(EXAMPLES);
    expect(task.ask('x')).toEqual([...TURNS, PLAIN[1]]);
    expect(task.strategies[0]!.messages('x')).toEqual([...TURNS, PLAIN[1]]);
    expect(task.askWithExamples).toBeUndefined();
  });

  test('can stand in samples alone: what is measured and trained is the plain question', async () => {
    const task = await load(`${EXAMPLES}examplesIn: sampling\n`);
    expect(task.ask('x')).toEqual(PLAIN);
    expect(task.askWithExamples!('x')).toEqual([...TURNS, PLAIN[1]]);
    expect(task.strategies[0]!.messages('x')).toEqual([...TURNS, PLAIN[1]]);
  });

  test('are asked as each way of asking asks, and begin every prompt of it with the same words, noise or not', async () => {
    const task = await load(
      `${EXAMPLES}strategies: [zero-shot-cot, { name: own, template: "> {prompt}" }]\n`,
    );
    const settings = improveInputSchema.parse({ sampling: { noise: true } });
    for (const name of ['zero-shot-cot', 'own']) {
      const ways = strategiesOf({ task, settings }).filter((one) => one.name.startsWith(name));
      expect(ways.length).toBeGreaterThan(1);
      const beginnings = ways.flatMap(({ messages }) => [
        JSON.stringify(messages('one').slice(0, -1)),
        JSON.stringify(messages('two').slice(0, -1)),
      ]);
      expect(new Set(beginnings).size).toBe(1);
    }
    expect(task.strategies[0]!.messages('x')[1]!.content).toBe(
      "Q: How much is 3+4?\n\nLet's think step by step.",
    );
    expect(task.alternatives![0]!.messages('x')).toHaveLength(6);
    expect(task.alternatives!.find(({ name }) => name === 'zero-shot')!.messages('x')).toEqual(PLAIN);
  });

  test.each([
    [
      'an answer that the task cannot read',
      'examples: [{ prompt: "2+3?", answer: "#### 5" }, { prompt: "1+2?", answer: "It is 3." }]',
      "examples.1: its answer can't be read by the task's own rule, so it would teach the wrong form",
    ],
    [
      'a held-out problem',
      'examples: [{ prompt: "how much is  2+2?", answer: "#### 4" }]',
      'examples.0: is a held-out problem of target, which would be shown with its answer',
    ],
    [
      'the same problem twice',
      'examples: [{ prompt: "2+3?", answer: "#### 5" }, { prompt: "2+3?", answer: "#### 5" }]',
      'examples.1: asks the same as examples.0',
    ],
    [
      'an empty prompt',
      'examples: [{ prompt: " ", answer: "#### 5" }]',
      'examples.0: its prompt has an empty "prompt"',
    ],
    [
      'a place without examples',
      'examplesIn: sampling',
      'examplesIn: says where examples stand, but there are none',
    ],
    ['a place that there is not', `${EXAMPLES}examplesIn: training`, 'examplesIn: '],
  ])('are refused with %s', async (_, more, problem) => {
    const problems = await problemsOf(more);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(problem);
  });

  test('are no part of the problem in a request or a file that was asked with them', async () => {
    const task = await load(EXAMPLES);
    const asked = task.ask('How much is 6+7?');
    expect(promptIn(task, asked)).toMatchObject({ text: 'How much is 6+7?' });
    expect(withoutExamples(task, asked)).toEqual([asked[0], asked.at(-1)]);
    const other = [...asked.slice(0, 2), { role: 'assistant' as const, content: 'else' }, ...asked.slice(3)];
    expect(promptIn(task, other)).toBe('is a conversation');
  });
});

test('a task in code has them by naming them, also as a class', () => {
  class Shouting {
    examples = [{ prompt: 'a', answer: 'A' }];
    examplesIn = 'sampling' as const;
    strategies = [{ name: 'plain', messages: (text: string) => this.ask(text) }];
    ask(text: string): ChatMessage[] {
      return [{ role: 'user', content: `Shout: ${text}` }];
    }
    readAnswer(rationale: string) {
      return rationale === this.ask.name ? undefined : rationale;
    }
  }
  const task = withExamples(new Shouting() as unknown as Task);
  expect(task.ask('x')).toHaveLength(1);
  expect(task.strategies[0]!.messages('x').map(({ content }) => content)).toEqual([
    'Shout: a',
    'A',
    'Shout: x',
  ]);
  expect(task.readAnswer('A')).toBe('A');
});
