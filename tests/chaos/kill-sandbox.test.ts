/**
 * What is left of a sandbox's work when a candidate, its worker or the worker of the stage is killed, and what is run again. Candidates are
 * counted by a `bwrap` that writes down each start and end of what it hands on to the real one.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findBubblewrap } from '../../sandbox/bubblewrap.ts';
import { TASK_QUEUE } from '../../workflows/names.ts';
import { useKillable } from '../support/killable.ts';
import { hasSandbox, processesWith } from '../support/sandbox.ts';
import { until } from '../support/wait.ts';
import { startWorkerProcess, type WorkerProcess } from '../support/worker-process.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const fixture = join(root, 'tests/fixtures/checked-sums');

/** What ended this long before a kill is known to Temporal, on a busy machine too: heartbeats of one worker are a second apart. */
const TOLD_MS = 4_000;

const killable = useKillable({
  baseModel: 'm',
  answer({ messages, seed }) {
    const [a, b] = messages.at(-1)!.content.match(/\d+/g)!.map(Number) as [number, number];
    return `${a} + ${b} = ${a + b} (${seed})\n#### ${a + b}`;
  },
});

const mounts = () => readFileSync('/proc/self/mounts', 'utf8');
/** A name of its own: tests of other files have containers too. */
const CHECK = 'killed-check.mjs';
const containers = () => processesWith(`/task/${CHECK}`);
const nothingRuns = () => until('no container is left', () => Promise.resolve(containers() === 0), 120_000);

describe.skipIf(!hasSandbox)('a sandbox that is killed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ratchet-kill-sandbox-'));
  const log = join(folder, 'log');
  const task = join(folder, 'task');
  let sandbox: WorkerProcess | undefined;

  const startSandbox = async () => {
    sandbox = await startWorkerProcess(
      {
        TEMPORAL_ADDRESS: killable.temporal.address,
        DATABASE_URL: '',
        PATH: `${folder}:${process.env.PATH}`,
      },
      { argv: [process.execPath, 'workers/sandbox.ts'], cwd: root },
    );
  };
  /** Starts or ends of candidates: when, and which. */
  const noted = (what: 'start' | 'end') =>
    readFileSync(log, 'utf8')
      .split('\n')
      .map((line) => line.split(' '))
      .filter(([kind]) => kind === what)
      .map(([, at, which]) => ({ at: Number(at), which: which! }));
  const ended = (more: number) => {
    const goal = noted('end').length + more;
    return until(`${more} more candidates`, () => Promise.resolve(noted('end').length >= goal), 240_000);
  };
  /** @param seed another one has other samples, which are not known yet */
  const start = (workflowId: string, seed: number) =>
    killable.temporal.client.workflow.start('improve', {
      workflowId,
      taskQueue: TASK_QUEUE.main,
      args: [
        {
          task: join(task, 'task.yaml'),
          seed,
          iterations: 1,
          check: 'off',
          pool: { prompts: 12 },
          sampling: { samples: 4, cache: false },
          benchmark: { size: 'quick', majority: false },
          gates: { critique: { mode: 'off' } },
          probes: { mode: 'off' },
          models: { generator: { baseURL: killable.endpoint.url, model: 'm' } },
        },
      ],
    });

  beforeAll(() => {
    chmodSync(folder, 0o755);
    cpSync(fixture, task, { recursive: true });
    const edit = (from: string, to: string, change: (text: string) => string) =>
      writeFileSync(join(task, to), change(readFileSync(join(task, from), 'utf8')));
    edit('task.yaml', 'task.yaml', (text) => text.replaceAll('check.mjs', CHECK));
    // Slow enough to be met in the middle.
    const wait = '  await new Promise((done) => setTimeout(done, 300));\n';
    edit('check.mjs', CHECK, (text) => text.replace('  const [a, b]', `${wait}  const [a, b]`));
    writeFileSync(log, '');
    chmodSync(log, 0o666);
    const note = (what: string) => `printf '${what} %s %s\\n' "$(date +%s%3N)" "$which" >> ${log}`;
    writeFileSync(
      join(folder, 'bwrap'),
      `#!/bin/sh
given=$(cat)
which=$(printf '%s' "$given" | sed 's/"token":"[^"]*",//' | sha256sum | cut -c1-16)
${note('start')}
printf '%s\\n' "$given" | ${findBubblewrap()} "$@"
code=$?
${note('end')}
exit $code
`,
    );
    chmodSync(join(folder, 'bwrap'), 0o755);
  });
  afterAll(async () => {
    await sandbox?.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  it('runs nothing again that had ended, and leaves no process and no mount', async () => {
    const before = mounts();
    await killable.start();
    await startSandbox();
    const handle = await start('killed', 1);
    await ended(6);

    // A candidate: it has a second chance, since a full machine kills too.
    await until('a candidate', () => Promise.resolve(containers() > 0));
    execFileSync('pkill', ['-9', '-o', '-f', `^node /task/${CHECK}`]);
    await ended(4);

    const kills = [Date.now()];
    await sandbox!.kill();
    await nothingRuns();
    await startSandbox();
    await ended(8);

    kills.push(Date.now());
    await killable.kill();
    await killable.start();
    expect(await handle.result()).toMatchObject({ runId: 'killed', iterations: 1 });
    await nothingRuns();
    expect(mounts()).toBe(before);

    const ends = noted('end');
    const again = noted('start').filter(({ which, at }) =>
      kills.some((kill) => at > kill && ends.some((end) => end.which === which && end.at < kill - TOLD_MS)),
    );
    expect(ends.length).toBeGreaterThan(40);
    expect(again).toEqual([]);
    const judged = sql`select count(*)::int as n from verifications where not ok`;
    expect(await killable.count(judged)).toBe(0);
  }, 600_000);

  it('stops when the run is terminated', async () => {
    const handle = await start('terminated', 2);
    await until('a candidate', () => Promise.resolve(containers() > 0), 240_000);
    await handle.terminate('a test');
    await nothingRuns();
    // The worker takes the next run's work.
    const next = await start('next', 3);
    expect(await next.result()).toMatchObject({ runId: 'next', iterations: 1 });
  }, 600_000);
});
