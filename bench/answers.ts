/**
 * How a model answers a task's held-out problems, asked greedily as a benchmark asks: how many are right, how many hold an answer that
 * can be read, how long they are. The quick way to see what a change of the wording or of the worked examples does.
 *
 *   npx node bench/answers.ts my-task.yaml --url http://127.0.0.1:8100/v1 --model my-model --problems 16
 *
 * `--file` asks other problems in the task's form, lines of JSON with `question` and `answer` (what follows `####`, where that stands in
 * it), and `--against` asks a second model the same: what an adapter's gain is worth on problems of another source.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import pLimit from 'p-limit';
import { mcnemar } from '../loop/mcnemar.ts';
import { wilson } from '../loop/interval.ts';
import { chat } from '../models/chat.ts';
import { resolveEndpoint } from '../models/endpoint.ts';
import { actAsUser } from '../tasks/access.ts';
import { loadTask, prepareTask, resolveTask } from '../tasks/index.ts';
import type { ChatMessage, Task } from '../tasks/task.ts';

type Problem = { text: string; answer: string };

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    url: { type: 'string' },
    model: { type: 'string' },
    against: { type: 'string' },
    file: { type: 'string' },
    problems: { type: 'string', default: '16' },
    'max-tokens': { type: 'string' },
  },
});
const [path] = positionals;
if (path === undefined || !values.model) {
  console.error(
    'usage: node bench/answers.ts TASK --url URL --model NAME [--against NAME] [--file FILE.jsonl] [--problems N] [--max-tokens N]',
  );
  process.exit(2);
}
actAsUser();
const spec = await resolveTask(path);
await prepareTask(spec);
const task = loadTask(spec);
const maxTokens = Number(values['max-tokens'] ?? task.maxTokens);
const limit = pLimit(16);

async function problemsOf({ benchmarks }: Task, most: number): Promise<Problem[]> {
  const found: Problem[] = [];
  for await (const item of benchmarks.find(({ role }) => role === 'target')!.items()) {
    if (found.length === most) break;
    found.push(item);
  }
  return found;
}

function readProblems(file: string, most: number): Problem[] {
  const lines = readFileSync(file, 'utf8').trim().split('\n').slice(0, most);
  return lines.map((line) => {
    const { question, answer } = JSON.parse(line) as { question: string; answer: string };
    return { text: question, answer: answer.split('####').at(-1)!.trim().replaceAll(',', '') };
  });
}

function answersOf(model: string, items: Problem[], ask: (text: string) => ChatMessage[]) {
  const endpoint = resolveEndpoint('generator', { baseURL: values.url }, model);
  return Promise.all(
    items.map((item) =>
      limit(async () => {
        const request = { messages: ask(item.text), maxTokens, temperature: 0 };
        const { text, finishReason, completionTokens } = (await chat(endpoint, request)).choices[0]!;
        const read = task.readAnswer(text);
        const right = read !== undefined && task.sameAnswer(read, item.answer);
        return { right, read: read !== undefined, cut: finishReason === 'length', completionTokens };
      }),
    ),
  );
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

const items = values.file
  ? readProblems(values.file, Number(values.problems))
  : await problemsOf(task, Number(values.problems));
for (const [form, ask] of [
  ['asked', (text: string) => task.ask(text)],
  ['with worked examples', task.askWithExamples],
] as const) {
  if (!ask) continue;
  const models = [values.model, ...(values.against ? [values.against] : [])];
  const rights: boolean[][] = [];
  for (const model of models) {
    const answers = await answersOf(model, items, ask);
    const count = (of: 'right' | 'read' | 'cut') => answers.filter((one) => one[of]).length;
    const tokens = answers.reduce((sum, one) => sum + one.completionTokens, 0) / answers.length;
    const { low, high } = wilson(count('right'), answers.length);
    console.log(
      `${form}, ${model}: ${count('right')} of ${answers.length} right (${percent(count('right') / answers.length)}, 95 % interval ${percent(low)}–${percent(high)}), ${count('read')} readable, ${count('cut')} cut off, ${tokens.toFixed(0)} tokens on average`,
    );
    rights.push(answers.map(({ right }) => right));
  }
  const [first, second] = rights;
  if (!second) continue;
  const fixed = second.filter((right, i) => right && !first![i]).length;
  const broken = second.filter((right, i) => !right && first![i]).length;
  console.log(
    `${form}: ${fixed} right only with ${values.against}, ${broken} only with ${values.model}; one-sided exact McNemar p = ${mcnemar(fixed, broken).toPrecision(2)}`,
  );
}
