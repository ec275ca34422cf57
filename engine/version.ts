import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isPackage, programFolder } from '../process/program.ts';

let version: string | undefined;

/** Version of this code, stored with each run: package version and, where it is known, the commit. */
export function codeVersion(): string {
  if (version) return version;
  const { version: released, commit = isPackage ? undefined : describeCommit() } = JSON.parse(
    readFileSync(join(programFolder, 'package.json'), 'utf8'),
  ) as { version: string; commit?: string };
  version = [released, ...(commit ? [commit] : [])].join('+');
  return version;
}

/** Of a checkout. A package was told when it was built: git would answer for the repository that it is installed in. */
function describeCommit(): string | undefined {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], {
      cwd: programFolder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    // Without git or outside a checkout: the released version says enough.
    return undefined;
  }
}
