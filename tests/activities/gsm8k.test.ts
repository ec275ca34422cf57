/**
 * The word problems of GSM8K (Cobbe et al. 2021, arXiv 2110.14168) through collect, answer reading and votes: not one known
 * answer may be misread. Here with an excerpt of its train split that has every form of answer in it; with the file
 * in GSM8K_FILE, all of it.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MockActivityEnvironment } from '@temporalio/testing';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { createActivities } from '../../activities/index.ts';
import { refuseOverlap } from '../../engine/overlap.ts';
import type { Db } from '../../db/connect.ts';
import { addIteration } from '../../db/queries/iterations.ts';
import { addCheckpoint, createRun } from '../../db/queries/runs.ts';
import { prompts, samples, votes } from '../../db/schema.ts';
import { improveInputSchema } from '../../loop/input.ts';
import { loadTask, resolveTask } from '../../tasks/index.ts';
import { collect } from '../tasks/collect.ts';
import { createTestDatabase } from '../support/database.ts';
import { startScriptedEndpoint, type ScriptedRequest } from '../support/scripted-endpoint.ts';

const excerpt = fileURLToPath(new URL('../fixtures/gsm8k/excerpt.jsonl', import.meta.url));
const FILE = process.env['GSM8K_FILE'] ?? excerpt;
const K = 8;
const PAGE = 200;

type Row = { question: string; answer: string };
const rows = readFileSync(FILE, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Row);
/** Read by other means than the loop's: what stands behind the mark, without separators. */
const known = new Map(rows.map(({ question, answer }) => [question, answer.split('#### ')[1]!]));
const valueOf = (written: string) => Number(written.replaceAll(',', ''));

/** One number as models write it; all are the known answer. */
const WRITINGS: ((written: string) => string)[] = [
  (written) => written,
  (written) => String(valueOf(written)),
  (written) => valueOf(written).toLocaleString('en-US'),
  (written) => `$${written}.00`,
  (written) => `**${written}**`,
  (written) => `\\$${written.replaceAll(',', '{,}')}`,
  (written) => `${written} of them in all.`,
  (written) => `${written}.0`,
];

let db: Db;
let drop: () => Promise<void>;
let folder: string;
beforeAll(async () => {
  ({ db, drop } = await createTestDatabase());
  folder = mkdtempSync(join(tmpdir(), 'ratchet-gsm8k-'));
}, 120_000);
afterAll(async () => {
  await drop();
  rmSync(folder, { recursive: true });
});

/** The example's task, with these files in the place of its own. */
async function taskOf(name: string, files: { prompts: string; benchmark: string }, url: string) {
  const example = new URL('../../examples/gsm8k/task.yaml', import.meta.url);
  const task = parse(readFileSync(example, 'utf8')) as Record<string, unknown>;
  const path = join(folder, `${name}.yaml`);
  const answered = { answerField: 'answer', answer: { read: 'hash' } };
  writeFileSync(
    path,
    stringify({
      ...task,
      prompts: { file: files.prompts, field: 'question' },
      benchmarks: [{ name: 'target', role: 'target', file: files.benchmark, ...answered }],
      calibration: undefined,
      rewrites: 'none',
      models: { generator: { baseURL: url, model: 'my-model' } },
    }),
  );
  const spec = await resolveTask(path);
  await refuseOverlap(spec);
  return spec;
}

const others = () => {
  const file = join(folder, 'others.jsonl');
  writeFileSync(file, `${JSON.stringify({ question: 'What is left of nothing?', answer: '#### 0' })}\n`);
  return file;
};

test('every known answer is read as what is written there', async () => {
  const spec = await taskOf('known', { prompts: others(), benchmark: FILE }, 'http://127.0.0.1:1/v1');
  const items = await collect(loadTask(spec).benchmarks[0]!.items());
  expect(items).toHaveLength(rows.length);
  const misread = items.filter(({ text, answer }) => Number(answer) !== valueOf(known.get(text)!));
  expect(misread).toEqual([]);
});

test('every problem is collected, and its worked solution is read and voted for, however the number is written', async () => {
  const asked = new Map<string, number>();
  const questions = [...known.keys()].toSorted((a, b) => b.length - a.length);
  const solutions = new Map(rows.map((row) => [row.question, row.answer]));
  const endpoint = await startScriptedEndpoint({
    baseModel: 'my-model',
    answer({ messages }: ScriptedRequest) {
      const text = messages.at(-1)!.content;
      const question = questions.find((one) => text.startsWith(one))!;
      const nth = asked.get(question) ?? 0;
      asked.set(question, nth + 1);
      const [steps, written] = solutions.get(question)!.split('#### ');
      return `${steps}#### ${WRITINGS[nth % WRITINGS.length]!(written!)}`;
    },
  });
  try {
    const taskSpec = await taskOf('votes', { prompts: FILE, benchmark: others() }, endpoint.url);
    const settings = improveInputSchema.parse({
      pool: { prompts: rows.length },
      sampling: { samples: K, cache: false },
      gates: { critique: { mode: 'off' } },
      // No problem is put by to measure drift on: all are voted on.
      drift: { prompts: 0 },
    });
    const runId = 'gsm8k';
    await createRun(db, { id: runId, task: 'gsm8k', taskSpec, settings, codeVersion: 'test' }, []);
    const base = await addCheckpoint(db, { runId, iterationIndex: 0, kind: 'base', model: 'my-model' });
    const { id: iterationId } = await addIteration(db, {
      runId,
      index: 1,
      checkpointId: base.id,
      plan: { seed: 1 },
    });
    const { main, llm } = createActivities({ db });
    expect(await main.collect({ iterationId })).toMatchObject({ prompts: known.size, leaked: 0 });
    for (let first = 0; first < known.size; first += PAGE) {
      await new MockActivityEnvironment().run(llm.generatePage, { iterationId, first, count: PAGE });
    }
    const voted = await new MockActivityEnvironment().run(main.vote, { iterationId });
    expect(voted).toEqual({ voted: known.size, trusted: known.size });

    const read = await db
      .select({ text: prompts.text, answer: samples.answer, formatOk: samples.formatOk })
      .from(samples)
      .innerJoin(prompts, eq(prompts.id, samples.promptId));
    expect(read).toHaveLength(known.size * K);
    const misread = read.filter(({ text, answer }) => Number(answer ?? NaN) !== valueOf(known.get(text)!));
    expect(misread).toEqual([]);

    const results = await db
      .select({ text: prompts.text, answer: votes.answer, votes: votes.votes, agreement: votes.agreement })
      .from(votes)
      .innerJoin(prompts, eq(prompts.id, votes.promptId));
    expect(results).toHaveLength(known.size);
    const wrong = results.filter(
      (one) => Number(one.answer ?? NaN) !== valueOf(known.get(one.text)!) || one.votes !== K,
    );
    expect(wrong).toEqual([]);
  } finally {
    await endpoint.close();
  }
}, 900_000);
