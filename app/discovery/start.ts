/** Starting a study, and knowing when it is over. */
import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ApplicationFailure, type Client } from '@temporalio/client';
import type { Discovered } from '../../activities/discover/close.ts';
import { FAILURE } from '../../loop/failures.ts';
import { problemsIn } from '../../loop/input.ts';
import { UsageError } from '../../process/errors.ts';
import { addGrants } from '../../process/grants.ts';
import { ratchetHome } from '../../stack/home.ts';
import { readState } from '../../stack/state.ts';
import {
  discoverInputSchema,
  isFile,
  resolveSubject,
  subjectOf,
  type DiscoverInput,
} from '../../tasks/discovery/subject.ts';
import { filesOfSimulator } from '../../tasks/discovery/schema.ts';
import { innermost, mainQueue } from '../temporal.ts';
import { WORKFLOW } from '../../workflows/names.ts';

/**
 * An input with its file's whole path, checked as the workers will check it, so that what is wrong is said before anything is started.
 *
 * @throws UsageError, InvalidInputError
 */
export async function checkStudy(given: DiscoverInput): Promise<{ input: DiscoverInput; name: string }> {
  const input = isFile(given.of) ? { ...given, of: resolve(given.of) } : given;
  const parsed = discoverInputSchema.safeParse(input);
  if (!parsed.success) throw new UsageError(problemsIn(parsed.error).join('\n'));
  if (isFile(input.of) && input.noise !== undefined)
    throw new UsageError('--noise is of built-in laws: a simulator file says its own under noise.');
  const { name } = subjectOf(await resolveSubject(parsed.data), parsed.data);
  return { input, name };
}

/** Lets the local stack, where one runs, read the files that a person's own command names. */
export async function grantSimulator({ of }: DiscoverInput): Promise<void> {
  const home = ratchetHome();
  if (!isFile(of) || !readState(home)?.parts.worker) return;
  const files = await Promise.all((await filesOfSimulator(of)).map((file) => realpath(file)));
  addGrants(
    home,
    files.map((file) => ({ file })),
  );
}

export type StudyEnd = { end: 'found'; found: Discovered } | { end: 'failed'; reason: string };

/** Starts a study, or joins the one of this id that is under way. `ended` never rejects. */
export async function startStudy(
  client: Client,
  id: string,
  input: DiscoverInput,
): Promise<{ ended: Promise<StudyEnd> }> {
  const handle = await client.workflow.start(WORKFLOW.discover, {
    workflowId: id,
    taskQueue: mainQueue(),
    args: [input],
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
    staticSummary: `A study of ${input.of.split('/').at(-1)!}`,
  });
  const ended = handle.result().then(
    (found): StudyEnd => ({ end: 'found', found: found as Discovered }),
    (error: unknown): StudyEnd => {
      const cause = innermost(error);
      const advice =
        cause instanceof ApplicationFailure && cause.type === FAILURE.invalidInput
          ? ''
          : '. Start it again under the same --id: it goes on where it stopped';
      return { end: 'failed', reason: `${cause?.message ?? String(error)}${advice}` };
    },
  );
  return { ended };
}
