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
import { z } from 'zod';
import { mcnemar } from '../loop/mcnemar.ts';
import { wilson } from '../loop/interval.ts';
import { chat } from '../models/chat.ts';
import { resolveEndpoint } from '../models/endpoint.ts';
import { percent } from '../process/text.ts';
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
const most = Number(values.problems);
if (!Number.isInteger(most) || most < 1)
  throw new Error(`--problems ${values.problems}: give a whole number from 1.`);
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

const problemSchema = z.object({ question: z.string().min(1), answer: z.union([z.string(), z.number()]) });

function readProblems(file: string, most: number): Problem[] {
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line, i) => (line.trim() === '' ? [] : [{ line, number: i + 1 }]));
  return lines.slice(0, most).map(({ line, number }) => {
    try {
      const { question, answer } = problemSchema.parse(JSON.parse(line));
      // Commas that part thousands; those of "Paris, France" stay.
      const gold = String(answer).split('####').at(-1)!.trim();
      return { text: question, answer: gold.replaceAll(/(?<=\d),(?=\d{3}(?!\d))/g, '') };
    } catch (error) {
      throw new Error(`${file}, line ${number}: ${(error as Error).message}`, { cause: error });
    }
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

const items = values.file ? readProblems(values.file, most) : await problemsOf(task, most);
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
