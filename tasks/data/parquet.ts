/**
 * Parquet files as rows: a row group at a time, and only the columns that are wanted. In: a path. Out: values as JSON would have them.
 *
 * Covers: files that are cut off, damaged, or made to fill the memory (row-group.ts). Does not cover: encryption, and the packings LZ4 and
 * LZO, which are named.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { parquetMetadataAsync, parquetSchema, type AsyncBuffer, type FileMetaData } from 'hyparquet';
import { fileProblem, InvalidInputError } from '../errors.ts';
import type { DataRow } from './read.ts';
import { NoText, readGroup, Refusal } from './row-group.ts';

/** What describes the file, at its end. */
const MAX_FOOTER_BYTES = 64 * 2 ** 20;

/** @throws InvalidInputError when it is no Parquet file that can be read */
export async function* readParquet(
  what: string,
  path: string,
  wanted?: readonly string[],
): AsyncGenerator<DataRow> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path);
    const file = await bufferOf(handle);
    const metadata = await metadataOf(file);
    const tree = parquetSchema(metadata);
    const columns = tree.children.filter(({ element }) => wanted?.includes(element.name) ?? true);
    let row = 0;
    for (const group of metadata.row_groups) {
      const cells = await readGroup(file, group, tree, columns);
      for (let i = 0; i < Number(group.num_rows); i++) {
        row += 1;
        yield { row, at: `row ${row}`, ...rowOf(cells, i) };
      }
    }
  } catch (error) {
    if (error instanceof InvalidInputError) throw error;
    throw new InvalidInputError([
      (error as NodeJS.ErrnoException).syscall
        ? fileProblem(what, path, error)
        : `${what} ${path}: ${whyNot(error as Error)}`,
    ]);
  } finally {
    await handle?.close();
  }
}

const whyNot = (error: Error): string =>
  error instanceof Refusal
    ? error.message
    : `is no Parquet file that can be read: it is damaged or cut off (${error.message.slice(0, 100)})`;

async function bufferOf(handle: FileHandle): Promise<AsyncBuffer> {
  const { size } = await handle.stat();
  return {
    byteLength: size,
    async slice(start, end = size) {
      if (!(start >= 0 && start <= end && end <= size))
        throw new Refusal('is cut off: it names bytes that it has not');
      const bytes = new Uint8Array(end - start);
      await handle.read(bytes, 0, bytes.length, start);
      return bytes.buffer;
    },
  };
}

async function metadataOf(file: AsyncBuffer): Promise<FileMetaData> {
  const text = (bytes: ArrayBuffer) => Buffer.from(bytes).toString('latin1');
  if (file.byteLength < 12 || text(await file.slice(0, 4)) !== 'PAR1')
    throw new Refusal('is no Parquet file in spite of its name');
  const end = Buffer.from(await file.slice(file.byteLength - 8));
  if (end.toString('latin1', 4) !== 'PAR1')
    throw new Refusal('is cut off: the end of the Parquet file is missing');
  if (end.readUInt32LE(0) > MAX_FOOTER_BYTES)
    throw new Refusal(`is described in more than ${MAX_FOOTER_BYTES / 2 ** 20} MiB`);
  return parquetMetadataAsync(file, { geoparquet: false });
}

function rowOf(
  cells: ReadonlyMap<string, ArrayLike<unknown>>,
  i: number,
): { value: Record<string, unknown>; problem?: undefined } | { value?: undefined; problem: string } {
  const value: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [name, column] of cells) {
    const cell = column[i];
    // Nothing, and the number that stands for nothing.
    if (cell === null || cell === undefined || Number.isNaN(cell)) continue;
    try {
      value[name] = plain(cell);
    } catch (error) {
      if (error instanceof Refusal) return { problem: `has a "${name.slice(0, 40)}" ${error.message}` };
      throw error;
    }
  }
  return { value };
}

/** As JSON would have it. A whole number that JavaScript can't hold comes as its digits. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof NoText || value instanceof Uint8Array)
    throw new Refusal('of bytes that are no text in UTF-8');
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (Array.isArray(value) || ArrayBuffer.isView(value))
    return Array.from(value as unknown as ArrayLike<unknown>, plain);
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(one)]));
}
