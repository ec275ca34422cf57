/** A stored run with one iteration of a few prompts, and its activities as a worker would run them. */
import { MockActivityEnvironment } from '@temporalio/testing';
import { sql } from 'drizzle-orm';
import { createActivities } from '../../activities/index.ts';
import type { Db } from '../../db/connect.ts';
import { addIteration } from '../../db/queries/iterations.ts';
import { addPrompts } from '../../db/queries/prompts.ts';
import { addCheckpoint, createRun, type Checkpoint } from '../../db/queries/runs.ts';
import type { samples } from '../../db/schema.ts';
import { improveInputSchema, type ImproveInput } from '../../loop/input.ts';
import { fileTaskSchema } from '../../tasks/file/schema.ts';
import type { Script, ScriptedRequest } from './scripted-endpoint.ts';

export type Sample = typeof samples.$inferSelect;

const MODEL = 'talker';

/** Tells every draw apart by its seed; agrees on the answer; as a critic, is content. */
export function talk({ messages, seed }: ScriptedRequest): string {
  if (messages[0]?.role === 'system')
    return JSON.stringify({ first_error: '', verdict: 'holds', confidence: 0.9 });
  return `Draw ${seed} of ${messages.at(-1)!.content}\nSo it is 7.\n#### 42`;
}

export const talker = (script: Partial<Script> = {}): Script => ({
  baseModel: MODEL,
  answer: talk,
  ...script,
});

/** Is the request one to the critic? */
export const toCritic = ({ messages }: ScriptedRequest) => messages[0]?.role === 'system';

export const asks = ({ messages }: ScriptedRequest, prompt: number) =>
  new RegExp(`\\bprompt ${prompt}\\b`).test(messages.at(-1)!.content);

let runs = 0;

export async function addPage(
  db: Db,
  options: {
    url: string;
    prompts: number;
    settings?: ImproveInput;
    /** How answers are read. */
    read?: 'hash' | 'last-number' | { pattern: string };
    seed?: number;
    items?: number;
    checkpoint?: Pick<Checkpoint, 'model' | 'path'>;
    /** Further fields of the task file. */
    task?: object;
  },
) {
  const { read = 'hash', prompts, seed = 1 } = options;
  const runId = `run-${++runs}`;
  const task = fileTaskSchema.parse({
    name: 'talk',
    prompts: { file: 'prompts.jsonl' },
    benchmarks: [{ name: 'target', role: 'target', file: 'held-out.jsonl' }],
    answer: typeof read === 'string' ? { read } : { read: 'pattern', pattern: read.pattern },
    ...options.task,
  });
  const settings = improveInputSchema.parse({
    ...options.settings,
    sampling: { samples: 2, ...options.settings?.sampling },
    models: { ...options.settings?.models, generator: { baseURL: options.url, model: MODEL } },
  });
  await createRun(
    db,
    {
      id: runId,
      task: 'talk',
      taskSpec: { kind: 'file', path: 'task.yaml', task },
      settings,
      codeVersion: 'test',
    },
    Array.from({ length: options.items ?? 0 }, (_, position) => {
      const text = `prompt ${1000 + position}`;
      return { benchmark: 'target', role: 'target', position, key: text, text, answer: '42' };
    }),
  );
  const base = await addCheckpoint(db, { runId, iterationIndex: 0, kind: 'base', model: MODEL });
  const checkpoint = options.checkpoint
    ? await addCheckpoint(db, {
        ...options.checkpoint,
        runId,
        iterationIndex: 1,
        kind: 'adapter',
        parentId: base.id,
      })
    : base;
  const iteration = await addIteration(db, {
    runId,
    index: 2,
    checkpointId: checkpoint.id,
    plan: { seed },
  });
  const iterationId = iteration.id;
  await addPrompts(
    db,
    Array.from({ length: prompts }, (_, position) => {
      const text = `prompt ${position + 1}`;
      return { iterationId, position, purpose: 'learn' as const, key: text, text };
    }),
  );

  const activities = createActivities({ db });
  const page = { iterationId, first: 0, count: prompts };
  return {
    runId,
    iterationId,
    checkpoint,
    activities,
    generate: (environment = new MockActivityEnvironment()) =>
      environment.run(activities.llm.generatePage, page),
    vote: () => new MockActivityEnvironment().run(activities.main.vote, { iterationId }),
    critique: () =>
      new MockActivityEnvironment().run(activities.llm.critiquePage, {
        ...page,
        when: 'after-vote' as const,
      }),
    filter: () => new MockActivityEnvironment().run(activities.main.filter, { iterationId }),
    /** The samples of the run, by prompt and index. */
    async samples(): Promise<(Sample & { prompt: string })[]> {
      const rows = await db.query.samples.findMany({
        orderBy: (s, { asc }) => [asc(s.promptId), asc(s.index)],
      });
      const mine = await db.query.prompts.findMany({ where: (p, { eq }) => eq(p.iterationId, iterationId) });
      const text = new Map(mine.map((p) => [p.id, p.text]));
      return rows.flatMap((row) =>
        text.has(row.promptId) ? [{ ...row, prompt: text.get(row.promptId)! }] : [],
      );
    },
    /** The run's calls as the ledger has them. */
    async ledger(): Promise<{ requests: number; failed: number; errors: string[] }> {
      const { rows } = await db.execute<{ requests: number; error: string | null }>(
        sql`select requests, error from model_calls where run_id = ${runId} order by id`,
      );
      const errors = rows.flatMap((row) => (row.error === null || row.requests === 0 ? [] : [row.error]));
      return { requests: rows.reduce((sum, row) => sum + row.requests, 0), failed: errors.length, errors };
    },
  };
}
