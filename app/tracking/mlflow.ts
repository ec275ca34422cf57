/** MLflow's REST interface, as far as a run needs it: https://mlflow.org/docs/latest/rest-api.html */
import { createReadStream, statSync } from 'node:fs';
import { Readable } from 'node:stream';
import { z } from 'zod';
import { fetchThrough } from '../../process/proxy.ts';
import { plain } from '../../process/text.ts';

export type MlflowServer = { uri: string; headers: Record<string, string> };

export type Point = { key: string; value: number; step: number; timestamp: number };
export type Pair = { key: string; value: string };
export type MlflowRun = { id: string; artifactUri: string; points: Point[]; params: Pair[] };
export type MlflowStatus = 'RUNNING' | 'FINISHED' | 'FAILED' | 'KILLED';

/** What of an answer is quoted in an error. */
const QUOTED_CHARACTERS = 300;
/** A batch has at most 1,000 metrics and 100 parameters. */
const METRICS_A_BATCH = 1000;
const PARAMS_A_BATCH = 100;

/**
 * The server that RATCHET_MLFLOW_URI, or MLflow's own MLFLOW_TRACKING_URI, names; its credentials are MLflow's variables as well.
 * An MLFLOW_TRACKING_URI that is a folder or a service of another kind is meant for other programs.
 *
 * @throws Error for a RATCHET_MLFLOW_URI that is no HTTP address
 */
export function mlflowServer(env: NodeJS.ProcessEnv): MlflowServer | undefined {
  const own = env.RATCHET_MLFLOW_URI;
  const uri = own || env.MLFLOW_TRACKING_URI;
  if (!uri) return undefined;
  if (!/^https?:\/\/[^/]/.test(uri)) {
    if (own)
      throw new Error('RATCHET_MLFLOW_URI: give the address of a tracking server, as http://HOST:5000');
    return undefined;
  }
  const { MLFLOW_TRACKING_TOKEN: token, MLFLOW_TRACKING_USERNAME: name, MLFLOW_TRACKING_PASSWORD } = env;
  const basic = Buffer.from(`${name}:${MLFLOW_TRACKING_PASSWORD ?? ''}`).toString('base64');
  return {
    uri: uri.replace(/\/+$/, ''),
    headers: token ? { authorization: `Bearer ${token}` } : name ? { authorization: `Basic ${basic}` } : {},
  };
}

const pair = z.object({ key: z.string(), value: z.string() });
const runSchema = z.object({
  run: z.object({
    info: z.object({ run_id: z.string(), artifact_uri: z.string() }),
    data: z
      .object({
        metrics: z
          .array(
            z.object({
              key: z.string(),
              value: z.coerce.number(),
              step: z.coerce.number().default(0),
              timestamp: z.coerce.number(),
            }),
          )
          .default([]),
        params: z.array(pair).default([]),
      })
      .default({ metrics: [], params: [] }),
  }),
});

/** Requests to the server's routes. @throws Error with the server's words where it refuses or does not answer */
function transportTo({ uri, headers }: MlflowServer, signal: AbortSignal) {
  const refused = (what: string, status: number, text: string) =>
    new Error(`MLflow at ${uri} answers ${status} to ${what}: ${plain(text.slice(0, QUOTED_CHARACTERS))}`);

  async function request(method: string, path: string, init: RequestInit = {}): Promise<Response> {
    try {
      return await fetchThrough(`${uri}${path}`, {
        ...init,
        method,
        headers: { ...headers, ...(init.headers as Record<string, string> | undefined) },
        signal,
      });
    } catch (error) {
      signal.throwIfAborted();
      throw new Error(`MLflow does not answer at ${uri}`, { cause: error });
    }
  }

  return {
    /** Undefined where the server says that there is no such thing. */
    async call(method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> {
      const headed = { 'content-type': 'application/json' };
      const init = body === undefined ? {} : { body: JSON.stringify(body), headers: headed };
      const response = await request(method, `/api/2.0/mlflow/${path}`, init);
      const text = await response.text();
      if (response.ok) return JSON.parse(text);
      if (text.includes('RESOURCE_DOES_NOT_EXIST')) return undefined;
      throw refused(`${method} ${path}`, response.status, text);
    },

    async put(path: string, content: string | { file: string }): Promise<void> {
      const body =
        typeof content === 'string'
          ? { body: content }
          : {
              body: Readable.toWeb(createReadStream(content.file)) as unknown as NonNullable<
                RequestInit['body']
              >,
              duplex: 'half',
              headers: { 'content-length': String(statSync(content.file).size) },
            };
      const response = await request('PUT', `/api/2.0/${path}`, body as RequestInit);
      const text = await response.text();
      if (!response.ok) throw refused(`PUT ${path}`, response.status, text);
    },
  };
}

/** @throws Error with the server's words where it refuses or does not answer */
export function mlflowClient(server: MlflowServer, signal: AbortSignal) {
  const { call, put } = transportTo(server, signal);

  async function findExperiment(name: string): Promise<string | undefined> {
    const found = await call('GET', `experiments/get-by-name?experiment_name=${encodeURIComponent(name)}`);
    if (found === undefined) return undefined;
    const { experiment } = z
      .object({ experiment: z.object({ experiment_id: z.string(), lifecycle_stage: z.string() }) })
      .parse(found);
    if (experiment.lifecycle_stage === 'deleted')
      throw new Error(`The experiment "${name}" of MLflow was deleted: restore it, or delete it for good.`);
    return experiment.experiment_id;
  }

  return {
    async experiment(name: string): Promise<string> {
      const known = await findExperiment(name);
      if (known !== undefined) return known;
      try {
        const made = await call('POST', 'experiments/create', { name });
        return z.object({ experiment_id: z.string() }).parse(made).experiment_id;
      } catch (error) {
        // Another run of the task made it in the meantime.
        const other = await findExperiment(name);
        if (other === undefined) throw error;
        return other;
      }
    },

    /** The run that has this tag, if there is one. */
    async findRun(experiment: string, tag: Pair): Promise<string | undefined> {
      const found = await call('POST', 'runs/search', {
        experiment_ids: [experiment],
        filter: `tags.\`${tag.key}\` = '${tag.value}'`,
        max_results: 1,
      });
      const { runs } = z.object({ runs: z.array(runSchema.shape.run).default([]) }).parse(found);
      return runs[0]?.info.run_id;
    },

    async createRun(experiment: string, name: string, startedAt: number, tags: Pair[]): Promise<string> {
      const body = { experiment_id: experiment, run_name: name, start_time: startedAt, tags };
      return runSchema.parse(await call('POST', 'runs/create', body)).run.info.run_id;
    },

    /** With the newest point of each metric. */
    async run(id: string): Promise<MlflowRun> {
      const { info, data } = runSchema.parse(
        await call('GET', `runs/get?run_id=${encodeURIComponent(id)}`),
      ).run;
      return { id, artifactUri: info.artifact_uri, points: data.metrics, params: data.params };
    },

    async log(id: string, what: { points: Point[]; params: Pair[]; tags: Pair[] }): Promise<void> {
      const { points, params, tags } = what;
      await call('POST', 'runs/log-batch', { run_id: id, tags });
      for (let first = 0; first < params.length; first += PARAMS_A_BATCH)
        await call('POST', 'runs/log-batch', {
          run_id: id,
          params: params.slice(first, first + PARAMS_A_BATCH),
        });
      for (let first = 0; first < points.length; first += METRICS_A_BATCH)
        await call('POST', 'runs/log-batch', {
          run_id: id,
          metrics: points.slice(first, first + METRICS_A_BATCH),
        });
    },

    async end(id: string, status: MlflowStatus, endedAt: number | undefined): Promise<void> {
      await call('POST', 'runs/update', { run_id: id, status, end_time: endedAt });
    },

    /**
     * Puts a file in place of what has its name.
     *
     * @returns whether it could: a server that does not hand artifacts on wants them in a store of its own, with clients of its own
     */
    async putArtifact(run: MlflowRun, name: string, content: string | { file: string }): Promise<boolean> {
      if (!run.artifactUri.startsWith('mlflow-artifacts:')) return false;
      const path = run.artifactUri.replace(/^mlflow-artifacts:(\/\/[^/]*)?\/*/, '');
      await put(`mlflow-artifacts/artifacts/${path}/${name}`, content);
      return true;
    },
  };
}
