/** What containers of this machine are made of, in one digest: results of checks are kept by it, and made anew where it is another. */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { toolFolders } from './bubblewrap.ts';

/** Debian's list of what is installed, with versions. */
const PACKAGES = '/var/lib/dpkg/status';

/** Names and sizes: equal on machines of one image, whenever the files were unpacked. */
function programsIn(folder: string): string[] {
  let names: string[];
  try {
    names = readdirSync(folder).toSorted();
  } catch {
    return [];
  }
  return names.map(
    (name) => `${name} ${statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 'gone'}`,
  );
}

function installed(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/**
 * @param folders of programs, as containers have them on their PATH; @param packages a file that lists what is installed
 * @returns SHA-256 in hex
 * @throws SandboxUnavailable as `toolFolders` does
 */
export function imageDigest(
  folders: readonly string[] = [
    ...toolFolders().map((folder) => join(folder, 'bin')),
    '/usr/local/bin',
    '/usr/bin',
    '/bin',
  ],
  packages = PACKAGES,
): string {
  const hash = createHash('sha256').update(installed(packages));
  for (const folder of folders) hash.update(`\n${JSON.stringify(programsIn(folder))}`);
  return hash.digest('hex');
}
