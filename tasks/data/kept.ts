/**
 * Rows that a command made when a run was resolved: kept as a file by SHA-256, so that whatever goes on with the run, after a restart or on
 * another machine, reads the same. The folder is RATCHET_ROWS, else `rows` of the data folder; workers on several machines share it.
 */
import { createHash, randomUUID } from 'node:crypto';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  openSync,
  closeSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { ratchetHome } from '../../process/program.ts';
import { InvalidInputError } from '../errors.ts';
import { runCommand, type CommandRun } from './command.ts';
import { madeOnce } from './made.ts';

/** Of rows that a command makes; files of any size are read. */
const MAX_BYTES = 2 ** 30;

const rowsFolder = (): string => resolve(process.env.RATCHET_ROWS || join(ratchetHome(), 'rows'));

const fileOf = (digest: string) => join(rowsFolder(), `${digest}.jsonl`);

/**
 * Runs a command and keeps what it writes, unless it did so a moment ago (made.ts).
 *
 * @returns its digest
 * @throws InvalidInputError as `runCommand`
 */
export function keepRows(what: string, run: Omit<CommandRun, 'bytes'>): Promise<string> {
  const folder = rowsFolder();
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return madeOnce(
    folder,
    run,
    (digest) => existsSync(fileOf(digest)),
    () => makeRows(what, run, folder),
  );
}

async function makeRows(what: string, run: Omit<CommandRun, 'bytes'>, folder: string): Promise<string> {
  const part = join(folder, `${randomUUID()}.part`);
  const hash = createHash('sha256');
  const file = openSync(part, 'w', 0o600);
  try {
    await runCommand(what, { ...run, bytes: MAX_BYTES }, (chunk) => {
      hash.update(chunk);
      writeSync(file, chunk);
    });
    const digest = hash.digest('hex');
    renameSync(part, fileOf(digest));
    return digest;
  } finally {
    closeSync(file);
    rmSync(part, { force: true });
  }
}

const found = new Set<string>();

/** Where rows are kept, once it is sure that they are those. @throws InvalidInputError where they are not here, or are others */
export async function keptRows(what: string, digest: string): Promise<string> {
  const file = fileOf(digest);
  if (!existsSync(file))
    throw new InvalidInputError([
      `${what}: the rows that its command made are not here (${file}): set RATCHET_ROWS to a folder that all workers share, or copy the file`,
    ]);
  if (found.has(file)) return file;
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) hash.update(chunk);
  const now = hash.digest('hex');
  if (now !== digest)
    throw new InvalidInputError([
      `${what}: ${file} has changed since its command made it (now ${now.slice(0, 12)}): put it back, or start another run`,
    ]);
  found.add(file);
  return file;
}
