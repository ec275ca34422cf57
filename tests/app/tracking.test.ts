/** Runs are tracked in MLflow (tests/support/mlflow.ts: the real server where there is one), whatever is killed, and never at a run's cost. */
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { mlflowServer } from '../../app/tracking/mlflow.ts';
import { trackRun } from '../../app/tracking/track.ts';
import type { Report } from '../../app/report/types.ts';
import { TASK_QUEUE, WORKFLOW } from '../../workflows/names.ts';
import { createTestDatabase } from '../support/database.ts';
import { startMlflow, type TestMlflow } from '../support/mlflow.ts';
import { adder } from '../support/scripted-adder.ts';
import { startScriptedEndpoint, type ScriptedEndpoint } from '../support/scripted-endpoint.ts';
import { startTemporal } from '../support/temporal.ts';
import { tinyRun } from '../support/tiny-run.ts';
import { until } from '../support/wait.ts';
import { startWorkerProcess, type WorkerProcess } from '../support/worker-process.ts';

const RUN = 'tracked';
let temporal: TestWorkflowEnvironment;
let endpoint: ScriptedEndpoint;
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let mlflow: TestMlflow;
let worker: WorkerProcess;

const startWorker = () =>
  startWorkerProcess({
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: temporal.address,
    MLFLOW_TRACKING_URI: mlflow.url,
  });

beforeAll(async () => {
  [temporal, endpoint, database, mlflow] = await Promise.all([
    startTemporal(),
    startScriptedEndpoint(adder),
    createTestDatabase(),
    startMlflow(),
  ]);
  worker = await startWorker();
}, 240_000);

afterAll(async () => {
  await worker?.kill();
  await temporal?.teardown();
  await database?.drop();
  await endpoint?.close();
  await mlflow?.stop();
});

type Found = {
  info: { run_id: string; run_name: string; status: string; artifact_uri: string };
  data: {
    metrics: { key: string }[];
    params: { key: string; value: string }[];
    tags: { key: string; value: string }[];
  };
};

async function runsOf(task: string): Promise<Found[]> {
  const { experiment } = (await mlflow.get(
    `experiments/get-by-name?experiment_name=${encodeURIComponent(`ratchet/${task}`)}`,
  )) as { experiment: { experiment_id: string } };
  const filter = "tags.`ratchet.task` = 'arithmetic'";
  const found = await mlflow.post('runs/search', { experiment_ids: [experiment.experiment_id], filter });
  return (found.runs ?? []) as Found[];
}

/** `step value` of each point, in the order of steps. */
async function historyOf(run: Found, key: string): Promise<string[]> {
  const query = `metrics/get-history?run_id=${run.info.run_id}&metric_key=${key}`;
  const { metrics } = (await mlflow.get(query)) as { metrics: { step: number | string; value: number }[] };
  return metrics.map(({ step, value }) => `${step} ${value}`).toSorted();
}

it('a run is an MLflow run, each number there once, although its worker was killed when it had just sent them', async () => {
  let swallowed = 0;
  mlflow.swallow = (path, body) => {
    // The decision's numbers have come, and nobody hears of it.
    const decided = path.endsWith('/log-batch') && body.includes('"p_value"');
    if (decided) swallowed++;
    return decided && swallowed === 1;
  };
  const handle = await temporal.client.workflow.start(WORKFLOW.improve, {
    workflowId: RUN,
    taskQueue: TASK_QUEUE.main,
    args: [{ ...tinyRun(endpoint), iterations: 2 }],
  });
  await until('the decision to be sent', async () => swallowed > 0, 240_000);
  await worker.kill();
  worker = await startWorker();
  expect(await handle.result()).toMatchObject({ status: 'completed', iterations: 2 });

  const [run, ...others] = await runsOf('arithmetic');
  expect(others).toEqual([]);
  expect(run!.info).toMatchObject({ run_name: RUN, status: 'FINISHED' });
  const param = (name: string) => run!.data.params.find(({ key }) => key === name)?.value;
  expect(param('pool.prompts')).toBe('16');
  expect(param('models.generator.model')).toBe('adder');
  const tag = (name: string) => run!.data.tags.find(({ key }) => key === name)?.value;
  expect(tag('ratchet.status')).toBe('completed');
  expect(tag('ratchet.task')).toBe('arithmetic');
  // The scripted trainer keeps its adapters to itself, which is noted, and no reason to track nothing.
  expect(tag('ratchet.adapter')).toContain("can't be read");

  const path = run!.info.artifact_uri.replace(/^mlflow-artifacts:\/*/, '');
  const stored = await mlflow.artifact(`${path}/report.json`);
  const report = JSON.parse(stored.text) as Report;
  expect(report.iterations).toHaveLength(2);
  expect((await mlflow.artifact(`${path}/report.html`)).text).toContain('<!doctype html>');

  const iterations = report.iterations.map((one) => [one.iteration, one.accepted, one.target?.rate]);
  expect(await historyOf(run!, 'accepted')).toEqual(
    iterations.map(([step, accepted]) => `${step} ${accepted}`),
  );
  expect(await historyOf(run!, 'score.target')).toEqual([
    `0 ${report.base!.target!.rate}`,
    ...iterations.filter(([, , rate]) => rate !== undefined).map(([step, , rate]) => `${step} ${rate}`),
  ]);
  expect(await historyOf(run!, 'score.final')).toEqual([
    `0 ${report.base!.final!.rate}`,
    `2 ${report.best!.final!.rate}`,
  ]);
}, 400_000);

it('told again, and twice at once, it has nothing to send', async () => {
  const again = () =>
    trackRun(
      database.db,
      mlflowServer({ RATCHET_MLFLOW_URI: mlflow.url })!,
      RUN,
      AbortSignal.timeout(30_000),
    );
  expect((await Promise.all([again(), again()])).map(({ points }) => points)).toEqual([0, 0]);
  expect(await runsOf('arithmetic')).toHaveLength(1);
});

it('a run whose tracker is away completes, and is made up for', async () => {
  mlflow.swallow = () => true;
  const result = await temporal.client.workflow.execute(WORKFLOW.improve, {
    workflowId: 'untracked',
    taskQueue: TASK_QUEUE.main,
    args: [{ ...tinyRun(endpoint), seed: 3 }],
  });
  expect(result).toMatchObject({ status: 'completed' });
  mlflow.swallow = undefined;
  const server = mlflowServer({ MLFLOW_TRACKING_URI: mlflow.url })!;
  const { points } = await trackRun(database.db, server, 'untracked', AbortSignal.timeout(30_000));
  expect(points).toBeGreaterThan(10);
  expect((await runsOf('arithmetic')).map(({ info }) => info.run_name).toSorted()).toEqual([
    RUN,
    'untracked',
  ]);
}, 400_000);

it('takes the address and the credentials of MLflow’s own variables, and leaves what is meant for others', () => {
  expect(mlflowServer({})).toBeUndefined();
  expect(mlflowServer({ MLFLOW_TRACKING_URI: 'file:./mlruns' })).toBeUndefined();
  expect(mlflowServer({ MLFLOW_TRACKING_URI: 'databricks' })).toBeUndefined();
  expect(() => mlflowServer({ RATCHET_MLFLOW_URI: 'mlflow:5000' })).toThrow(
    'RATCHET_MLFLOW_URI: give the address',
  );
  const uri = { RATCHET_MLFLOW_URI: 'http://mlflow:5000/' };
  expect(mlflowServer(uri)).toEqual({ uri: 'http://mlflow:5000', headers: {} });
  expect(mlflowServer({ ...uri, MLFLOW_TRACKING_TOKEN: 't' })?.headers).toEqual({
    authorization: 'Bearer t',
  });
  expect(
    mlflowServer({ ...uri, MLFLOW_TRACKING_USERNAME: 'ada', MLFLOW_TRACKING_PASSWORD: 'p' })?.headers,
  ).toEqual({ authorization: `Basic ${Buffer.from('ada:p').toString('base64')}` });
});
