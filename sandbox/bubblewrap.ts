/**
 * The container: bubblewrap (Debian's package), https://github.com/containers/bubblewrap.
 *
 * Covers: files (the system's programs read-only, nothing of /etc, /home or the data folder; /task read-only, /work and /tmp in
 * memory), network (none), processes (their own, all of them gone with the first), users (another one, without capabilities, new
 * privileges or further namespaces), environment (PATH, LANG and HOME alone), the terminal, and the limits of the job.
 * Does not cover: faults of the kernel and of the processor; processes of one container from each other. Where several users' code
 * must be kept from each other by more than that, give the sandbox's workers a machine of their own.
 */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { SandboxUnavailable, type Limits } from './job.ts';

/** Nobody: what runs inside sees this user, whoever runs the worker. */
const INSIDE = '65534';

/** Of a worker that runs as root: a user of the machine that owns nothing, so that a container is not root outside either. */
const OUTSIDE_FROM = 61_000;
const OUTSIDE_COUNT = 1000;

const SYSTEM = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];
/** Programs that are found by a link through here; it holds no secret. */
const LINKS = ['/etc/alternatives'];

/** The first file descriptor that holds a file of the job. */
export const FIRST_FILE = 3;

const MB = 2 ** 20;

const isRoot = () => process.getuid?.() === 0;

let next = 0;

/** The user and group under which a container starts; undefined: those of the worker. */
export function outsideUser(): { uid: number; gid: number } | undefined {
  if (!isRoot()) return undefined;
  const uid = OUTSIDE_FROM + (next++ % OUTSIDE_COUNT);
  return { uid, gid: uid };
}

/**
 * Folders of programs beside the system's: what RATCHET_SANDBOX_TOOLS names, and this Node where everybody may read it.
 *
 * @throws SandboxUnavailable where one that is named can't be read by the user of the containers
 */
export function toolFolders(named = process.env.RATCHET_SANDBOX_TOOLS ?? ''): string[] {
  const folders = named
    .split(delimiter)
    .filter(Boolean)
    .map((folder) => resolve(folder));
  for (const folder of folders)
    if (isRoot() && !everybodyReads(folder))
      throw new SandboxUnavailable(`RATCHET_SANDBOX_TOOLS: ${folder} is no folder that every user may read`);
  const node = dirname(dirname(process.execPath));
  return [...folders, ...(node.startsWith('/usr') || !everybodyReads(node) ? [] : [node])];
}

/** A folder and all above it, by their modes. */
function everybodyReads(folder: string): boolean {
  const above = dirname(folder);
  const mode = statSync(folder, { throwIfNoEntry: false })?.mode ?? 0;
  return (mode & 0o001) !== 0 && (above === folder || everybodyReads(above));
}

/** Where bubblewrap is. @throws SandboxUnavailable */
export function findBubblewrap(path = process.env.PATH ?? ''): string {
  for (const folder of path.split(delimiter)) {
    const file = join(folder, 'bwrap');
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // The next folder.
    }
  }
  throw new SandboxUnavailable(
    'there is no sandbox here, so nothing that a model wrote is run: install bubblewrap (apt install bubblewrap) for the worker',
  );
}

/**
 * Arguments of bubblewrap.
 *
 * @param files paths inside, the content of the i-th at the file descriptor FIRST_FILE + i
 * @param tools further folders of programs, read-only; `bin` of each is on the PATH
 */
export function containerArguments(
  command: readonly string[],
  files: readonly string[],
  { seconds, memoryMb, processes, diskMb }: Limits,
  tools: readonly string[],
): string[] {
  const path = [...tools.map((folder) => join(folder, 'bin')), '/usr/local/bin', '/usr/bin', '/bin'];
  const set = { PATH: path.join(delimiter), LANG: 'C.UTF-8', HOME: '/tmp', PYTHONDONTWRITEBYTECODE: '1' };
  const bind = (folders: readonly string[]) =>
    folders.filter((folder) => existsSync(folder)).flatMap((folder) => ['--ro-bind', folder, folder]);
  const memory = `--size ${diskMb * MB} --tmpfs`;
  const texts = files.flatMap((path, i) => [...words`--perms 0444 --ro-bind-data ${FIRST_FILE + i}`, path]);
  const limits = words`--nproc=${processes} --fsize=${diskMb * MB} --data=${memoryMb * MB} --core=0`;
  const time = `--cpu=${Math.ceil(seconds)}:${Math.ceil(seconds) + 1}`;
  return [
    ...words`--unshare-all --unshare-user --disable-userns --uid ${INSIDE} --gid ${INSIDE} --cap-drop ALL`,
    ...words`--new-session --die-with-parent --hostname sandbox --clearenv`,
    ...Object.entries(set).flatMap(([name, value]) => ['--setenv', name, value]),
    ...bind([...SYSTEM, ...LINKS]),
    ...words`--proc /proc --dev /dev ${memory} /tmp ${memory} /work`,
    // Behind these two, which would hide a folder that lies below one of them on the machine.
    ...bind(tools),
    ...texts,
    ...words`--chdir /work --remount-ro / -- prlimit ${time}`,
    ...limits,
    '--',
    ...command,
  ];
}

/** Arguments without spaces of their own, as a list. */
const words = (parts: TemplateStringsArray, ...values: (string | number)[]): string[] =>
  String.raw({ raw: parts }, ...values).split(' ');
