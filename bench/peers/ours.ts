/**
 * Ratchet's part: PostgreSQL, Temporal's dev server and a worker of its own, up before anything is timed; then `ratchet run` as a user
 * types it, of one iteration. Beyond the work it measures the base and the candidate on 20 problems, filters, and trains at the stub.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { programFolder } from '../../process/program.ts';
import { createTestDatabase } from '../../tests/support/database.ts';
import { startTemporal } from '../../tests/support/temporal.ts';
import { startWorkerProcess } from '../../tests/support/worker-process.ts';
import { seen, treeOf } from './processes.ts';
import { FORM, promptsOf, type Done, type Work } from './work.ts';

export type Ours = {
  env: Record<string, string>;
  /** Of the worker, whose time is the client's, and of the servers beside it. */
  worker: number;
  servers: number[];
  argv(work: Work): string[];
  /** What is stored since the last call. */
  done(): Promise<Done>;
  close(): Promise<void>;
};

const lines = (rows: unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

/** A task file with the same prompts, and held-out sums that none of them is. */
function writeTask(folder: string, prompts: string[]): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'prompts.jsonl'), lines(prompts.map((question) => ({ question }))));
  const held = Array.from({ length: 20 }, (_, i) => ({
    question: `What is ${i + 1} + ${i + 2}?`,
    answer: 2 * i + 3,
  }));
  writeFileSync(
    join(folder, 'held.jsonl'),
    lines(held.map((one) => ({ ...one, answer: `#### ${one.answer}` }))),
  );
  const task = join(folder, 'task.yaml');
  writeFileSync(
    task,
    `name: peers
prompts: { file: prompts.jsonl, field: question }
benchmarks:
  - { name: target, role: target, file: held.jsonl, answerField: answer, answer: { read: hash } }
template: '{prompt} ${FORM}'
strategies: [zero-shot]
answer: { read: hash, compare: numeric }
maxTokens: 128
`,
  );
  return task;
}

export async function startOurs(folder: string): Promise<Ours> {
  const database = await createTestDatabase();
  const temporal = await startTemporal();
  const env = {
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: 'default',
    RATCHET_TASKS: folder,
  };
  const worker = await startWorkerProcess(env);
  const { rows } = await database.db.execute<{ pid: number }>(sql`select pg_backend_pid() as pid`);
  const postmaster = seen(rows[0]!.pid)?.parent;
  const servers = treeOf(process.pid).filter(({ name }) => name.startsWith('temporal'));
  let before: Done = { samples: 0, critiques: 0 };
  return {
    env,
    worker: worker.pid,
    servers: [...servers.map(({ pid }) => pid), ...(postmaster === undefined ? [] : [postmaster])],
    argv(work) {
      const page = Math.min(1000, work.prompts.length);
      const settings = [
        `pool.prompts=${work.prompts.length}`,
        'pool.rehearsal=0',
        `sampling.samples=${work.samples}`,
        'sampling.resamples=0',
        'sampling.paraphrases=0',
        'select.perPrompt=1',
        'sampling.cache=false',
        'probes.mode=off',
        // Its fixed prompts would come out of the work.
        'drift.prompts=0',
        'benchmark.majority=false',
        'gates.critique.mode=required',
        'gates.agreement.min=0.3',
        'gates.agreement.minMargin=0',
        // As many in flight as the others have: one page with that many calls.
        `paging.promptsPerPage=${page}`,
        'paging.pagesInFlight=1',
        `paging.callsInFlight=${work.inFlight}`,
      ];
      return [
        join(programFolder, 'bin', 'ratchet.js'),
        'run',
        writeTask(folder, promptsOf(work.prompts.length)),
        `--id=peers-${Date.now()}`,
        '--iterations=1',
        '--no-check',
        '--exit-when-parked',
        `--base-url=${work.url}`,
        `--model=${work.model}`,
        ...settings.flatMap((one) => ['--set', one]),
      ];
    },
    async done() {
      const found = await database.db.execute<{ samples: string; critiques: string }>(
        sql`select (select count(*) from samples where origin = 'model' and answer is not null) as samples,
                   (select count(distinct s.prompt_id) from critiques c join samples s on s.id = c.sample_id
                    where s.origin = 'model') as critiques`,
      );
      const now = { samples: Number(found.rows[0]!.samples), critiques: Number(found.rows[0]!.critiques) };
      const since = { samples: now.samples - before.samples, critiques: now.critiques - before.critiques };
      before = now;
      return since;
    },
    async close() {
      await worker.kill();
      await temporal.teardown();
      await database.drop();
    },
  };
}
