import { UsageError } from '../process/errors.ts';
import { SandboxUnavailable } from '../sandbox/job.ts';
import { InvalidInputError } from '../tasks/errors.ts';

/** What files or this machine don't allow is wrong usage: said in sentences, and nothing was started. @throws UsageError */
export async function readable<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof InvalidInputError) throw new UsageError(error.problems.join('\n'));
    if (error instanceof SandboxUnavailable) throw new UsageError(error.message);
    throw error;
  }
}
