/**
 * Brings MLflow up to date with a run: an experiment a task, a run a run. What MLflow has is looked up first and only the rest is sent, so
 * that asking twice, or after a kill in the middle, logs nothing twice, and one call makes up for those that failed.
 *
 * Covers: two of it at once (a lock in the database). Does not cover: people who change in MLflow what it holds.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import type { Db } from '../../db/connect.ts';
import { iterationRows } from '../../db/queries/report.ts';
import { getCheckpoint } from '../../db/queries/runs.ts';
import { endpointOf, readRun, taskOf } from '../../engine/context.ts';
import { ADAPTER_FILE } from '../../models/adapter-file.ts';
import { errorText } from '../../models/errors.ts';
import { digestOf } from '../../process/digest.ts';
import { dataWithoutSecrets } from '../../process/secrets.ts';
import { CONFIG_FILE, findSource } from '../exports/adapter/source.ts';
import { pageData } from '../report/html/data.ts';
import { renderPage } from '../report/html/page.ts';
import { buildReport } from '../report/report.ts';
import type { Report } from '../report/types.ts';
import { mlflowClient, type MlflowRun, type MlflowServer, type MlflowStatus } from './mlflow.ts';
import { LONGEST_VALUE, paramsOf, pointsOf, tagsOf } from './numbers.ts';

type Client = ReturnType<typeof mlflowClient>;

const STATUS: Record<Report['status'], MlflowStatus> = {
  running: 'RUNNING',
  paused: 'RUNNING',
  parked: 'RUNNING',
  completed: 'FINISHED',
  failed: 'FAILED',
  stopped: 'KILLED',
};

/** Says which run it is, whatever its name: other installations may have one of the same. */
const KEY = 'ratchet.key';

export type Tracked = {
  /** MLflow's id of the run. */
  id: string;
  /** Metric points that were sent now. */
  points: number;
};

/** @throws Error with what MLflow said; what was sent until then is there */
export async function trackRun(
  db: Db,
  server: MlflowServer,
  runId: string,
  signal: AbortSignal,
): Promise<Tracked> {
  return db.transaction(async (locked) => {
    await locked.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`mlflow ${runId}`}, 0))`);
    return bringUpToDate(db, mlflowClient(server, signal), runId, signal);
  });
}

async function bringUpToDate(db: Db, mlflow: Client, runId: string, signal: AbortSignal): Promise<Tracked> {
  const run = await readRun(db, runId);
  const report = dataWithoutSecrets(await buildReport(db, runId));
  const experiment = await mlflow.experiment(`ratchet/${run.task}`);
  const key = { key: KEY, value: digestOf(`${runId} ${run.createdAt.toISOString()}`) };
  const id =
    (await mlflow.findRun(experiment, key)) ??
    (await mlflow.createRun(experiment, runId, run.createdAt.getTime(), [key]));
  const there = await mlflow.run(id);
  const rows = await iterationRows(db, [runId]);
  const decidedAt = new Map(rows.flatMap((row) => (row.finishedAt ? [[row.index, row.finishedAt]] : [])));
  // Of each metric, steps are sent in order: what comes after the newest one is missing.
  const newest = new Map(there.points.map((point) => [point.key, point.step]));
  const points = pointsOf(report, decidedAt).filter(({ key: name, step }) => step > (newest.get(name) ?? -1));
  const known = new Set(there.params.map((one) => one.key));
  const params = paramsOf(dataWithoutSecrets(run.settings)).filter((one) => !known.has(one.key));
  const tags = tagsOf(report, run.codeVersion);
  await mlflow.log(id, { points, params, tags });
  const ended = report.finishedAt === null ? undefined : Date.parse(report.finishedAt);
  await mlflow.end(id, STATUS[report.status], ended);
  // Last, since they are the largest.
  const json = `${JSON.stringify(report, null, 2)}\n`;
  if (await mlflow.putArtifact(there, 'report.json', json)) {
    await mlflow.putArtifact(there, 'report.html', await renderPage(await pageData(db, runId)));
    const { best } = report;
    if (best && best.iteration > 0)
      await putAdapter(db, mlflow, { run: there, checkpointId: best.id, signal });
  }
  return { id, points: points.length };
}

/** A trainer may keep its adapters where this worker can't read them: that is noted, and no reason to track nothing. */
async function putAdapter(
  db: Db,
  mlflow: Client,
  { run, checkpointId, signal }: { run: MlflowRun; checkpointId: number; signal: AbortSignal },
): Promise<void> {
  const checkpoint = await getCheckpoint(db, checkpointId);
  const { settings, ...stored } = await readRun(db, checkpoint.runId);
  const server = () => endpointOf('trainer', settings, taskOf({ settings, ...stored }));
  const folder = mkdtempSync(join(tmpdir(), 'ratchet-adapter-'));
  const file = join(folder, ADAPTER_FILE);
  try {
    let config: string;
    try {
      const source = await findSource(checkpoint, server, signal);
      await source.saveWeights(file);
      ({ config } = source);
    } catch (error) {
      signal.throwIfAborted();
      const value = errorText(error).slice(0, LONGEST_VALUE);
      return await mlflow.log(run.id, { points: [], params: [], tags: [{ key: 'ratchet.adapter', value }] });
    }
    await mlflow.putArtifact(run, `adapter/${CONFIG_FILE}`, config);
    await mlflow.putArtifact(run, `adapter/${ADAPTER_FILE}`, { file });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
