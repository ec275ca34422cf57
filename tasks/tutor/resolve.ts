/** Reads a task file of the kind `tutor`, its log and its catalogue, and finds out what is to be practised. */
import { resolve } from 'node:path';
import { allowedFile } from '../access.ts';
import { InvalidInputError } from '../errors.ts';
import { parseAs, type YamlFile } from '../yaml.ts';
import { catalogueOf, type Catalogue } from './catalogue.ts';
import { misconceptionOf, readFurther, type Further } from './further.ts';
import { readLog } from './log.ts';
import { isMisconception, mapOf, type LearnerMap } from './map.ts';
import { tutorTaskSchema, type TutorTask } from './schema.ts';

/** All that a run needs, as it was when the run was resolved: neither log nor catalogue is read again. */
export type TutorSpec = {
  kind: 'tutor';
  path: string;
  task: TutorTask;
  further: Further[];
  learners: LearnerMap[];
};

/** A misconception at a level, with how many learners have it there. */
export type Target = { misconception: string; skill: string; level: number; learners: number };

/** A run stores them all. */
const MAX_LEARNERS = 5_000;

/** A log and a catalogue, read: who has which misconception. @throws InvalidInputError naming what is wrong in either */
export async function readMaps(
  log: string,
  catalogue?: string,
): Promise<{ learners: LearnerMap[]; further: Further[]; catalogue: Catalogue }> {
  const further = catalogue === undefined ? [] : await readFurther(catalogue);
  const all = catalogueOf(further.map(misconceptionOf));
  return {
    learners: mapOf(await readLog(await allowedFile('log', resolve(log))), all),
    further,
    catalogue: all,
  };
}

/** @throws InvalidInputError naming every problem of the file, its log or its catalogue */
export async function resolveTutorTask(file: YamlFile, promptsFile?: string): Promise<TutorSpec> {
  if (promptsFile !== undefined)
    throw new InvalidInputError(['a task of kind tutor makes its items itself: leave --prompts out']);
  const given = parseAs(tutorTaskSchema, file);
  const absolute = (path: string) => resolve(file.folder, path);
  const task = {
    ...given,
    log: absolute(given.log),
    ...(given.catalogue === undefined ? {} : { catalogue: absolute(given.catalogue) }),
  };
  const { learners: all, further, catalogue } = await readMaps(task.log, task.catalogue);
  const missing = (task.learners ?? []).filter((name) => !all.some(({ learner }) => learner === name));
  if (missing.length > 0)
    throw new InvalidInputError(
      missing.map((name) => `learners: the log has no answers of ${JSON.stringify(name)}`),
    );
  const learners = task.learners ? all.filter(({ learner }) => task.learners!.includes(learner)) : all;
  if (learners.length > MAX_LEARNERS)
    throw new InvalidInputError([
      `log ${task.log}: has ${learners.length} learners, a run takes ${MAX_LEARNERS}: name some in "learners"`,
    ]);
  const spec: TutorSpec = { kind: 'tutor', path: file.path, task, further, learners };
  if (targetsOf(spec, catalogue).length === 0)
    throw new InvalidInputError([
      `log ${task.log}: no learner has a misconception that this task can practise: \`ratchet diagnose ${task.log}\` says what was found, and what to ask next`,
    ]);
  return spec;
}

/** What is to be practised, the most frequent first. */
export function targetsOf(
  { task, learners }: Pick<TutorSpec, 'task' | 'learners'>,
  catalogue: Catalogue,
): Target[] {
  const targets = new Map<string, Target>();
  for (const { skill, finding, level } of learners.flatMap(({ skills }) => skills)) {
    if (!isMisconception(finding, catalogue) || task.skills?.includes(skill) === false) continue;
    if (task.form === 'long-addition' && skill !== 'addition') continue;
    const key = `${finding}/${level}`;
    const target = targets.get(key) ?? { misconception: finding, skill, level, learners: 0 };
    targets.set(key, { ...target, learners: target.learners + 1 });
  }
  return [...targets.values()].toSorted((x, y) => y.learners - x.learners);
}
