/**
 * Files that checks read and that are too large to travel with them, such as a repository: kept by SHA-256 in one folder of the machine,
 * RATCHET_SANDBOX_ARCHIVES. Where the sandbox's workers run on other machines, that folder is shared or copied.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf } from '../process/digest.ts';
import { SandboxUnavailable } from './job.ts';

const fileIn = (folder: string, digest: string) => join(folder, `${digest}.tar`);

/** Where an archive is. @throws SandboxUnavailable where this machine does not have it */
export function archiveFile(digest: string, folder = process.env.RATCHET_SANDBOX_ARCHIVES): string {
  if (!folder)
    throw new SandboxUnavailable(
      'RATCHET_SANDBOX_ARCHIVES is not set: it names the folder of the archives that checks read',
    );
  const file = fileIn(folder, digest);
  if (existsSync(file)) return file;
  throw new SandboxUnavailable(
    `this machine has no archive ${digest} in ${folder}: copy it there from where the task's data was made, or set RATCHET_SANDBOX_ARCHIVES to a shared folder`,
  );
}

/** Keeps a file and gives its digest. What is there already is left as it is. */
export function keepArchive(folder: string, content: Buffer): string {
  const digest = digestOf(content);
  const file = fileIn(folder, digest);
  if (existsSync(file)) return digest;
  mkdirSync(folder, { recursive: true });
  const whole = `${file}.${randomUUID()}`;
  writeFileSync(whole, content);
  renameSync(whole, file);
  return digest;
}
