/** What answers are checked by: the policies' sentences, a search over them, and the check made of both. */
import { createAccuracyCheck, type AccuracyCheck } from './accuracy.ts';
import { namesOf, readPolicies, type Passage } from './policies.ts';
import { createRetrieve, type Retrieve } from './retrieve.ts';
import type { SupportTask } from './schema.ts';

export type Library = {
  passages: ReadonlyMap<string, Passage>;
  /** In small letters, as all names here: those that the policies use. */
  names: ReadonlySet<string>;
  /** Names that say nothing as an answer. */
  common: ReadonlySet<string>;
  retrieve: Retrieve;
  check: AccuracyCheck;
};

export function libraryOf(
  passages: readonly Passage[],
  { common: given }: Pick<SupportTask, 'common'>,
): Library {
  const names = namesOf(passages);
  const common = new Set(given.flatMap((name) => name.toLowerCase().split(/\s+/)));
  const retrieve = createRetrieve(passages);
  return {
    passages: new Map(passages.map((one) => [one.id, one])),
    names,
    common,
    retrieve,
    check: createAccuracyCheck({ names, common }, retrieve),
  };
}

/** @throws InvalidInputError as `readPolicies` */
export const readLibrary = async (task: Pick<SupportTask, 'policies' | 'common'>): Promise<Library> =>
  libraryOf(await readPolicies(task.policies), task);
