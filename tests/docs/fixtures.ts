/** The files that the documentation speaks of, and a model that can answer all of its tasks. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { writeAdapter } from '../support/adapter-folder.ts';
import { answerSum, longAddition } from '../support/scripted-adder.ts';
import { judgeSum } from '../support/scripted-critic.ts';
import type { Script, ScriptedRequest } from '../support/scripted-endpoint.ts';

/** A model that refuses while `quotaUsedUp`. */
export const NO_QUOTA = 'no-quota';

const question = (i: number) =>
  `Shop number ${i} has ${1100 + 7 * i} apples and sells ${3 * i} of them. How many are left, by its books?`;
const left = (i: number) => 1100 + 4 * i;
const lines = (from: number, to: number, line: (i: number) => unknown) =>
  `${Array.from({ length: to - from + 1 }, (_, i) => JSON.stringify(line(from + i))).join('\n')}\n`;

const SIGNS: Record<string, number> = { M: 1000, D: 500, C: 100, L: 50, X: 10, V: 5, I: 1 };
function readNumeral(text: string): number {
  const values = text.split('').map((sign) => SIGNS[sign]!);
  return values.reduce((sum, value, i) => sum + (value < (values[i + 1] ?? 0) ? -value : value), 0);
}

const worked = (stated: number) => [
  'The shop has apples and sells some.',
  `So ${stated} are left.`,
  `#### ${stated}`,
];

/** A critic that lets pass only what it would have written itself. */
function judge(text: string): string {
  const shop = Number(/Shop number (\d+)/.exec(text)?.[1]);
  const shown = worked(left(shop)).map((line, i) => `${i + 1}| ${line}\n`);
  const holds = text.includes(`\n${shown.join('')}=`);
  return JSON.stringify({
    first_error: holds ? '' : 'the work',
    verdict: holds ? 'holds' : 'fails',
    confidence: 0.9,
  });
}

function answer(request: ScriptedRequest): string {
  const text = request.messages.at(-1)?.content ?? '';
  if (request.body.response_format) return judge(text);
  // It learns: what it gets right depends on the problem and on how often it was trained.
  const knows = (n: number) => {
    const luck = (n * 7919 + (request.temperature === 0 ? 0 : request.seed * 31)) % 1000;
    return luck < 600 + 350 * request.generation;
  };
  const shop = Number(/Shop number (\d+)/.exec(text)?.[1]);
  if (shop) {
    return worked(left(shop) + (knows(shop) ? 0 : 1 + (request.seed % 5))).join('\n');
  }
  const numeral = /(?:Read|number is) ([MDCLXVI]+)\b/.exec(text)?.[1];
  if (numeral) {
    const n = readNumeral(numeral);
    return `${numeral} sign by sign.\nAnswer: ${n + (knows(n) ? 0 : 1 + (request.seed % 5))}`;
  }
  return answerSum(request);
}

export type ModelForDocs = { script: Script; quotaUsedUp: boolean };

/** @param folder where adapters go: that of the first job lies in `user/adapters`, as somebody may have copied it */
export function modelForDocs(folder: string): ModelForDocs {
  let jobs = 0;
  const model: ModelForDocs = {
    quotaUsedUp: false,
    script: {
      baseModel: 'arithmetic',
      otherModels: ['arithmetic-critic', 'my-model', 'gpt-4.1-nano-2025-04-14', NO_QUOTA],
      answer,
      extra: (request) => (request.model === 'arithmetic-critic' ? judgeSum(request) : undefined),
      fault: (request) =>
        model.quotaUsedUp && request.model === NO_QUOTA
          ? { status: 429, code: 'insufficient_quota', message: 'You exceeded your current quota' }
          : undefined,
      outcome: (job) => {
        jobs += 1;
        const path = jobs === 1 ? join(folder, 'user', 'adapters') : join(folder, 'adapters', job.id);
        return { status: 'succeeded', path: writeAdapter(path, { lora_A: [jobs, 1], lora_B: [1, jobs] }) };
      },
    },
  };
  return model;
}

/** Ten digits each, as the arithmetic task puts sums to the model. */
const padded = (a: number, b: number) => [a, b].map((n) => String(n).padStart(10, '0')).join('+');

/** @param endpoint where the models of task files answer */
export function writeFixtures(folder: string, endpoint: string): void {
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  mkdirSync(join(folder, 'user'));
  write(
    'sums.jsonl',
    lines(1, 400, (i) => ({ prompt: `${1000 + 17 * i}+${3000 + 13 * i}` })),
  );
  write(
    'worked.jsonl',
    lines(1, 3, (i) => ({
      messages: [
        { role: 'user', content: padded(1111 * i, 7007) },
        { role: 'assistant', content: longAddition(padded(1111 * i, 7007)) },
      ],
    })),
  );

  // The example's own task file, with an endpoint named in it as its README says, and files of its form.
  const example = join(folder, 'examples', 'gsm8k');
  const task = parse(readFileSync(join(example, 'task.yaml'), 'utf8')) as {
    models: { generator: { baseURL: string } };
    benchmarks: { file: string; rows: { from: number; to: number } }[];
    calibration: { file: string; rows: { from: number } };
    prompts: { file: string };
  };
  task.models.generator.baseURL = endpoint;
  writeFileSync(join(example, 'task.yaml'), stringify(task));
  const solved = (i: number) => ({ question: question(i), answer: `So many.\n#### ${left(i)}` });
  writeFileSync(join(example, 'train.jsonl'), lines(1, 400, solved));
  writeFileSync(join(example, 'test.jsonl'), lines(1001, 2319, solved));

  write(
    'questions.jsonl',
    lines(801, 820, (i) => ({ prompt: question(i) })),
  );
  write(
    'prompts.jsonl',
    lines(1, 400, (i) => ({ question: question(i) })),
  );
  write('problems.jsonl', lines(1001, 1480, solved));
  task.prompts.file = 'prompts.jsonl';
  task.benchmarks[0] = { ...task.benchmarks[0]!, file: 'problems.jsonl', rows: { from: 1, to: 200 } };
  task.benchmarks[1] = { ...task.benchmarks[1]!, file: 'problems.jsonl', rows: { from: 201, to: 400 } };
  task.calibration = { ...task.calibration, file: 'problems.jsonl', rows: { from: 401 } };
  write('my-task.yaml', stringify({ ...task, name: 'my-task' }));
}
