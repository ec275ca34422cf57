import { availableParallelism } from 'node:os';
import { activityInfo, cancellationSignal, heartbeat } from '@temporalio/activity';
import pLimit from 'p-limit';
import { beating } from '../../engine/beat.ts';
import type { Checked, CheckJob } from '../../loop/check-job.ts';
import { archiveFile } from '../../sandbox/archives.ts';
import type { SandboxedCheck } from '../../sandbox/job.ts';
import { runCheck } from '../../sandbox/verdict.ts';
import { failureOf } from './failure.ts';

/**
 * Runs a check on some samples, each in a container of its own, which no limit lets run for ever. Reads and writes nothing: what it
 * needs comes with it. Heartbeats tell Temporal each end, so that another worker, or this one after a crash, repeats none.
 *
 * @throws SandboxUnavailable, not retried, where no container can be made: nothing that a model wrote is run without one
 */
export async function runChecks({
  check,
  jobs,
}: {
  check: SandboxedCheck;
  jobs: CheckJob[];
}): Promise<Checked[]> {
  const signal = cancellationSignal();
  const done = new Map<string, Checked>(
    (activityInfo().heartbeatDetails as [string, Checked][] | undefined) ?? [],
  );
  const limit = pLimit(availableParallelism());
  const tell = () => heartbeat([...done]);
  const run = async ({ digest, input, archive: name }: CheckJob) => {
    if (done.has(digest)) return;
    signal.throwIfAborted();
    const archive = name === undefined ? undefined : archiveFile(name);
    done.set(digest, { digest, ...(await runCheck(check, { input, archive }, signal)) });
    tell();
  };
  try {
    await beating(tell, () => Promise.all(jobs.map((job) => limit(() => run(job)))));
  } catch (error) {
    limit.clearQueue();
    throw failureOf(error);
  }
  return jobs.map(({ digest }) => done.get(digest)!);
}
