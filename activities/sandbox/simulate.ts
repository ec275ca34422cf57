import { cancellationSignal, heartbeat } from '@temporalio/activity';
import { beating } from '../../engine/beat.ts';
import { simulate as run, type Simulated, type Simulation } from '../../tasks/discovery/simulation.ts';
import { failureOf } from './failure.ts';

/**
 * Makes one experiment on a simulator, in a container of its own. Reads and writes nothing: what it needs comes with it. A simulator
 * that crashes, or is not done in time, is a result.
 *
 * @throws SandboxUnavailable, not retried, where no container can be made
 */
export async function simulate(simulation: Simulation): Promise<Simulated> {
  try {
    return await beating(
      () => heartbeat(),
      () => run(simulation, cancellationSignal()),
    );
  } catch (error) {
    throw failureOf(error);
  }
}
