/**
 * Rows of the files that tasks and imports name, of whatever form; the ending tells which: `.csv`, `.tsv`, `.parquet`, and JSON Lines for
 * all others; text packed by gzip ends in `.gz`. In: a path. Out: objects, each with its place in the words of its form.
 */
import { InvalidInputError } from '../errors.ts';
import { readJsonl } from '../jsonl.ts';
import { isGzip } from './unpack.ts';

/**
 * `row` counts from 1: lines of JSON Lines, rows behind the header of CSV, rows of Parquet. `at` names the place, as `line 5`. `problem` says why there
 * is no object, and quotes nothing of the file but names of fields.
 */
export type DataRow = { row: number; at: string } & (
  | { value: Record<string, unknown>; problem?: undefined }
  | { value?: undefined; problem: string }
);

/** Rows to read, both included. */
type Range = { from?: number; to?: number };

type Form = 'jsonl' | 'csv' | 'parquet';

function formOf(path: string): Form {
  const name = path.toLowerCase().replace(/\.gz$/, '');
  if (/\.(csv|tsv)$/.test(name)) return 'csv';
  return name.endsWith('.parquet') ? 'parquet' : 'jsonl';
}

/** What a file's rows are called. */
export const rowWord = (path: string): 'line' | 'row' => (formOf(path) === 'jsonl' ? 'line' : 'row');

/**
 * @param what names the file in errors, e.g. `prompts file`
 * @param options.columns those that are wanted, where not all are: Parquet reads no others
 * @throws InvalidInputError when the file can't be read as a whole
 */
export async function* readData(
  what: string,
  path: string,
  { from = 1, to = Infinity, columns }: Range & { columns?: readonly string[] } = {},
): AsyncGenerator<DataRow> {
  for await (const one of rowsOf(what, path, columns)) {
    if (one.row > to) return;
    if (one.row >= from) yield one;
  }
}

function rowsOf(what: string, path: string, columns?: readonly string[]): AsyncIterable<DataRow> {
  const form = formOf(path);
  if (form === 'csv') return readCsvRows(what, path);
  if (form === 'jsonl') return readJsonRows(what, path);
  if (isGzip(path))
    throw new InvalidInputError([`${what} ${path}: Parquet packs itself: unpack it, with gunzip`]);
  return readParquetRows(what, path, columns);
}

async function* readJsonRows(what: string, path: string): AsyncGenerator<DataRow> {
  for await (const { line, ...read } of readJsonl(what, path))
    yield { row: line, at: `line ${line}`, ...read };
}

// Parsers that most processes never need.
async function* readCsvRows(what: string, path: string): AsyncGenerator<DataRow> {
  yield* (await import('./csv.ts')).readCsv(what, path);
}
async function* readParquetRows(
  what: string,
  path: string,
  columns?: readonly string[],
): AsyncGenerator<DataRow> {
  yield* (await import('./parquet.ts')).readParquet(what, path, columns);
}
