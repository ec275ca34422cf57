import type { Db } from '../db/connect.ts';
import type { Deps } from '../engine/context.ts';

/** A tracker that takes longer is tried again: what it has by then is not sent again. */
const PATIENCE_MS = 55_000;

/**
 * What tells trackers of experiments about runs; undefined where none is configured. Reports are loaded only where they are needed.
 *
 * @throws Error naming the variable that is wrong
 */
export async function trackerOf(db: Db, env: NodeJS.ProcessEnv): Promise<Deps['track']> {
  if (!env.RATCHET_MLFLOW_URI && !env.MLFLOW_TRACKING_URI) return undefined;
  const { mlflowServer } = await import('../app/tracking/mlflow.ts');
  const server = mlflowServer(env);
  if (!server) return undefined;
  const { trackRun } = await import('../app/tracking/track.ts');
  return (runId) => trackRun(db, server, runId, AbortSignal.timeout(PATIENCE_MS));
}
