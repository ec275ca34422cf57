import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

let version: string | undefined;

/** Version of this code, stored with each run: package version and, in a checkout, the commit. */
export function codeVersion(): string {
  if (version) return version;
  const root = fileURLToPath(new URL('..', import.meta.url));
  const { version: released } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as {
    version: string;
  };
  let commit = '';
  try {
    const out = execFileSync('git', ['describe', '--always', '--dirty'], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    commit = `+${out.toString().trim()}`;
  } catch {
    // Installed without git or outside a checkout: the released version says enough.
  }
  version = released + commit;
  return version;
}
