/**
 * CSV and TSV (RFC 4180) as rows of texts, as a stream. The first line names the columns; every cell is a text, whatever stands in it.
 */
import { pipeline, Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { decodeUtf8, foreignFile } from '../decode.ts';
import { InvalidInputError } from '../errors.ts';
import { MAX_LINE_BYTES } from '../lines.ts';
import type { DataRow } from './read.ts';
import { bytesOf } from './unpack.ts';

/** @throws InvalidInputError when it can't be read, or its quotes or its header are wrong */
export async function* readCsv(what: string, path: string): AsyncGenerator<DataRow> {
  const refuse = (why: string) => new InvalidInputError([`${what} ${path}: ${why}`]);
  const delimiter = /\.tsv(\.gz)?$/i.test(path) ? '\t' : ',';
  const parser = parse({
    delimiter,
    encoding: null,
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: MAX_LINE_BYTES,
  });
  const input = Readable.from(withoutMark(what, path), { objectMode: false });
  pipeline(input, parser, () => {});
  let columns: string[] | undefined;
  let row = 0;
  try {
    for await (const record of parser as AsyncIterable<Buffer[]>) {
      if (!columns) {
        columns = headerOf(record, delimiter, refuse);
        continue;
      }
      row += 1;
      const read = rowOf(columns, record);
      yield { row, at: `row ${row}`, ...read };
    }
  } catch (error) {
    throw error instanceof CsvError
      ? refuse(`${saidOf(error)} (behind ${columns ? `row ${row}` : 'the beginning'})`)
      : error;
  } finally {
    input.destroy();
    parser.destroy();
  }
}

/** Without a byte-order mark; files that are no text as a whole are refused. */
async function* withoutMark(what: string, path: string): AsyncGenerator<Buffer> {
  let first = true;
  for await (const chunk of bytesOf(what, path)) {
    if (!first) {
      yield chunk;
      continue;
    }
    first = false;
    const foreign = foreignFile(chunk);
    if (foreign) throw new InvalidInputError([`${what} ${path}: ${foreign}`]);
    yield chunk.subarray(chunk.indexOf('\uFEFF') === 0 ? 3 : 0);
  }
}

function headerOf(record: Buffer[], delimiter: string, refuse: (why: string) => Error): string[] {
  const columns = record.map((cell) => {
    const decoded = decodeUtf8(cell);
    if ('problem' in decoded) throw refuse(`line 1 ${decoded.problem}`);
    return decoded.text.trim();
  });
  if (columns.length === 1 && columns[0]!.includes(';'))
    throw refuse('is separated by semicolons: save it with commas, or with tabs as .tsv');
  if (columns.length === 1 && delimiter === ',' && columns[0]!.includes('\t'))
    throw refuse('is separated by tabs: give it a name that ends in .tsv');
  const twice = columns.find((name, i) => name !== '' && columns.indexOf(name) < i);
  if (twice !== undefined) throw refuse(`has two columns of one name: ${JSON.stringify(twice.slice(0, 40))}`);
  return columns;
}

/** Of a column without a name (pandas writes its index so) nothing is made. */
function rowOf(
  columns: string[],
  record: Buffer[],
): { value: Record<string, unknown>; problem?: undefined } | { value?: undefined; problem: string } {
  if (record.length !== columns.length)
    return { problem: `has ${record.length} cells where the first line has ${columns.length}` };
  const value: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [i, name] of columns.entries()) {
    if (name === '') continue;
    const decoded = decodeUtf8(record[i]!);
    if ('problem' in decoded) return { problem: `has a "${name}" that ${decoded.problem}` };
    value[name] = decoded.text;
  }
  return { value };
}

/** Messages of the parser quote the file. */
function saidOf({ code }: CsvError): string {
  const why: Partial<Record<typeof code, string>> = {
    CSV_QUOTE_NOT_CLOSED: 'a quote is opened and not closed',
    CSV_INVALID_CLOSING_QUOTE: 'something stands between a closing quote and the end of its cell',
    INVALID_OPENING_QUOTE:
      'a quote stands within a cell that does not begin with one: write it twice, within quotes',
    CSV_MAX_RECORD_SIZE: `a row has more than ${MAX_LINE_BYTES / 2 ** 20} MiB: is a quote not closed?`,
  };
  return why[code] ?? `is no CSV: ${code}`;
}
