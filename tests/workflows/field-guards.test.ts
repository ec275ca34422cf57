/** A run whose guard a command measures: its worker is killed while the command is under way, and the guard then keeps a candidate out. */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sql } from 'drizzle-orm';
import { afterAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { pageData } from '../../app/report/html/data.ts';
import { renderPage } from '../../app/report/html/page.ts';
import { buildReport } from '../../app/report/report.ts';
import { TASK_QUEUE } from '../../workflows/names.ts';
import { useKillable } from '../support/killable.ts';
import { isAlive } from '../support/processes.ts';
import type { ScriptedRequest } from '../support/scripted-endpoint.ts';
import { until } from '../support/wait.ts';

const folder = mkdtempSync(join(tmpdir(), 'ratchet-field-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What is learnt takes the place of what was known: one less for all, and no doubles any more. */
function answer({ messages, seed, generation, temperature }: ScriptedRequest): string {
  const text = messages.at(-1)!.content;
  const n = Number(/(\d+)[^\d]*\?/.exec(text.replace(/ - 1|\d+ \+/, ''))?.[1]);
  if (text.startsWith('Guarded')) return `It is ${generation === 0 ? 2 * n : 2 * n - 1}`;
  const luck = (n * 7919 + (temperature === 0 ? 0 : seed)) % 100;
  const right = luck < (generation === 0 ? 60 : 100);
  return `One less than ${n} is wanted.\n#### ${right ? n - 1 : n + (seed % 5)}`;
}

const killable = useKillable({ baseModel: 'my-model', answer, jobMs: 50 });

it('is run anew after a kill, is never repeated when it is stored, and keeps out what is worse elsewhere', async () => {
  const note = join(folder, 'note');
  const guard = (...args: string[]) => [process.execPath, 'guard.mjs', ...args];
  cpSync(fileURLToPath(new URL('../fixtures/guard/guard.mjs', import.meta.url)), join(folder, 'guard.mjs'));
  const lines = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => from + i)
      .map((n) => JSON.stringify({ prompt: `What is ${n} - 1?`, answer: String(n - 1) }))
      .join('\n');
  writeFileSync(join(folder, 'prompts.jsonl'), lines(100, 130));
  writeFileSync(join(folder, 'target.jsonl'), lines(200, 260));
  const task = join(folder, 'task.yaml');
  writeFileSync(
    task,
    stringify({
      name: 'minus-one',
      prompts: { file: 'prompts.jsonl' },
      benchmarks: [
        { name: 'target', role: 'target', file: 'target.jsonl' },
        {
          name: 'doubles',
          role: 'guard',
          command: guard('items'),
          harness: { command: guard('waits', note) },
        },
      ],
      answer: { read: 'hash', compare: 'numeric' },
    }),
  );

  await killable.start();
  const handle = await killable.temporal.client.workflow.start('improve', {
    workflowId: 'guarded',
    taskQueue: TASK_QUEUE.main,
    args: [
      {
        task,
        iterations: 1,
        check: 'off',
        pool: { prompts: 24 },
        benchmark: { majority: false },
        gates: { critique: { mode: 'off' } },
        probes: { mode: 'off' },
        models: { generator: { baseURL: killable.endpoint.url, model: 'my-model' } },
      },
    ],
  });
  const pid = await until('the guard', async () => existsSync(note) && Number(readFileSync(note, 'utf8')));
  await killable.kill();
  await until('the guard to end with its worker', async () => !isAlive(pid), 5_000);
  writeFileSync(`${note}.go`, '');
  await killable.start();
  expect(await handle.result()).toMatchObject({ runId: 'guarded', iterations: 1, promoted: 0 });

  const { db } = killable.database;
  const scores = await db.execute(
    sql`select c.iteration_index as index, e.benchmark, e.correct, e.total,
          (select count(distinct i.call_id)::int from evaluation_items i where i.evaluation_id = e.id) as calls
        from evaluations e join checkpoints c on c.id = e.checkpoint_id where e.benchmark = 'doubles' order by 1`,
  );
  expect(scores.rows).toEqual([
    { index: 0, benchmark: 'doubles', correct: 6, total: 6, calls: 1 },
    { index: 1, benchmark: 'doubles', correct: 0, total: 6, calls: 1 },
  ]);
  const asked = killable.endpoint.requests.filter((request) => request.includes('Guarded'));
  expect(asked).toHaveLength(12);
  // Reports know nothing of it.
  const { base, iterations } = await buildReport(db, 'guarded');
  expect([base?.guard, iterations[0]?.guard]).toMatchObject([
    { correct: 6, total: 6 },
    { correct: 0, total: 6 },
  ]);
  expect(await renderPage(await pageData(db, 'guarded'))).toContain('guard doubles fell');
  const decided = await db.execute<{ reason: string }>(sql`select reason from decisions`);
  expect(decided.rows[0]!.reason).toContain('guard doubles fell 100.0 % → 0.0 %');
}, 180_000);
