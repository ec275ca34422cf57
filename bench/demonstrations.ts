/**
 * What a few demonstrations of a changed rule are worth to a language model: shown in the prompt, or trained into an adapter for the one
 * answer (`ratchet answer --ttt`). On a running stack, by a task that has runs; docs/answers.md quotes it.
 *
 *   npx node bench/demonstrations.ts TASK-FILE --shown shown.jsonl --problems problems.jsonl --model NAME
 *     [--url http://127.0.0.1:8100/v1] [--count 24] [--steps N] [--rate R] [--seconds 120]
 *
 * Both files have lines of {"prompt", "answer"} by the new rule: whole solutions in the first, answers in the second. `--model` is asked
 * with the demonstrations in the prompt; adapted is what the task serves, so have it serve the same one. The stack is the local one, or what
 * DATABASE_URL and TEMPORAL_ADDRESS name.
 */
import { parseArgs } from 'node:util';
import { askForAnswer, readDemonstrations } from '../app/answers/answers.ts';
import { connectTemporal } from '../app/temporal.ts';
import { findAddresses, useStackModels } from '../app/addresses.ts';
import { mcnemar } from '../loop/mcnemar.ts';
import { median } from '../loop/statistics.ts';
import { vote } from '../loop/vote.ts';
import { chat } from '../models/chat.ts';
import { resolveEndpoint } from '../models/endpoint.ts';
import { actAsUser } from '../tasks/access.ts';
import { loadTask, prepareTask, resolveTask } from '../tasks/index.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    shown: { type: 'string' },
    problems: { type: 'string' },
    url: { type: 'string' },
    model: { type: 'string' },
    count: { type: 'string', default: '24' },
    steps: { type: 'string' },
    rate: { type: 'string' },
    seconds: { type: 'string', default: '120' },
  },
});
const [path] = positionals;
if (path === undefined || !values.shown || !values.problems || !values.model) {
  console.error(
    'usage: node bench/demonstrations.ts TASK --shown FILE --problems FILE --url URL --model NAME [--count N]',
  );
  process.exit(2);
}
actAsUser();
useStackModels();
const spec = await resolveTask(path);
await prepareTask(spec);
const task = loadTask(spec);
const shown = await readDemonstrations(values.shown);
const problems = (await readDemonstrations(values.problems)).slice(0, Number(values.count));
const endpoint = resolveEndpoint('generator', { baseURL: values.url }, values.model);

/** The demonstrations stand where the task's own worked examples would; the majority of eight samples, as `answer` takes it. */
async function inContext(prompt: string): Promise<string | undefined> {
  const asked = task.ask(prompt);
  const messages = [
    ...asked.filter(({ role }) => role === 'system').slice(0, 1),
    ...shown.flatMap((one) => [
      { role: 'user' as const, content: one.prompt },
      { role: 'assistant' as const, content: one.answer },
    ]),
    asked.at(-1)!,
  ];
  const { choices } = await chat(endpoint, {
    messages,
    temperature: 0.8,
    maxTokens: task.maxTokens,
    n: 8,
    seed: 1,
  });
  const answers = choices.map(({ text }) => task.readAnswer(text));
  return vote(answers, (a, b) => task.sameAnswer(a, b)).answer;
}

const client = await connectTemporal(findAddresses());
const number = (text: string | undefined) => (text === undefined ? undefined : Number(text));
const adapt = {
  demonstrations: shown,
  steps: number(values.steps),
  learningRate: number(values.rate),
  seconds: Number(values.seconds),
};
type Arm = 'as it is' | 'shown' | 'adapted';
const right: Record<Arm, boolean[]> = { 'as it is': [], shown: [], adapted: [] };
const times: { seconds: number; training: number }[] = [];
for (const { prompt, answer } of problems) {
  const ask = (mode: 'off' | 'auto') =>
    askForAnswer(client, { task: task.name, prompt, adapt: { ...adapt, mode } });
  const same = (given: string | null | undefined) =>
    typeof given === 'string' && task.sameAnswer(given, answer);
  right['as it is'].push(same((await ask('off')).answer));
  right.shown.push(same(await inContext(prompt)));
  const began = performance.now();
  const adapted = await ask('auto');
  right.adapted.push(same(adapted.answer));
  times.push({ seconds: (performance.now() - began) / 1000, training: adapted.trainingSeconds ?? 0 });
  console.error(`${times.length} of ${problems.length}`);
}
const count = (of: boolean[]) => of.filter(Boolean).length;
for (const [arm, answers] of Object.entries(right))
  console.log(`${arm}: ${count(answers)} of ${problems.length}`);
const [more, less] = [true, false].map((won) =>
  count(right.adapted.map((one, i) => one === won && right.shown[i] === !won)),
);
console.log(
  `adapted against shown: right alone ${more} and ${less}, one-sided exact McNemar p = ${mcnemar(more!, less!).toPrecision(2)}; ` +
    `an adapted answer takes ${median(times.map(({ seconds }) => seconds))!.toFixed(1)} s (median), of it training ` +
    `${median(times.map(({ training }) => training))!.toFixed(1)} s`,
);
await client.connection.close();
