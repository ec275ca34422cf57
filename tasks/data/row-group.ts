/**
 * The columns of one row group of a Parquet file. What the group says of itself is held against limits, and what its pages say against the
 * group, before anything is unpacked; hyparquet's own functions do the rest, one column after the other, so that the first fault is the
 * only one.
 */
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import {
  flatten,
  snappyUncompress,
  type AsyncBuffer,
  type ColumnMetaData,
  type RowGroup,
  type SchemaTree,
} from 'hyparquet';
import { assembleNested } from 'hyparquet/src/assemble.js';
import { parquetHeader, readColumn } from 'hyparquet/src/column.js';
import { DEFAULT_PARSERS } from 'hyparquet/src/convert.js';
import { getTreePath } from 'hyparquet/src/schema.js';
import { decodeUtf8 } from '../decode.ts';

const MEBIBYTE = 2 ** 20;
/** Of the wanted columns of a group, unpacked: it is held in memory. Writers make groups of a tenth of that. */
const MAX_BYTES = 512 * MEBIBYTE;
/** Arrow's default is a quarter of that. */
const MAX_ROWS = 4 * MEBIBYTE;
const MAX_VALUES = 32 * MEBIBYTE;

/** Why a file is not read, in words. */
export class Refusal extends Error {}

/** Bytes that are no text: the row that holds them is named, not the file. */
export class NoText {}

/**
 * The cells of the wanted columns, by their names.
 *
 * @throws Refusal where the group is larger than may be, any Error where its pages say other than it does
 */
export async function readGroup(
  file: AsyncBuffer,
  { columns: all, num_rows }: RowGroup,
  tree: SchemaTree,
  wanted: readonly SchemaTree[],
): Promise<Map<string, ArrayLike<unknown>>> {
  const rows = Number(num_rows);
  const chunksOf = (name: string) =>
    all.flatMap(({ meta_data }) => (meta_data?.path_in_schema[0] === name ? meta_data : []));
  refuseTooLarge(
    rows,
    wanted.flatMap(({ element }) => chunksOf(element.name)),
  );
  const cells = new Map<string, ArrayLike<unknown>>();
  for (const column of wanted) {
    const { name } = column.element;
    const parts = new Map<string, ArrayLike<unknown>>();
    for (const chunk of chunksOf(name))
      parts.set(chunk.path_in_schema.join('.'), await readChunk(file, chunk, tree, rows));
    if (column.children.length > 0) assembleNested(parts as Map<string, unknown[]>, column, parsers);
    const found = parts.get(name);
    if (found?.length !== rows) throw new Error('a column of fewer rows than the file has');
    cells.set(name, found);
  }
  return cells;
}

function refuseTooLarge(rows: number, chunks: readonly ColumnMetaData[]): void {
  const bytes = chunks.reduce((sum, chunk) => sum + Number(chunk.total_uncompressed_size), 0);
  const values = chunks.reduce((sum, chunk) => sum + Number(chunk.num_values), 0);
  const most: [number, number, string][] = [
    [rows, MAX_ROWS, 'rows'],
    [Math.ceil(bytes / MEBIBYTE), MAX_BYTES / MEBIBYTE, 'MiB'],
    [values, MAX_VALUES, 'values'],
  ];
  for (const [has, allowed, unit] of most)
    if (!(has >= 0 && has <= allowed))
      throw new Refusal(
        `has a row group of ${has} ${unit}, at most ${allowed} are read: write it in smaller ones (row_group_size)`,
      );
  const packed = chunks.find(({ codec }) => codec !== 'UNCOMPRESSED' && !(codec in compressors));
  if (packed)
    throw new Refusal(
      `is packed with ${packed.codec}, which is not read: write it with snappy, zstd or gzip`,
    );
}

async function readChunk(
  file: AsyncBuffer,
  chunk: ColumnMetaData,
  tree: SchemaTree,
  rows: number,
): Promise<ArrayLike<unknown>> {
  const { path_in_schema: pathInSchema, data_page_offset, dictionary_page_offset } = chunk;
  const [data, dictionary] = [Number(data_page_offset), Number(dictionary_page_offset ?? 0)];
  const start = dictionary > 0 && dictionary < data ? dictionary : data;
  const view = new DataView(await file.slice(start, start + Number(chunk.total_compressed_size)));
  checkPages(view, Number(chunk.num_values));
  const schemaPath = getTreePath(tree, pathInSchema);
  const { element } = schemaPath.at(-1)!;
  const decoder = { ...chunk, pathInSchema, schemaPath, element, compressors, parsers };
  const whole = { groupStart: 0, groupRows: rows, selectStart: 0, selectEnd: rows };
  return flatten(readColumn({ view, offset: 0 }, whole, decoder).data);
}

/** Walks over the headers of all pages: together they may not say more than their column does. */
function checkPages(view: DataView, all: number): void {
  const reader = { view, offset: 0 };
  let values = 0;
  let bytes = 0;
  while (reader.offset < view.byteLength && values < all) {
    const header = parquetHeader(reader);
    const { compressed_page_size: packed, uncompressed_page_size: unpacked } = header;
    const count = (header.data_page_header ?? header.data_page_header_v2)?.num_values ?? 0;
    const words = header.dictionary_page_header?.num_values ?? 0;
    if (!(packed >= 0 && unpacked >= 0 && count >= 0 && words >= 0 && words <= unpacked))
      throw new Error('a page of no possible size');
    reader.offset += packed;
    values += count;
    bytes += unpacked;
    if (values > all || bytes > MAX_BYTES || reader.offset > view.byteLength)
      throw new Error('a page that is larger than its column');
  }
  if (values !== all) throw new Error('fewer values than its column has');
}

const inBounds = (unpack: (input: Uint8Array, options: { maxOutputLength: number }) => Uint8Array) => {
  return (input: Uint8Array, length: number) =>
    new Uint8Array(unpack(input, { maxOutputLength: Math.max(length, 1) }));
};

const compressors = {
  SNAPPY(input: Uint8Array, length: number) {
    const output = new Uint8Array(length);
    snappyUncompress(input, output);
    return output;
  },
  GZIP: inBounds(gunzipSync),
  BROTLI: inBounds(brotliDecompressSync),
  ZSTD: inBounds(zstdDecompressSync),
};

// What a column of JSON holds is a text to us.
const parsers = { ...DEFAULT_PARSERS, stringFromBytes: textOf, jsonFromBytes: textOf };

function textOf(bytes: Uint8Array | undefined): string | NoText | undefined {
  if (bytes === undefined) return undefined;
  const decoded = decodeUtf8(bytes);
  return 'text' in decoded ? decoded.text : new NoText();
}
