// PostgreSQL refuses to run as root. As root it runs as the system user `postgres`, which is made where it is missing.
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';

export interface RunAs {
  /** For spawn(); undefined when we are an ordinary user, or when `wrap` changes the user itself. */
  uid?: number;
  gid?: number;
  /** Who must own the data folder; undefined when it is us. */
  userId?: number;
  groupId?: number;
  wrap(command: string, args: string[]): [string, string[]];
}

/** How to run `binary` on data under `home`: as ourselves, or, for root, as the user postgres. */
export function asPostgresUser(binary: string, home: string): RunAs {
  const plain = (command: string, args: string[]): [string, string[]] => [command, args];
  if (process.getuid?.() !== 0) return { wrap: plain };
  const { uid, gid } = postgresUser();
  if (mayRun(binary, uid, gid) && mayEnter(home, uid, gid))
    return { uid, gid, userId: uid, groupId: gid, wrap: plain };
  // A clone in /root, which other users may not enter, is common in containers. The user postgres then keeps one of
  // root's rights: to pass closed folders. It is still not root, which is what PostgreSQL asks for. The secure bit is for access(2), by
  // which initdb looks for its programs, and which takes that right from any user but root.
  const wrap = (command: string, args: string[]): [string, string[]] => [
    'setpriv',
    [
      `--reuid=${uid}`,
      `--regid=${gid}`,
      '--clear-groups',
      '--inh-caps=+dac_override',
      '--ambient-caps=+dac_override',
      '--securebits=+no_setuid_fixup',
      command,
      ...args,
    ],
  ];
  const [command, args] = wrap(binary, ['--version']);
  if (spawnSync(command, args, { cwd: '/', stdio: 'ignore' }).status === 0)
    return { userId: uid, groupId: gid, wrap };
  // Without setpriv (BusyBox) the data folder lets others pass, and what lies in it stays closed.
  if (mayRun(binary, uid, gid) && letPass(home) && mayEnter(home, uid, gid))
    return { uid, gid, userId: uid, groupId: gid, wrap: plain };
  throw new Error(
    `PostgreSQL will not run as root, and the user postgres may not enter ${home} or run ${binary}. Run Ratchet as an ordinary user, move the program to a folder that every user may enter (for example /opt), or set DATABASE_URL.`,
  );
}

function letPass(home: string): boolean {
  try {
    chmodSync(home, 0o711);
    return true;
  } catch {
    return false;
  }
}

function postgresUser(): { uid: number; gid: number } {
  const existing = lookUp();
  if (existing) return existing;
  const attempts: [string, string[]][][] = [
    [
      ['groupadd', ['--system', 'postgres']],
      ['useradd', ['--system', '--no-create-home', '--gid', 'postgres', '--shell', '/bin/sh', 'postgres']],
    ],
    // BusyBox.
    [
      ['addgroup', ['-S', 'postgres']],
      ['adduser', ['-S', '-D', '-H', '-G', 'postgres', 'postgres']],
    ],
  ];
  for (const commands of attempts) {
    for (const [command, args] of commands) spawnSync(command, args, { stdio: 'ignore' });
    const made = lookUp();
    if (made) return made;
  }
  throw new Error(
    'PostgreSQL will not run as root, and the system user postgres could not be made. Make it (useradd --system postgres), run Ratchet as an ordinary user, or set DATABASE_URL.',
  );
}

function lookUp(): { uid: number; gid: number } | undefined {
  const id = (flag: string) =>
    Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  try {
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    return undefined;
  }
}

function mayRun(binary: string, uid: number, gid: number): boolean {
  return spawnSync(binary, ['--version'], { uid, gid, cwd: '/', stdio: 'ignore' }).status === 0;
}

function mayEnter(folder: string, uid: number, gid: number): boolean {
  return spawnSync('test', ['-x', folder], { uid, gid, cwd: '/', stdio: 'ignore' }).status === 0;
}
