/**
 * Rows that a command made a moment ago, by whichever process of this machine. `ratchet run` reads a task before it starts anything, and
 * the worker again when the run begins: a command of minutes is worth running once for both. Who comes while another runs it waits.
 *
 * Covers: the same program, arguments, folder and passed variables, while no file of the folder, and none that is named, has changed
 * since. Does not cover: what else a command reads (a database, the network, the time), which is why rows soon count as old.
 */
import { mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { digestOf } from '../../process/digest.ts';
import { withLock } from '../../process/lock.ts';
import { writeWhole } from '../../process/write-whole.ts';
import { passedVariables, type CommandRun } from './command.ts';

/** How long rows are those that the command would make now. */
const FRESH_MS = 120_000;

/** A folder of more is not looked through: its command is run each time. */
const MOST_LOOKED_AT = 2_000;

/** What a program leaves behind, and what is too much to look through. */
const NOT_LOOKED_AT = /^(?:\..*|__pycache__|node_modules)$/;

const recordSchema = z.object({ digest: z.string(), files: z.string(), endedAt: z.number() });

/**
 * The digest of a command's rows: of those that were made a moment ago, or what `make` gives. One process of a machine at a time makes
 * the same; one that was killed meanwhile holds up nobody.
 *
 * @param folder of all rows
 * @param isKept whether rows are still there, by their digest
 */
export async function madeOnce(
  folder: string,
  run: Pick<CommandRun, 'command' | 'folder'>,
  isKept: (digest: string) => boolean,
  make: () => Promise<string>,
): Promise<string> {
  const made = join(folder, '.made');
  mkdirSync(made, { recursive: true, mode: 0o700 });
  const name = digestOf(JSON.stringify([run.command, resolve(run.folder), passedVariables()]));
  const file = join(made, `${name}.json`);
  // Who holds a lock is told by pid and start time, which say nothing on another machine that shares the folder.
  return withLock(join(made, `${name}.${hostname()}.lock`), async () => {
    const before = filesOf(run);
    const record = readRecord(file);
    const age = record ? Date.now() - record.endedAt : Infinity;
    if (record && before && record.files === listed(before) && age < FRESH_MS && isKept(record.digest))
      return record.digest;
    const digest = await make();
    const after = filesOf(run);
    // New files may be the command's own; where one changed, nobody knows which state was read.
    if (before && after && [...before].every(([path, state]) => after.get(path) === state))
      writeWhole(file, JSON.stringify({ digest, files: listed(after), endedAt: Date.now() }));
    return digest;
  });
}

const listed = (files: ReadonlyMap<string, string>): string => digestOf(JSON.stringify([...files]));

function readRecord(file: string): z.output<typeof recordSchema> | undefined {
  try {
    return recordSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return undefined;
  }
}

/** Size and time of the files in a command's folder, and of those that its arguments name; undefined: too many. */
function filesOf({
  command,
  folder,
}: Pick<CommandRun, 'command' | 'folder'>): Map<string, string> | undefined {
  const files = new Map<string, string>();
  let looked = 0;
  const look = (path: string): boolean => {
    if (++looked > MOST_LOOKED_AT) return false;
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
    if (stat?.isFile()) files.set(path, `${stat.size} ${stat.mtimeNs}`);
    if (!stat?.isDirectory()) return true;
    return readdirSync(path)
      .filter((name) => !NOT_LOOKED_AT.test(name))
      .toSorted()
      .every((name) => look(join(path, name)));
  };
  try {
    return [folder, ...command.map((word) => resolve(folder, word))].every(look) ? files : undefined;
  } catch {
    // A link in a circle, a folder that may not be read, an argument that is longer than a path may be.
    return undefined;
  }
}
