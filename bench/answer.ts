/**
 * Test-time training on a rule that the built-in model has never seen (a + b + 1), from a few demonstrations: how many answers are right
 * with and without it, and what it costs. docs/answers.md quotes it.
 *
 *   npx node bench/answer.ts [--queries 24] [--demonstrations 8] [--seed 1] [--own 200] [--steps N] [--rate R] [--rank N]
 *
 * `--own`: so many problems of the model's own rule too, without demonstrations: adapting must not make those worse.
 *
 * RATCHET_PYTHON names the model server's Python (`.ratchet/python/bin/python`), DATABASE_URL a PostgreSQL server. Starts
 * Temporal and the model server.
 */
import { parseArgs } from 'node:util';
import { checkpoints } from '../db/schema.ts';
import { askForAnswer } from '../app/answers/answers.ts';
import { addRun } from '../tests/cli/fixture.ts';
import { createTestDatabase } from '../tests/support/database.ts';
import { startModelServer } from '../tests/support/model-server.ts';
import { oneMore } from '../tests/support/one-more.ts';
import { startTemporal, startWorkers } from '../tests/support/temporal.ts';

const { values: options } = parseArgs({
  options: {
    queries: { type: 'string', default: '24' },
    demonstrations: { type: 'string', default: '8' },
    seed: { type: 'string', default: '1' },
    steps: { type: 'string' },
    rate: { type: 'string' },
    rank: { type: 'string' },
    own: { type: 'string', default: '0' },
  },
});
const number = (text: string | undefined) => (text === undefined ? undefined : Number(text));

const [temporal, database, server] = await Promise.all([
  startTemporal(),
  createTestDatabase(),
  startModelServer(),
]);
const stopWorkers = await startWorkers(temporal, database.db);
await addRun(database.db, 'owner', { models: { generator: { baseURL: server.url, model: 'arithmetic' } } });
await database.db
  .insert(checkpoints)
  .values({ runId: 'owner', iterationIndex: 0, kind: 'base', model: 'arithmetic' });

const { demonstrations, queries } = oneMore(
  options.seed,
  Number(options.demonstrations),
  Number(options.queries),
);
const adapt = {
  demonstrations,
  steps: number(options.steps),
  learningRate: number(options.rate),
  loraRank: number(options.rank),
  seconds: 300,
};
const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
let [direct, adapted] = [0, 0];
const times: { seconds: number; training: number; switchMs: number }[] = [];
for (const { prompt, answer } of queries) {
  const ask = (mode: 'off' | 'auto') =>
    askForAnswer(temporal.client, { task: 'arithmetic', prompt, adapt: { ...adapt, mode } });
  if ((await ask('off')).answer === answer) direct += 1;
  const began = performance.now();
  const answered = await ask('auto');
  if (answered.answer === answer) adapted += 1;
  times.push({
    seconds: (performance.now() - began) / 1000,
    training: answered.trainingSeconds ?? 0,
    switchMs: answered.switchMs ?? 0,
  });
}
let [ownDirect, ownAdapted] = [0, 0];
const own = oneMore(`${options.seed}/own`, 0, Number(options.own)).queries;
for (const { prompt, answer } of own) {
  const ask = (mode: 'off' | 'auto') =>
    askForAnswer(temporal.client, { task: 'arithmetic', prompt, adapt: { mode } });
  const sum = String(Number(answer) - 1);
  if ((await ask('off')).answer === sum) ownDirect += 1;
  if ((await ask('auto')).answer === sum) ownAdapted += 1;
}
const left = (await (await fetch(`${server.url}/models`)).json()) as { data: { id: string }[] };
const of = (right: number) => `${right}/${queries.length}`;
console.log(
  `seed ${options.seed}, ${demonstrations.length} demonstrations: majority of 8 ${of(direct)}, adapted ${of(adapted)}; ` +
    `median ${median(times.map((one) => one.seconds)).toFixed(1)} s an answer, of it training ` +
    `${median(times.map((one) => one.training)).toFixed(1)} s, first token by the adapter ${median(times.map((one) => one.switchMs)).toFixed(0)} ms`,
);
if (own.length > 0)
  console.log(
    `its own rule: majority of 8 ${ownDirect}/${own.length}, with adapting on ${ownAdapted}/${own.length}`,
  );
console.log(`models at the server afterwards: ${left.data.map(({ id }) => id).join(', ')}`);
await stopWorkers();
await temporal.teardown();
await database.drop();
await server.close();
process.exit(0);
