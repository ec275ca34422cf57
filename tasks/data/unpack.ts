/**
 * The bytes of a file as a stream, unpacked where its name ends in `.gz`.
 *
 * Covers: archives that end too early, are damaged or are none; small ones that unpack without end. Does not cover: what the bytes say.
 */
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { fileProblem, InvalidInputError } from '../errors.ts';

/** Text shrinks to a tenth, seldom to a fiftieth. What unpacks to more than so many times its size was made to fill a disk or a day. */
const MOST_TIMES = 200;
/** A small file of equal lines may shrink to less than that, and does no harm. */
const HARMLESS_BYTES = 8 * 2 ** 20;

export const isGzip = (path: string): boolean => /\.gz$/i.test(path);

/** @param what names the file in errors, e.g. `prompts file` @throws InvalidInputError when it can't be read to its end */
export async function* bytesOf(what: string, path: string): AsyncGenerator<Buffer> {
  const packed = createReadStream(path, { highWaterMark: 1 << 18 });
  // An error of either is the error of the last; the callback only keeps it from being nobody's.
  const bytes = isGzip(path) ? pipeline(packed, createGunzip({ chunkSize: 1 << 18 }), () => {}) : packed;
  let length = 0;
  try {
    for await (const chunk of bytes as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (bytes !== packed && length > HARMLESS_BYTES && length > MOST_TIMES * packed.bytesRead)
        throw new InvalidInputError([
          `${what} ${path}: unpacks to more than ${MOST_TIMES} times its size: this is no file of data`,
        ]);
      yield chunk;
    }
  } catch (error) {
    if (error instanceof InvalidInputError) throw error;
    const damage = DAMAGE[(error as NodeJS.ErrnoException).code ?? ''];
    throw new InvalidInputError([damage ? `${what} ${path}: ${damage}` : fileProblem(what, path, error)]);
  } finally {
    packed.destroy();
    bytes.destroy();
  }
}

/** By the codes of zlib. */
const DAMAGE: Record<string, string> = {
  Z_BUF_ERROR: 'ends too early: a part of the gzip file is missing',
  Z_DATA_ERROR: 'is damaged, or no gzip file in spite of its name',
};
