/** `import`: files from elsewhere as prompts that later runs draw, or as worked answers that they learn from. */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import type { Db } from '../../db/connect.ts';
import { addGivenExamples, addStoredPrompts, givenAnswers } from '../../db/queries/outside.ts';
import { createLeakIndex, type HeldOut } from '../../loop/leaks.ts';
import { checkGiven, type Given } from '../../tasks/given.ts';
import { readData, rowWord } from '../../tasks/data/read.ts';
import { excerpt } from '../../tasks/jsonl.ts';
import type { Prompt, Task } from '../../tasks/task.ts';
import { UsageError } from '../../process/errors.ts';
import { lineProblems, lineRanges, type LineProblems } from './problems.ts';
import { leftAside, readProblem, readWorked } from './read-line.ts';

export const IMPORTED_AS = ['prompts', 'examples'] as const;
export type ImportedAs = (typeof IMPORTED_AS)[number];

export type ImportOptions = {
  as: ImportedAs;
  by: string;
  note?: string;
  /** Least likeness at which a problem counts as a held-out one. */
  similarity: number;
  /** Leave out held-out problems instead of refusing the file. */
  skipHeldOut?: boolean;
};

export type Imported = {
  lines: number;
  added: number;
  /** The same as another line, or as what is stored. */
  known: number;
  /** Lines that were left out because they are held-out problems. */
  heldOut: number[];
  /** Fields that were not looked at, with the number of lines that have them. */
  leftAside?: Record<string, number>;
};

const AT_ONCE = 500;

/**
 * All of a file or nothing.
 *
 * @throws UsageError naming every bad line by its number
 */
export async function importFile(
  db: Db,
  task: Task,
  file: string,
  options: ImportOptions,
): Promise<Imported> {
  const problems = lineProblems(rowWord(file));
  const index = createLeakIndex(await heldOut(task), options.similarity);
  const result: Imported = { lines: 0, added: 0, known: 0, heldOut: [] };
  const refuse = () => {
    if (problems.count === 0) return;
    const texts = problems.texts().map((text) => `  ${text}`);
    throw new UsageError(
      `Nothing of ${file} was imported. ${problems.count} of ${result.lines} ${rowWord(file)}s can't be used:\n${texts.join('\n')}`,
    );
  };
  await db.transaction(async (tx) => {
    const seen = createSeen(problems, rowWord(file));
    let page: { line: number; item: Prompt | Given }[] = [];
    const store = async () => {
      // Once a line is bad the rest is only checked.
      if (problems.count === 0 && page.length > 0)
        result.added += await storePage(tx, task, file, page, options, problems);
      page = [];
    };
    for await (const { row: line, value, problem } of readData('file', file)) {
      result.lines += 1;
      if (value) countFields(result, leftAside(value));
      const item = problem ?? readItem(task, value, options.as);
      if (typeof item === 'string') {
        problems.add(line, item);
        continue;
      }
      const leak = index.find({ key: item.key, text: item.text });
      if (leak) {
        const like = leak.kind === 'exact' ? 'is' : `is nearly (${leak.similarity.toFixed(2)})`;
        if (options.skipHeldOut) result.heldOut.push(line);
        else problems.add(line, `${like} a held-out problem of the benchmark ${leak.heldOut.benchmark}`);
        continue;
      }
      if (!seen(line, item)) continue;
      page.push({ line, item });
      if (page.length === AT_ONCE) await store();
    }
    await store();
    if (result.lines === 0) throw new UsageError(`${file} has no ${rowWord(file)}s: nothing was imported.`);
    refuse();
  });
  result.known = result.lines - result.added - result.heldOut.length;
  return result;
}

/** Names kept of fields that nothing is made of. */
const MOST_FIELDS = 50;

function countFields(result: Imported, names: string[]): void {
  for (const name of names) {
    const counts = (result.leftAside ??= {});
    if (Object.hasOwn(counts, name) || Object.keys(counts).length < MOST_FIELDS)
      counts[name] = (Object.hasOwn(counts, name) ? counts[name]! : 0) + 1;
  }
}

function readItem(task: Task, value: Record<string, unknown>, as: ImportedAs): Prompt | Given | string {
  if (as === 'prompts') {
    const problem = readProblem(task, value);
    return typeof problem === 'string' ? problem : task.readPrompt(problem.text);
  }
  const worked = readWorked(task, value);
  return typeof worked === 'string' ? worked : checkGiven(task, worked);
}

async function heldOut(task: Task): Promise<HeldOut[]> {
  const items: HeldOut[] = [];
  for (const benchmark of task.benchmarks)
    for await (const { key, text } of benchmark.items()) items.push({ key, text, benchmark: benchmark.name });
  return items;
}

const short = (text: string) => createHash('sha256').update(text).digest('base64url').slice(0, 22);

/** Is an item the first of its kind in the file? Another answer to the same problem is a bad line. */
function createSeen(problems: LineProblems, word: string): (line: number, item: Prompt | Given) => boolean {
  const items = new Set<string>();
  const answers = new Map<string, { line: number; answer: string }>();
  return (line, item) => {
    const isGiven = 'rationale' in item;
    if (isGiven) {
      const key = short(item.key);
      const first = answers.get(key);
      if (first && first.answer !== item.answer) {
        problems.add(
          line,
          `gives another answer than ${word} ${first.line}: ${item.answer}, not ${first.answer}`,
        );
        return false;
      }
      if (!first) answers.set(key, { line, answer: item.answer });
    }
    const same = short(isGiven ? `${item.text}\n${item.rationale}` : item.key);
    if (items.has(same)) return false;
    items.add(same);
    return true;
  };
}

async function storePage(
  tx: Pick<Db, 'insert' | 'select'>,
  task: Task,
  file: string,
  page: { line: number; item: Prompt | Given }[],
  { by, note }: ImportOptions,
  problems: LineProblems,
): Promise<number> {
  const common = (line: number) => ({
    task: task.name,
    source: 'import' as const,
    origin: `${basename(file)}, ${rowWord(file)} ${line}`,
  });
  const given = page.flatMap(({ line, item }) => ('rationale' in item ? [{ line, item }] : []));
  if (given.length === 0) {
    return addStoredPrompts(
      tx,
      page.map(({ line, item: { key, text, level } }) => ({ ...common(line), key, text, level })),
    );
  }
  const stored = await givenAnswers(
    tx,
    task.name,
    given.map(({ item }) => item.key),
  );
  for (const { line, item } of given) {
    const other = stored.find((one) => one.key === item.key && one.answer !== item.answer);
    if (other)
      problems.add(line, `gives another answer than was given before: ${item.answer}, not ${other.answer}`);
  }
  return addGivenExamples(
    tx,
    given.map(({ line, item: { key, text, level, rationale, answer } }) => {
      return { ...common(line), key, text, level, rationale, answer, by, note };
    }),
  );
}

export function importSummary(file: string, task: Task, done: Imported, as: ImportedAs): string {
  const kind = as === 'prompts' ? 'prompt' : 'example';
  const word = rowWord(file);
  const count = (n: number) => `${n} ${kind}${n === 1 ? '' : 's'}`;
  const lines = [
    `${count(done.added)} of ${file} ${done.added === 1 ? 'is' : 'are'} stored for the task ${task.name}.`,
  ];
  if (done.known > 0)
    lines.push(`${done.known} ${word}s were known: the same stands further up, or was stored before.`);
  if (done.heldOut.length > 0)
    lines.push(`Left out as held-out problems: ${word}s ${lineRanges(done.heldOut)}.`);
  const aside = Object.entries(done.leftAside ?? {});
  if (aside.length > 0)
    lines.push(`Not looked at: ${aside.map(([name, n]) => `${excerpt(name)} (${n} ${word}s)`).join(', ')}.`);
  lines.push(
    as === 'prompts'
      ? 'Later runs of the task draw them first (pool.stored).'
      : 'Later runs of the task take them into their next training set (training.given).',
  );
  return lines.join('\n');
}
