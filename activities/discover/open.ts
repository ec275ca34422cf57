import { activityInfo } from '@temporalio/activity';
import { addStudy } from '../../db/queries/discovery.ts';
import type { Deps } from '../../engine/context.ts';
import { invalidInput } from '../../engine/invalid-input.ts';
import { problemsIn } from '../../loop/input.ts';
import {
  discoverInputSchema,
  resolveSubject,
  subjectOf,
  type DiscoverInput,
} from '../../tasks/discovery/subject.ts';
import { InvalidInputError } from '../../tasks/errors.ts';

/**
 * Stores a study with what it is about; a simulator's files are read once, here. Writes one row of `studies` under the workflow's id;
 * done twice it finds that row.
 *
 * @throws InvalidInput naming everything that is wrong
 */
export async function openStudy({ db }: Deps, input: DiscoverInput): Promise<void> {
  const { workflowId: id } = activityInfo().workflowExecution!;
  const parsed = discoverInputSchema.safeParse(input);
  if (!parsed.success) throw invalidInput(problemsIn(parsed.error));
  const settings = parsed.data;
  try {
    const spec = await resolveSubject(settings);
    const { name, hypotheses } = subjectOf(spec, settings);
    await addStudy(db, { id, name, subject: spec, settings, hypotheses: hypotheses.length });
  } catch (error) {
    throw error instanceof InvalidInputError ? invalidInput(error.problems) : error;
  }
}
