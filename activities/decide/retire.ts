import { cancellationSignal } from '@temporalio/activity';
import { getCheckpoint } from '../../db/queries/runs.ts';
import { endpointOf, readRun, taskOf, type Deps } from '../../engine/context.ts';
import { unloadAdapter } from '../../models/adapters.ts';
import { toFailure } from '../../models/failure.ts';

/**
 * Has the servers forget a candidate that was discarded.
 *
 * Reads: the checkpoint. Writes nothing here. Safe to repeat: what a server does not know is forgotten already.
 */
export async function retireAdapter({ db }: Deps, { checkpointId }: { checkpointId: number }): Promise<void> {
  const checkpoint = await getCheckpoint(db, checkpointId);
  const run = await readRun(db, checkpoint.runId);
  const serving = endpointOf('generator', run.settings, taskOf(run), checkpoint);
  const signal = cancellationSignal();
  try {
    await unloadAdapter(serving, checkpoint.model, signal);
  } catch (error) {
    throw signal.aborted ? error : toFailure(error, `unloading ${checkpoint.model} at ${serving.baseURL}`);
  }
}
