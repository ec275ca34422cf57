/**
 * The example of docs/support.md, measured on a real model. A model that answers as the shop did before is made first; then a run learns from
 * the corrections, and what was planted among them is counted.
 *
 *     npx ratchet up --model smollm2-135m -d
 *     npx ratchet corrections examples/support/task.yaml
 *     npx node bench/support.ts deploy                    prints the model that knows the old policies
 *     npx ratchet run examples/support/task.yaml --model MODEL …
 *     npx node bench/support.ts measure RUN
 *
 * `deploy` asks with MODEL_BASE_URL, or the local stack. `measure` reads the run from the database, and alone knows planted.jsonl.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { sql } from 'drizzle-orm';
import OpenAI, { toFile } from 'openai';
import { findDatabase, withDatabase } from '../app/addresses.ts';
import { readRun, taskOf } from '../engine/context.ts';
import { digestOf } from '../process/digest.ts';
import { percent, points } from '../process/text.ts';
import { ratchetHome } from '../stack/home.ts';
import { readState } from '../stack/state.ts';
import { actAsUser } from '../tasks/access.ts';
import { loadTask, prepareTask, resolveTask } from '../tasks/index.ts';
import { formsOfRequest } from '../tasks/support/forms.ts';
import type { Task } from '../tasks/task.ts';

actAsUser();
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    folder: { type: 'string', default: fileURLToPath(new URL('../examples/support/', import.meta.url)) },
    model: { type: 'string', default: 'smollm2-135m' },
    epochs: { type: 'string', default: '4' },
    rate: { type: 'string', default: '0.001' },
    forms: { type: 'string', default: '1' },
  },
});
const folder = `${resolve(values.folder)}/`;
type Row = { prompt: string; answer: string };
const rows = <T = Row>(name: string): T[] =>
  readFileSync(`${folder}${name}`, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);

async function exampleTask(): Promise<Task> {
  const spec = await resolveTask(`${folder}task.yaml`);
  await prepareTask(spec);
  return loadTask(spec);
}

async function deploy(): Promise<void> {
  const baseURL = process.env.MODEL_BASE_URL ?? readState(ratchetHome())?.env.MODEL_BASE_URL;
  if (!baseURL) throw new Error('there is no model server: ratchet up --model smollm2-135m -d');
  const client = new OpenAI({ baseURL, apiKey: 'none', maxRetries: 0, timeout: 600_000 });
  const task = await exampleTask();
  const lines = rows('deployed.jsonl').flatMap(({ prompt, answer }, seed) => {
    const forms = formsOfRequest({ key: prompt, text: prompt }, seed).filter(({ key }) => key !== 'as-is');
    const asked = [prompt, ...forms.slice(0, Number(values.forms) - 1).map(({ text }) => text)];
    return asked.map((text) =>
      JSON.stringify({ messages: [...task.ask(text), { role: 'assistant', content: answer }] }),
    );
  });
  const began = Date.now();
  const text = lines.join('\n');
  const hyperparameters = {
    n_epochs: Number(values.epochs),
    batch_size: 8,
    learning_rate: Number(values.rate),
    lora_rank: 16,
    checkpoint_every_steps: 10,
  };
  // The same job is taken up again: a server that was stopped goes on with it.
  const digest = digestOf(JSON.stringify([values.model, text, hyperparameters]));
  const known = await client.fineTuning.jobs.list({ metadata: { digest } });
  let job = known.data.find(({ status }) => !['failed', 'cancelled'].includes(status));
  if (!job) {
    const file = await client.files.create({
      file: await toFile(Buffer.from(text), 'deployed.jsonl'),
      purpose: 'fine-tune',
    });
    job = await client.fineTuning.jobs.create({
      model: values.model,
      training_file: file.id,
      suffix: 'deployed',
      seed: 1,
      metadata: { digest },
      method: { type: 'supervised', supervised: { hyperparameters } },
    });
  }
  while (!['succeeded', 'failed', 'cancelled'].includes(job.status)) {
    await sleep(2000);
    job = await client.fineTuning.jobs.retrieve(job.id);
  }
  if (!job.fine_tuned_model) throw new Error(`training ${job.status}: ${job.error?.message ?? ''}`);
  console.log(
    `${job.fine_tuned_model} after ${((Date.now() - began) / 1000).toFixed(0)} s, ${lines.length} lines, ${job.trained_tokens} tokens`,
  );
  const old = new Map(rows('deployed.jsonl').map(({ prompt, answer }) => [prompt, answer]));
  const facts = rows<{ ask: string[]; was?: string }>('facts.jsonl');
  for (const changed of [true, false]) {
    const asked = facts
      .filter(({ was }) => (was !== undefined) === changed)
      .flatMap(({ ask }) => ask.slice(2).map((prompt) => ({ prompt, answer: old.get(ask[0]!)! })));
    const replies = await Promise.all(
      asked.map(async ({ prompt }) => {
        const reply = await client.chat.completions.create({
          model: job.fine_tuned_model!,
          messages: task.ask(prompt) as never,
          temperature: 0,
          max_tokens: task.maxTokens,
        });
        return reply.choices[0]?.message.content ?? '';
      }),
    );
    const right = asked.filter(
      ({ answer }, i) => task.readAnswer(replies[i]!) === task.readAnswer(answer),
    ).length;
    console.log(
      `  ${changed ? 'changed' : 'untouched'} facts, in unseen words: ${right} of ${asked.length} as of old`,
    );
  }
}

async function measure(runId: string): Promise<void> {
  const planted = new Set(
    rows<{ conversation: string }>('planted.jsonl').map(({ conversation }) => conversation),
  );
  await withDatabase(findDatabase(), async (db) => {
    const run = await readRun(db, runId);
    const task = taskOf(run);
    if (run.taskSpec.kind !== 'support') throw new Error(`${runId} is no run of a task of kind support`);
    const corrections = run.taskSpec.rows;
    const isPlanted = ({ id }: { id: string }) => planted.has(id.split('/')[0]!);
    // Whatever it is that trained: an example whose answer is the planted one of its request.
    const { rows: trained } = await db.execute<{ key: string; answer: string }>(sql`
      select distinct p.key, e.answer from examples e join prompts p on p.id = e.prompt_id where e.run_id = ${runId}`);
    const bad = corrections.filter(isPlanted);
    const learnt = bad.filter((row) => {
      const read = task.readPrompt(row.request);
      return (
        typeof read !== 'string' &&
        trained.some(
          ({ key, answer }) =>
            key === read.key && row.answer !== undefined && task.sameAnswer(answer, row.answer),
        )
      );
    });
    console.log(
      `planted corrections: ${bad.length}, of which trained ${learnt.length}; kept out ${percent(1 - learnt.length / bad.length)}`,
    );
    const good = corrections.filter((row) => !isPlanted(row) && row.kind !== 'thanks');
    const { rows: scores } = await db.execute<{
      benchmark: string;
      at: number;
      correct: number;
      total: number;
    }>(sql`
      select e.benchmark, c.iteration_index as at, e.correct, e.total from evaluations e
      join checkpoints c on c.id = e.checkpoint_id where c.run_id = ${runId} and e.finished_at is not null
      order by c.iteration_index, e.benchmark`);
    console.log(
      `good corrections: ${good.length}, to learn from ${good.filter(({ fate }) => fate === 'learn').length}, requests that trained ${trained.length}`,
    );
    const before = new Map(
      scores.filter(({ at }) => at === 0).map((one) => [one.benchmark, one.correct / one.total]),
    );
    for (const { benchmark, at, correct, total } of scores)
      console.log(
        `iteration ${at}, ${benchmark}: ${correct} of ${total}, ${percent(correct / total)}${at > 0 && before.has(benchmark) ? ` (${points(correct / total - before.get(benchmark)!)} points)` : ''}`,
      );
  });
}

const [what, runId] = positionals;
if (what === 'deploy') await deploy();
else if (what === 'measure' && runId) await measure(runId);
else throw new Error('node bench/support.ts deploy, or measure RUN');
