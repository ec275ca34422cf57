/** Bug reports that people wrote, as rows of JSONL: about a bug that is there, or, to measure by, about one that is planted. */
import { z } from 'zod';
import type { Bug } from '../../tasks/code/bugs.ts';
import { relevantCode } from '../../tasks/code/excerpt.ts';
import type { CodeTask } from '../../tasks/code/schema.ts';
import { functionsIn } from '../../tasks/code/source.ts';
import { readRows } from '../../tasks/code/rows.ts';
import { InvalidInputError } from '../../tasks/errors.ts';
import { buggyFunction, knownOf, surveyOf, type Looked } from './looked.ts';

const text = z.string().max(50_000);
const reportSchema = z.strictObject({
  id: z.string().min(1).max(200),
  repository: z.string(),
  title: text.min(1),
  text,
  log: text.optional(),
  plant: z
    .array(z.strictObject({ path: z.string(), search: text.min(1), replace: text }))
    .min(1)
    .max(20)
    .refine((edits) => edits.every(({ path }) => path === edits[0]!.path), 'a bug lies in one file')
    .optional()
    .describe('the bug, where the repository does not have it as it is'),
  expects: z
    .array(z.strictObject({ call: text.min(1), expected: text.min(1) }))
    .max(20)
    .default([])
    .describe('what must hold once it is mended: a call of the function, and the value that it gives'),
});
export type Report = z.output<typeof reportSchema>;

/** About what the model is shown of the code. */
const TOKENS = 600;

/** @throws InvalidInputError naming every row that can't be used */
export function readReports(file: string, task: CodeTask): Promise<Report[]> {
  const known = new Set(task.repositories.map(({ name }) => name));
  return readRows('reports file', file, reportSchema, 'is no report', ({ repository }) =>
    known.has(repository) ? undefined : 'is about a repository that the task file does not name',
  );
}

export type ReportedBug = Omit<Bug, 'set'>;

/** The bug of a report, with the code that it leads to. @throws InvalidInputError where it can't be planted, or leads nowhere */
export async function rowOfReport(report: Report, looked: Looked): Promise<ReportedBug> {
  const { snapshot, repository } = looked;
  const bad = (why: string) => new InvalidInputError([`report ${report.id}: ${why}`]);
  const files = Object.fromEntries(snapshot.sources);
  const [plant] = report.plant ?? [];
  for (const { path, search, replace } of report.plant ?? []) {
    const before = files[path];
    if (before === undefined) throw bad(`${path} is no source file of ${repository.name}`);
    if (before.split(search).length !== 2)
      throw bad(`what it searches for is not there exactly once in ${path}`);
    files[path] = before.replace(search, () => replace);
  }
  const relevant = relevantCode(files, report, { tokens: TOKENS });
  // What may be changed is one file: that of the bug, where it is known, else of what the report leads to.
  const path = plant?.path ?? relevant[0]?.path;
  if (path === undefined)
    throw bad(
      'it names nothing of the source, so no code can be shown: name the function, or give a traceback',
    );
  const file = files[path]!;
  const fn = functionsIn(path, file).find(({ name, start, end }) =>
    plant
      ? start <= file.indexOf(plant.replace) && file.indexOf(plant.replace) < end
      : name === relevant[0]!.name,
  );
  if (!fn) throw bad(`what it changes in ${path} is in no function, and a fix is of a function`);
  const shown = relevant.filter((one) => one.path === path);
  if (!shown.some(({ name }) => name === fn.name))
    shown.push({ path, name: fn.name, text: fn.text, why: '' });
  const known = await knownOf(looked, fn, 0);
  // What the repository has in its place, where the bug is planted.
  const own = plant && functionsIn(path, snapshot.sources.get(path)!).find(({ name }) => name === fn.name);
  if (plant && !own) throw bad(`${fn.name} is there only with what it plants`);
  const buggy = buggyFunction(looked, own ?? fn, {
    file,
    known,
    surveyed: await surveyOf(looked, fn, file, known.probes),
    sound: plant !== undefined,
  });
  const { must, keep } = buggy;
  if (plant && (must.length === 0 || keep.length === 0))
    throw bad(must.length === 0 ? 'no test fails with what it plants' : 'no test passes with what it plants');
  return {
    ...buggy,
    id: `${repository.name}/report/${report.id}`,
    title: report.title,
    text: report.text,
    ...(report.log ? { log: report.log } : {}),
    shown: shown.map(({ path: at, name, text: code }) => ({ path: at, name, text: code })),
    expects: report.expects,
    planted: plant !== undefined,
  };
}
