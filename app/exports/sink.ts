/** Where an export goes: standard output, or files that appear whole or not at all, with their digests beside them. */
import { createHash, type Hash } from 'node:crypto';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Line } from './lines.ts';

export type Written = { rows: number; bytes: number; sha256: string };

export interface Sink {
  write(lines: Line[]): Promise<void>;
  /** So far; nothing can be seen of it yet. */
  written(): Written;
  /** Makes it visible. */
  finish(): Promise<void>;
  /** Leaves nothing behind. */
  discard(): Promise<void>;
}

type Count = { rows: number; bytes: number; hash: Hash };

const empty = (): Count => ({ rows: 0, bytes: 0, hash: createHash('sha256') });

function add(count: Count, texts: string[]): Buffer {
  const data = Buffer.from(texts.map((text) => `${text}\n`).join(''));
  count.rows += texts.length;
  count.bytes += data.length;
  count.hash.update(data);
  return data;
}

const written = ({ rows, bytes, hash }: Count): Written => ({
  rows,
  bytes,
  sha256: hash.copy().digest('hex'),
});

/** Waits for a reader that is slower than the database. */
export function stdoutSink(stream: NodeJS.WritableStream = process.stdout): Sink {
  const count = empty();
  return {
    async write(lines) {
      const data = add(
        count,
        lines.map((line) => line.text),
      );
      if (data.length === 0) return;
      await new Promise<void>((resolve, reject) =>
        stream.write(data, (error) => (error ? reject(error) : resolve())),
      );
    },
    written: () => written(count),
    finish: async () => undefined,
    discard: async () => undefined,
  };
}

/** The names of what is written beside an exported file. */
export const metadataFile = (file: string) => `${file}.metadata.jsonl`;
export const digestFile = (file: string) => `${file}.sha256`;

/** Files are written under other names and renamed at the end; `sha256sum -c FILE.sha256` checks them. */
export async function fileSink(file: string, withMetadata: boolean): Promise<Sink> {
  const targets = withMetadata ? [metadataFile(file), file] : [file];
  const parts = targets.map((target) => ({ target, part: `${target}.${process.pid}.part`, count: empty() }));
  const handles: FileHandle[] = [];
  const discard = async () => {
    for (const handle of handles.splice(0)) await handle.close().catch(() => undefined);
    for (const { part } of parts) await rm(part, { force: true });
    await rm(`${digestFile(file)}.${process.pid}.part`, { force: true });
  };
  try {
    for (const { part } of parts) handles.push(await open(part, 'w'));
  } catch (error) {
    await discard();
    throw error;
  }
  const main = parts.at(-1)!;
  return {
    async write(lines) {
      for (const [i, { target, count }] of parts.entries()) {
        const texts = lines.map((line) => (target === file ? line.text : line.metadata!));
        await handles[i]!.writeFile(add(count, texts));
      }
    },
    written: () => written(main.count),
    async finish() {
      const digests = parts
        .toReversed()
        .map(({ target, count }) => `${written(count).sha256}  ${basename(target)}\n`)
        .join('');
      const digestPart = `${digestFile(file)}.${process.pid}.part`;
      for (const handle of handles) await handle.sync();
      for (const handle of handles.splice(0)) await handle.close();
      const handle = await open(digestPart, 'w');
      await handle.writeFile(digests);
      await handle.sync();
      await handle.close();
      // The file itself comes last: whoever sees it finds the others.
      await rename(digestPart, digestFile(file));
      for (const { part, target } of parts) await rename(part, target);
    },
    discard,
  };
}
