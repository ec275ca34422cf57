/** What fails while a run is open is told: on a pipe line by line, and where the watcher does not wait, by its exit. */
import { expect, test } from 'vitest';
import { failingAttempts, failingLine } from '../../app/runs/failing.ts';
import { buildReport } from '../../app/report/report.ts';
import { watchRun } from '../../cli/watch.ts';
import { setRunStatus } from '../../db/queries/runs.ts';
import { useLoop } from '../support/loop.ts';
import { adder } from '../support/scripted-adder.ts';
import type { Fault } from '../support/scripted-endpoint.ts';
import { until } from '../support/wait.ts';

let fault: Fault | undefined;
const loop = useLoop({ ...adder, latencyMs: 0, fault: () => fault });

test('an endpoint that fails is seen on a pipe, attempt by attempt, and then where it parks', async () => {
  fault = { status: 500, message: 'out of memory' };
  await loop.start('failing', loop.small());
  const lines: string[] = [];
  const watching = watchRun({
    db: loop.database.db,
    client: loop.temporal.client,
    runId: 'failing',
    out: { write: (text: string) => lines.push(text.trimEnd()) > 0 },
    color: false,
    signal: new AbortController().signal,
    pollMs: 50,
    exitWhenParked: true,
  });
  const told = () => lines.filter((line) => / of 35 attempts: .*500 out of memory/.test(line));
  await until('two attempts', async () => told().length >= 2, 120_000);
  expect(told()[0]).toMatch(/^\w+ failed, 1 of 35 attempts: .*(Tried again in \d.*s\.|Being tried again\.)$/);
  expect(new Set(told().map((line) => line.split(':')[0])).size).toBe(told().length);
  const [worst] = await failingAttempts(loop.temporal.client, 'failing');
  expect(worst).toMatchObject({ most: 35, error: expect.stringContaining('500 out of memory') });
  const { statusReason } = await buildReport(loop.database.db, 'failing');
  expect(statusReason).toMatch(
    /^\d+ calls? to the generator .* failed since the last answer, .*500 out of memory$/,
  );

  fault = { status: 401, message: 'bad key' };
  const end = await watching;
  expect(end).toEqual({ end: 'parked', reason: expect.stringMatching(/401 bad key.*refuses the key/) });
  await loop.temporal.client.workflow.getHandle('failing').terminate();
}, 180_000);

test('a parked run says so once, with its reason and the way on', async () => {
  const { db } = loop.database;
  await setRunStatus(db, 'failing', 'parked', 'measuring the base failed: 401 bad key.');
  const lines: string[] = [];
  const leave = new AbortController();
  const watching = watchRun({
    db,
    runId: 'failing',
    out: { write: (text: string) => lines.push(text.trimEnd()) > 0 },
    color: false,
    signal: leave.signal,
    pollMs: 20,
    plainEveryMs: 50,
  });
  await until('the line', async () => lines.length > 0);
  await new Promise((resolve) => setTimeout(resolve, 500));
  leave.abort();
  expect(await watching).toEqual({ end: 'detached' });
  const said = 'Parked: measuring the base failed: 401 bad key. Try again with: ratchet retry failing';
  expect(lines.filter((line) => line.includes('Parked'))).toEqual([said]);
});

test('an attempt is told with how often, what, and when next', () => {
  const now = new Date(0);
  const one = { activity: 'generatePage', failed: 3, most: 35, error: 'sampling:\u001b[31m no' };
  expect(failingLine({ ...one, nextAt: new Date(4000) }, now)).toBe(
    'generatePage failed, 3 of 35 attempts: sampling: no Tried again in 4.0 s.',
  );
  expect(failingLine({ ...one, nextAt: new Date(0) }, now)).toMatch(/Being tried again\.$/);
  expect(failingLine({ ...one, failed: 1, most: 0 }, now)).toMatch(/^generatePage failed, 1 attempt: /);
});
