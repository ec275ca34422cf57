/**
 * Looks into the weights of a PEFT adapter folder, where the worker can read it, before anything is spent on measuring it.
 * A trainer may say "succeeded" and have written no numbers, or nothing new.
 *
 * Covers `adapter_model.safetensors` in 64, 32 and 16 bits; quantised tensors and other files are not looked into. Header and
 * offsets come from outside: they are checked before they are followed, and the file is read in blocks.
 */
import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

export const ADAPTER_FILE = 'adapter_model.safetensors';

export type AdapterWeights = {
  /** SHA-256 over names, types, shapes and values, whatever their order in the file. */
  digest: string;
  tensors: number;
  /** Shape of each tensor, by name. */
  shapes: Map<string, number[]>;
  /** First tensor with values that are no finite numbers, how many it has, and of how many. */
  nonFinite?: { tensor: string; values: number; of: number };
  /** Every `lora_B` is zero: the adapter adds nothing to its base. */
  addsNothing: boolean;
};

const MAX_HEADER_BYTES = 100_000_000;
/** Divisible by every size of a number. */
const BLOCK_BYTES = 1 << 22;

const tensorSchema = z.object({
  dtype: z.string(),
  shape: z.array(z.int().min(0)),
  data_offsets: z.tuple([z.int().min(0), z.int().min(0)]),
});
type Tensor = z.infer<typeof tensorSchema>;

/** Bytes of a number, and the bits of its exponent in its highest 16: all set, it is infinite or no number. */
const TYPES: Record<string, { bytes: number; exponent: number }> = {
  F64: { bytes: 8, exponent: 0x7ff0 },
  F32: { bytes: 4, exponent: 0x7f80 },
  BF16: { bytes: 2, exponent: 0x7f80 },
  F16: { bytes: 2, exponent: 0x7c00 },
};

/** Numbers, little-endian, that are not finite. */
function countNonFinite(data: Buffer, { bytes, exponent }: { bytes: number; exponent: number }): number {
  let count = 0;
  for (let high = bytes - 2; high < data.length; high += bytes) {
    if ((data.readUInt16LE(high) & exponent) === exponent) count += 1;
  }
  return count;
}

/**
 * @returns undefined where there is no such file that this process may read: the adapter lies on another machine
 * @throws Error naming the file when it is broken
 */
export async function readAdapter(folder: string): Promise<AdapterWeights | undefined> {
  const path = join(folder, ADAPTER_FILE);
  let file: FileHandle;
  try {
    file = await open(path);
  } catch {
    return undefined;
  }
  try {
    return await look(file);
  } catch (error) {
    throw new Error(`${path} is no adapter that could be used: ${(error as Error).message}`, {
      cause: error,
    });
  } finally {
    await file.close();
  }
}

async function look(file: FileHandle): Promise<AdapterWeights> {
  const { tensors, start } = await header(file);
  const digest = createHash('sha256');
  let nonFinite: AdapterWeights['nonFinite'];
  let anyB = false;
  let addsNothing = true;
  for (const [name, { dtype, shape, data_offsets: offsets }] of tensors) {
    digest.update(`${name} ${dtype} ${shape.join('x')}\n`);
    const type = TYPES[dtype];
    const isB = /\blora_(embedding_)?B\b/.test(name);
    anyB ||= isB;
    let bad = 0;
    for await (const bytes of blocks(file, start + offsets[0], start + offsets[1])) {
      digest.update(bytes);
      // Magnitude vectors, biases and whole modules change a model by themselves.
      if (addsNothing && (isB || !/\blora_(embedding_)?A\b/.test(name)) && bytes.some((byte) => byte !== 0))
        addsNothing = false;
      if (type) bad += countNonFinite(bytes, type);
    }
    if (bad > 0)
      nonFinite ??= { tensor: name, values: bad, of: shape.reduce((product, n) => product * n, 1) };
  }
  return {
    digest: digest.digest('hex'),
    tensors: tensors.length,
    shapes: new Map(tensors.map(([name, { shape }]) => [name, shape])),
    nonFinite,
    addsNothing: anyB && addsNothing,
  };
}

async function header(file: FileHandle): Promise<{ tensors: [string, Tensor][]; start: number }> {
  const { size } = await file.stat();
  const length = Number((await read(file, 0, 8)).readBigUInt64LE());
  if (length > Math.min(MAX_HEADER_BYTES, size - 8)) throw new Error(`its header would have ${length} bytes`);
  const text = (await read(file, 8, length)).toString('utf8');
  const { __metadata__: _, ...entries } = JSON.parse(text) as Record<string, unknown>;
  const start = 8 + length;
  const tensors = Object.entries(entries).map(([name, entry]): [string, Tensor] => {
    const tensor = tensorSchema.parse(entry);
    const [from, to] = tensor.data_offsets;
    const bytes = TYPES[tensor.dtype]?.bytes;
    const wanted = bytes && bytes * tensor.shape.reduce((product, n) => product * n, 1);
    if (to < from || start + to > size || (wanted !== undefined && to - from !== wanted))
      throw new Error(`the data of ${name} is not where its header says`);
    return [name, tensor];
  });
  if (tensors.length === 0) throw new Error('it holds no tensors');
  return { tensors: tensors.toSorted(([a], [b]) => (a < b ? -1 : 1)), start };
}

async function* blocks(file: FileHandle, from: number, to: number): AsyncGenerator<Buffer> {
  for (let at = from; at < to; at += BLOCK_BYTES) yield await read(file, at, Math.min(BLOCK_BYTES, to - at));
}

async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  if (bytesRead !== length) throw new Error('it ends too early');
  return buffer;
}
