/** A folder with adapter weights as PEFT writes them: `adapter_model.safetensors`, float32. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export function writeAdapter(folder: string, tensors: Record<string, number[]>): string {
  const data: Buffer[] = [];
  let at = 0;
  const header = Object.fromEntries(
    Object.entries(tensors).map(([name, values]) => {
      const bytes = Buffer.from(Float32Array.from(values).buffer);
      data.push(bytes);
      const entry = { dtype: 'F32', shape: [values.length], data_offsets: [at, at + bytes.length] };
      at += bytes.length;
      return [name, entry];
    }),
  );
  const text = Buffer.from(JSON.stringify({ __metadata__: { format: 'pt' }, ...header }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'adapter_model.safetensors'), Buffer.concat([length, text, ...data]));
  return folder;
}
