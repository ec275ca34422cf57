/** A task whose own program checks what a model wrote: in containers, by a worker that knows no database, which may be killed. */
import { fileURLToPath } from 'node:url';
import { sql } from 'drizzle-orm';
import { afterAll, describe, expect, it } from 'vitest';
import { saveHistory } from '../support/histories.ts';
import { useLoop } from '../support/loop.ts';
import { hasSandbox, processesWith } from '../support/sandbox.ts';
import { until } from '../support/wait.ts';
import { startWorkerProcess, type WorkerProcess } from '../support/worker-process.ts';

const repository = fileURLToPath(new URL('../../', import.meta.url));
const task = fileURLToPath(new URL('../fixtures/checked-sums/task.yaml', import.meta.url));

/** Adds rightly, but where the first number ends in 0 or 5 every sample is wrong in the same way: no vote helps against that. */
const loop = useLoop({
  baseModel: 'm',
  answer({ messages, seed }) {
    const [a, b] = messages.at(-1)!.content.match(/\d+/g)!.map(Number) as [number, number];
    const sum = a % 5 === 0 ? a + b + 10 : a + b;
    return `${a} + ${b} = ${sum} (${seed})\n#### ${sum}`;
  },
});

const workers: WorkerProcess[] = [];
async function startSandbox(): Promise<WorkerProcess> {
  const worker = await startWorkerProcess(
    { TEMPORAL_ADDRESS: loop.temporal.address, DATABASE_URL: '' },
    { argv: [process.execPath, 'workers/sandbox.ts'], cwd: repository },
  );
  workers.push(worker);
  return worker;
}
afterAll(async () => {
  for (const worker of workers) await worker.kill();
});

const containers = () => processesWith('/task/check.mjs');

const verified = async () =>
  (await loop.rows<{ n: number }>(sql`select count(*)::int as n from verifications`))[0]!.n;

describe.skipIf(!hasSandbox)('verification in the sandbox', () => {
  it('keeps out what everybody agrees on and is wrong, whatever is killed meanwhile', async () => {
    const first = await startSandbox();
    const { iterations, check, benchmark, models, paging } = loop.small();
    const handle = await loop.start('sandboxed', {
      task,
      iterations,
      check,
      benchmark,
      models,
      paging,
      pool: { prompts: 15 },
      sampling: { samples: 4, cache: false },
      gates: { critique: { mode: 'off' } },
    });
    await until('the first containers', () => Promise.resolve(containers() > 0));
    await first.kill();
    await until('no container that outlives its worker', () => Promise.resolve(containers() === 0));
    const before = await verified();
    await startSandbox();
    await handle.result();
    expect(await verified()).toBeGreaterThan(before);
    const judged = await loop.rows<{ wrong: boolean; ok: boolean; reason: string; trained: boolean }>(sql`
      select substring(p.text from '[0-9]+')::int % 5 = 0 as wrong, v.ok, v.reason,
        exists (select 1 from examples e where e.sample_id = s.id) as trained
      from verifications v join samples s on s.id = v.sample_id join prompts p on p.id = s.prompt_id
      where s.origin = 'model'`);
    expect(judged.length).toBeGreaterThan(40);
    expect(judged.every(({ wrong, ok }) => ok === !wrong)).toBe(true);
    expect(judged.some(({ wrong }) => wrong)).toBe(true);
    expect(judged.filter(({ wrong, trained }) => wrong && trained)).toEqual([]);
    expect(judged.filter(({ trained }) => trained).length).toBeGreaterThan(10);
    expect(judged[0]!.reason).toMatch(/^\d+ \+ \d+ is \d+$/);
    await saveHistory(loop.temporal, 'sandboxed/iteration-1', 'iteration-sandboxed');
    await saveHistory(loop.temporal, 'sandboxed/iteration-1/checks-0', 'checks');
  }, 180_000);
});
