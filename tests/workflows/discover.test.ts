/** Studies: real workers and Temporal, a worker that is killed, and simulators that misbehave in a real sandbox. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sql } from 'drizzle-orm';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { buildStudyReport } from '../../app/discovery/report.ts';
import { studyPage } from '../../app/discovery/page.ts';
import { startStudy } from '../../app/discovery/start.ts';
import { hypothesesOf } from '../../tasks/discovery/grammar.ts';
import { lawOf } from '../../tasks/discovery/laws.ts';
import { gridOf, observeLaw, sigmaOf } from '../../tasks/discovery/simulator.ts';
import { runStudy } from '../../tasks/discovery/study.ts';
import type { DiscoverInput } from '../../tasks/discovery/subject.ts';
import { createTestDatabase } from '../support/database.ts';
import { saveHistory } from '../support/histories.ts';
import { hasSandbox } from '../support/sandbox.ts';
import { startTemporal } from '../support/temporal.ts';
import { until } from '../support/wait.ts';
import { startWorkerProcess, type WorkerProcess } from '../support/worker-process.ts';

const repository = fileURLToPath(new URL('../../', import.meta.url));
let temporal: TestWorkflowEnvironment;
let database: Awaited<ReturnType<typeof createTestDatabase>>;
const workers: WorkerProcess[] = [];
const folder = mkdtempSync(join(tmpdir(), 'ratchet-study-'));

beforeAll(async () => {
  [temporal, database] = await Promise.all([startTemporal(), createTestDatabase()]);
}, 120_000);

afterEach(async () => {
  for (const worker of workers.splice(0)) await worker.kill();
});

afterAll(async () => {
  await temporal?.teardown();
  await database?.drop();
  rmSync(folder, { recursive: true });
});

async function start(file: 'main' | 'sandbox'): Promise<WorkerProcess> {
  const worker = await startWorkerProcess(
    { TEMPORAL_ADDRESS: temporal.address, DATABASE_URL: file === 'main' ? database.url : '' },
    { argv: [process.execPath, `workers/${file}.ts`], cwd: repository },
  );
  workers.push(worker);
  return worker;
}

const rows = async <Row extends Record<string, unknown>>(query: ReturnType<typeof sql>) =>
  (await database.db.execute<Row>(query)).rows;
const made = async (id: string) =>
  await rows<{ number: number; measured: number; observed_at: string }>(
    sql`select number, measured, observed_at from study_experiments where study_id = ${id} and observed_at is not null order by number`,
  );

async function study(id: string, input: DiscoverInput) {
  const { ended } = await startStudy(temporal.client, id, input);
  return ended;
}

const NAME = 'enzyme-inhibited';
const BUDGET = 12;

test('a law is found whatever is killed, and nothing is observed twice', async () => {
  let worker = await start('main');
  const ended = study('killed', { of: NAME, budget: BUDGET, seed: 4 });
  let before: unknown[] = [];
  for (const share of [0.2, 0.5, 0.8]) {
    await until('experiments', async () => (await made('killed')).length >= share * BUDGET);
    await worker.kill();
    const now = await made('killed');
    expect(now.slice(0, before.length)).toEqual(before);
    before = now;
    worker = await start('main');
  }
  expect(await ended).toMatchObject({ end: 'found' });
  const after = await made('killed');
  expect(after.slice(0, before.length)).toEqual(before);

  // As if nobody had been killed: the same experiments, the same measurements.
  const law = lawOf(NAME, 4);
  const { experiments } = await runStudy(
    {
      hypotheses: hypothesesOf(law.quantities),
      options: gridOf(law.quantities),
      repeats: true,
      policy: 'informative',
      seed: 4,
      noise: { relative: 0, absolute: sigmaOf(law, 0.01) },
      budget: after.length,
    },
    (settings, number) => observeLaw(law, settings, 0.01, `4/${number}`),
  );
  expect(after.map(({ measured }) => measured)).toEqual(
    experiments.map(({ observed }) => 'measured' in observed && observed.measured),
  );

  const report = await buildStudyReport(database.db, 'killed');
  expect(report.truth?.claim).toMatchObject({ exact: true });
  expect(report.claims[0]!.hypothesis).toBe(law.truth.text);
  expect(report.claims[0]!.survived.length).toBeGreaterThan(0);
  // Foretold before it was made; what could refute it is among what was made.
  expect(
    await rows(sql`select p.number from study_predictions p join study_experiments e using (study_id, number)
      where e.observed_at is null or e.observed_at < e.created_at`),
  ).toEqual([]);
  // What is refuted is never claimed, and each refutation is beyond chance.
  const refuted = await rows<{ hypothesis: string; p: number }>(
    sql`select hypothesis, p from study_refutations`,
  );
  expect(refuted.length).toBeGreaterThan(300);
  expect(refuted.every(({ p }) => p < 1e-6)).toBe(true);
  expect(refuted.map(({ hypothesis }) => hypothesis)).not.toContain(law.truth.text);
  const page = String(await studyPage(report));
  expect(page).toContain('could have been refuted by experiments');
  await saveHistory(temporal, 'killed', 'discover');
}, 180_000);

test('a study that is done is not begun again; another of the same name is another', async () => {
  await start('main');
  await expect(study('killed', { of: NAME })).rejects.toThrow('already started');
  expect(await study('wrong', { of: 'levity' })).toMatchObject({
    end: 'failed',
    reason: expect.stringContaining('there is no law "levity"'),
  });
  expect(await study('field', { of: NAME, budget: 2 })).toMatchObject({
    end: 'failed',
    reason: expect.stringContaining('budget'),
  });
}, 60_000);

/** Measures 3 x, but for settings that make it misbehave. */
const PROGRAM = `
import json, sys, time
given = json.loads(sys.stdin.readline())
x = given["settings"]["x"]
if x > 9: time.sleep(60)
if x > 8: sys.exit("no such place")
if x > 7: print("what?")
else: print(json.dumps({"measured": 3 * x + 0.01 * (hash(given["key"]) % 3 - 1), "sigma": 0.05}))
`;
const simulator = (more = '') => `
name: line
quantities: [{ name: x, min: 1, max: 10, forms: [linear, power, exponential] }]
measures: { name: y }
experiments: { levels: 10 }
noise: { absolute: 0.05 }
command: [python3, /task/measure.py]
files: [measure.py]
limits: { seconds: 1 }
${more}`;

describe.skipIf(!hasSandbox)('a simulator of one’s own', () => {
  test('time-outs, crashes and nonsense tell nothing, cost an experiment, and are not tried again', async () => {
    writeFileSync(join(folder, 'measure.py'), PROGRAM);
    writeFileSync(join(folder, 'line.yaml'), simulator());
    await Promise.all([start('main'), start('sandbox')]);
    expect(await study('line', { of: join(folder, 'line.yaml'), budget: 12, enough: 0 })).toMatchObject({
      end: 'found',
      found: { claim: 'k1 * x', experiments: 12 },
    });
    const { experiments, claims } = await buildStudyReport(database.db, 'line');
    const failed = experiments.filter((one) => one.failed !== null);
    expect(failed.map(({ settings }) => settings.x!).toSorted((a, b) => a - b)).toEqual(
      [...new Set(failed.map(({ settings }) => settings.x!))].toSorted((a, b) => a - b),
    );
    const why = new Map(failed.map((one) => [one.settings.x, one.failed]));
    expect(why.get(10)).toContain('timeout: not done in 1 s');
    for (const [x, said] of why)
      expect(said).toContain(x! > 9 ? 'timeout' : x! > 8 ? 'no such place' : 'its last line is not');
    // As bad as can be: no other experiment scores lower.
    const least = Math.min(...experiments.flatMap(({ told }) => (told === null ? [] : [told])));
    expect(least).toBeGreaterThanOrEqual(0);
    expect(failed.every(({ told }) => told === 0 || told === null)).toBe(true);
    expect(claims[0]!.parameters[0]!.value).toBeCloseTo(3, 1);
  }, 120_000);

  test('the example finds how fast sound runs through the elements', async () => {
    await Promise.all([start('main'), start('sandbox')]);
    const of = join(repository, 'examples/discovery/elements.yaml');
    expect(await study('elements', { of })).toMatchObject({
      end: 'found',
      found: { claim: 'k1 * sqrt(youngs_modulus / density)' },
    });
    const { claims, experiments, truth } = await buildStudyReport(database.db, 'elements');
    expect(claims[0]!.parameters[0]!.value).toBeCloseTo(1, 1);
    expect(experiments.every(({ failed }) => failed === null)).toBe(true);
    expect(truth).toBeNull();
  }, 120_000);
});
