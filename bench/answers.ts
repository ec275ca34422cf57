/**
 * How a model answers a task's held-out problems, asked greedily as a benchmark asks: how many are right, how many hold an answer that
 * can be read, how long they are. The quick way to see what a change of the wording or of the worked examples does.
 *
 *   npx node bench/answers.ts my-task.yaml --url http://127.0.0.1:8100/v1 --model my-model --problems 16
 */
import { parseArgs } from 'node:util';
import pLimit from 'p-limit';
import { chat } from '../models/chat.ts';
import { resolveEndpoint } from '../models/endpoint.ts';
import { actAsUser } from '../tasks/access.ts';
import { loadTask, prepareTask, resolveTask } from '../tasks/index.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    url: { type: 'string' },
    model: { type: 'string' },
    problems: { type: 'string', default: '16' },
    'max-tokens': { type: 'string' },
  },
});
const [path] = positionals;
if (path === undefined || !values.model) {
  console.error('usage: node bench/answers.ts TASK --url URL --model NAME [--problems N] [--max-tokens N]');
  process.exit(2);
}
actAsUser();
const spec = await resolveTask(path);
await prepareTask(spec);
const task = loadTask(spec);
const endpoint = resolveEndpoint('generator', { baseURL: values.url }, values.model);

const items: { text: string; answer: string }[] = [];
for await (const item of task.benchmarks.find(({ role }) => role === 'target')!.items()) {
  if (items.length === Number(values.problems)) break;
  items.push(item);
}
const limit = pLimit(16);
const maxTokens = Number(values['max-tokens'] ?? task.maxTokens);
for (const [form, ask] of [
  ['asked', (text: string) => task.ask(text)],
  ['with worked examples', task.askWithExamples],
] as const) {
  if (!ask) continue;
  const answers = await Promise.all(
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
  const count = (of: 'right' | 'read' | 'cut') => answers.filter((one) => one[of]).length;
  const tokens = answers.reduce((sum, one) => sum + one.completionTokens, 0) / answers.length;
  console.log(
    `${form}: ${count('right')} of ${answers.length} right, ${count('read')} readable, ${count('cut')} cut off, ${tokens.toFixed(0)} tokens on average`,
  );
}
