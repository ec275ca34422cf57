import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { ADAPTER_FILE, readAdapter } from '../../models/adapter-file.ts';
import { writeAdapter } from '../support/adapter-folder.ts';

const folder = mkdtempSync(join(tmpdir(), 'ratchet-adapter-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const A = 'base_model.model.layers.0.q_proj.lora_A.weight';
const B = 'base_model.model.layers.0.q_proj.lora_B.weight';
let made = 0;
const write = (tensors: Record<string, number[]>) => writeAdapter(join(folder, String(++made)), tensors);

/** The same bytes under another type. */
function retype(path: string, dtype: string, bytes: number): string {
  const file = join(path, ADAPTER_FILE);
  const whole = readFileSync(file);
  const length = Number(whole.readBigUInt64LE());
  const text = whole
    .subarray(8, 8 + length)
    .toString()
    .replaceAll('"F32"', `"${dtype}"`)
    .replaceAll(/"shape":\[(\d+)\]/g, (_, n: string) => `"shape":[${(Number(n) * 4) / bytes}]`);
  const head = Buffer.alloc(8);
  head.writeBigUInt64LE(BigInt(Buffer.byteLength(text)));
  writeFileSync(file, Buffer.concat([head, Buffer.from(text), whole.subarray(8 + length)]));
  return path;
}

describe('an adapter folder', () => {
  it('that was trained is finite and adds something', async () => {
    const builtIn = fileURLToPath(new URL('../../modelserver/builtin/arithmetic-critic', import.meta.url));
    const found = (await readAdapter(builtIn))!;
    expect(found).toMatchObject({ nonFinite: undefined, addsNothing: false });
    expect(found.tensors).toBeGreaterThan(2);
  });

  it('with NaN or infinite values is told from one with large ones, and the first such tensor is named', async () => {
    const large = [3.4e38, -3.4e38, 1e-45, -0];
    expect((await readAdapter(write({ [A]: large, [B]: [1] })))!.nonFinite).toBeUndefined();
    for (const bad of [NaN, Infinity, -Infinity]) {
      const found = await readAdapter(write({ [B]: [1, bad, bad], [A]: large }));
      expect(found!.nonFinite).toEqual({ tensor: B, values: 2, of: 3 });
    }
  });

  it('is looked into in 16 and 64 bits as well', async () => {
    const bits = (values: number[]) => [...new Float32Array(Uint32Array.from(values).buffer)];
    // Two numbers of 16 bits in each of 32; 0x7f80 is infinite as a bfloat16.
    const halves = write({ [A]: bits([0x7f803f80, 0x3f803f80]), [B]: [1] });
    expect((await readAdapter(retype(halves, 'BF16', 2)))!.nonFinite).toEqual({
      tensor: A,
      values: 1,
      of: 4,
    });
    const half = write({ [A]: bits([0x7bff0000, 0x7c000001]), [B]: [1] });
    expect((await readAdapter(retype(half, 'F16', 2)))!.nonFinite).toEqual({ tensor: A, values: 1, of: 4 });
    const double = write({ [A]: bits([0, 0x7ff00000, 0xffffffff, 0x7fefffff]), [B]: bits([1, 1]) });
    expect((await readAdapter(retype(double, 'F64', 8)))!.nonFinite).toEqual({ tensor: A, values: 1, of: 2 });
  });

  it('adds nothing when every lora_B is zero, and only then', async () => {
    expect((await readAdapter(write({ [A]: [1, 2], [B]: [0, 0] })))!.addsNothing).toBe(true);
    expect((await readAdapter(write({ [A]: [1, 2], [B]: [0, 1e-30] })))!.addsNothing).toBe(false);
    expect(
      (await readAdapter(write({ [A]: [1], [B]: [0], 'm.lora_magnitude_vector': [1] })))!.addsNothing,
    ).toBe(false);
  });

  it('has the digest of its values, whatever their order in the file', async () => {
    const digest = async (tensors: Record<string, number[]>) => (await readAdapter(write(tensors)))!.digest;
    const first = await digest({ [A]: [1, 2], [B]: [3] });
    expect(await digest({ [B]: [3], [A]: [1, 2] })).toBe(first);
    expect(await digest({ [A]: [1, 2], [B]: [4] })).not.toBe(first);
    expect(await digest({ [A]: [1], [B]: [2, 3] })).not.toBe(first);
  });

  it('that is not there is no error, and a broken one is named', async () => {
    expect(await readAdapter(join(folder, 'nowhere'))).toBeUndefined();
    const cut = write({ [A]: [1, 2], [B]: [3] });
    truncateSync(join(cut, ADAPTER_FILE), readFileSync(join(cut, ADAPTER_FILE)).length - 4);
    await expect(readAdapter(cut)).rejects.toThrow(
      /safetensors is no adapter that could be used: the data of .*lora_B/,
    );
    writeFileSync(join(cut, ADAPTER_FILE), 'not at all what it says');
    await expect(readAdapter(cut)).rejects.toThrow(/its header would have \d+ bytes/);
  });
});
