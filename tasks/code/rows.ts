/** JSONL files of rows with ids, each checked against a schema. */
import type { z } from 'zod';
import { collectProblems } from '../errors.ts';
import { readJsonl } from '../jsonl.ts';

/**
 * @param isNot what a row that is not as the schema has it is told, as in `is no report`
 * @param problemOf what else is wrong with a row
 * @throws InvalidInputError naming bad rows, and ids that stand there twice
 */
export async function readRows<Row extends { id: string }>(
  what: string,
  file: string,
  schema: z.ZodType<Row>,
  isNot: string,
  problemOf: (row: Row) => string | undefined,
): Promise<Row[]> {
  const problems = collectProblems();
  const rows = new Map<string, Row>();
  for await (const { line, value, problem } of readJsonl(what, file)) {
    const bad = (why: string) => problems.add(`${what} ${file}, line ${line} ${why}`);
    const parsed = problem === undefined ? schema.safeParse(value) : undefined;
    if (!parsed) bad(problem!);
    else if (!parsed.success) {
      const { path, message } = parsed.error.issues[0]!;
      bad(`${isNot}: ${path.join('.') || 'the row'}: ${message}`);
    } else {
      const row = parsed.data;
      const odd = problemOf(row) ?? (rows.has(row.id) ? 'has an id that stands there twice' : undefined);
      if (odd) bad(odd);
      else rows.set(row.id, row);
    }
  }
  problems.throwIfAny();
  return [...rows.values()];
}
