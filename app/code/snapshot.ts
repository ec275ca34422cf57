/** A repository as the sandbox gets it: packed once, under its digest, without its history. */
import { execFile } from 'node:child_process';
import { cp, lstat, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { globSync } from 'node:fs';
import { keepArchive } from '../../sandbox/archives.ts';
import { InvalidInputError } from '../../tasks/errors.ts';
import type { Repository } from '../../tasks/code/schema.ts';

const execute = promisify(execFile);
const MOST_BYTES = 200 * 2 ** 20;
/** The same files make the same archive, whoever packs them. */
const REPRODUCIBLE = [
  '--sort=name',
  '--mtime=@0',
  '--owner=0',
  '--group=0',
  '--numeric-owner',
  '--mode=a+rX,go-w',
];
const INSTALL_MS = 30 * 60_000;

/** Texts by path: what may be changed, and all tests and other sources that are read for calls and excerpts. */
export type Snapshot = { digest: string; sources: Map<string, string>; others: Map<string, string> };

/** What is no source of a repository, whatever its globs say. */
const LEFT_OUT = ['.git', 'node_modules', '.venv', '__pycache__'];
const CODE = '**/*.{py,js,mjs,cjs,jsx,ts,mts,cts,tsx}';
const MOST_CHARACTERS = 200_000;

/**
 * Copies or clones a repository, installs what it needs, and packs it.
 *
 * @param archives folder in which it is kept
 * @throws InvalidInputError where there is none, its installation fails, or it is too large
 */
export async function takeSnapshot(repository: Repository, archives: string): Promise<Snapshot> {
  const work = await mkdtemp(join(tmpdir(), 'ratchet-repository-'));
  const folder = join(work, 'repository');
  try {
    await fetchInto(repository, folder);
    await rm(join(folder, '.git'), { recursive: true, force: true });
    if (repository.install) await install(repository, folder);
    const sources = await textsOf(folder, repository.source);
    if (sources.size === 0)
      throw problem(repository, `no file is named by source (${repository.source.join(', ')})`);
    const others = await textsOf(folder, [CODE]);
    for (const path of sources.keys()) others.delete(path);
    const packed = join(work, 'repository.tar');
    await execute('tar', [...REPRODUCIBLE, '-C', folder, '-cf', packed, '.']);
    const { size } = await stat(packed);
    if (size > MOST_BYTES)
      throw problem(
        repository,
        `is ${Math.round(size / 2 ** 20)} MB packed, ${MOST_BYTES / 2 ** 20} are allowed: leave out what its tests do not need`,
      );
    return { digest: keepArchive(archives, await readFile(packed)), sources, others };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

const problem = ({ name }: Repository, what: string) =>
  new InvalidInputError([`repository ${name}: ${what}`]);

/** What a command said last, in a line. */
function lastWords(error: unknown): string {
  const { stderr = '', stdout = '', message } = error as Error & { stderr?: string; stdout?: string };
  return (`${stdout}\n${stderr}`.trim().split('\n').at(-1) ?? '') || message.split('\n')[0]!;
}

async function fetchInto(repository: Repository, folder: string): Promise<void> {
  const { git, ref } = repository;
  if (git !== undefined) {
    try {
      await execute('git', ['clone', '--quiet', '--', git, folder], {
        env: { ...process.env, GIT_TERMINAL_PROMPT: '0' },
      });
      if (ref !== undefined) await execute('git', ['-C', folder, 'checkout', '--quiet', '--detach', ref]);
    } catch (error) {
      throw problem(repository, `can't be cloned: ${lastWords(error)}`);
    }
    return;
  }
  const from = repository.folder!;
  const there = await stat(from).catch(() => undefined);
  if (!there?.isDirectory()) throw problem(repository, `there is no folder ${from}`);
  const listed = await filesOf(from);
  await cp(from, folder, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => {
      if (path === from) return true;
      if (!listed) return !LEFT_OUT.includes(basename(path));
      const relative = path.slice(from.length + 1);
      return listed.has(relative) || listed.has(`${relative}/`);
    },
  });
}

/** What git would take of a folder, with the folders on the way as `a/`; undefined where it is no work tree. */
async function filesOf(folder: string): Promise<Set<string> | undefined> {
  try {
    const listing = ['-C', folder, 'ls-files', '-co', '--exclude-standard', '-z'];
    const { stdout } = await execute('git', listing, { maxBuffer: 64 * 2 ** 20 });
    const files = stdout.split('\0').filter(Boolean);
    const folders = files.flatMap((file) => {
      const all: string[] = [];
      for (let at = dirname(file); at !== '.'; at = dirname(at)) all.push(`${at}/`);
      return all;
    });
    return files.length > 0 ? new Set([...files, ...folders]) : undefined;
  } catch {
    return undefined;
  }
}

async function install(repository: Repository, folder: string): Promise<void> {
  try {
    await execute('sh', ['-c', repository.install!], {
      cwd: folder,
      timeout: INSTALL_MS,
      maxBuffer: 64 * 2 ** 20,
    });
  } catch (error) {
    throw problem(repository, `its installation (${repository.install}) fails: ${lastWords(error)}`);
  }
}

async function textsOf(folder: string, globs: readonly string[]): Promise<Map<string, string>> {
  const paths = globSync([...globs], { cwd: folder, exclude: (name) => LEFT_OUT.includes(basename(name)) });
  const texts = new Map<string, string>();
  for (const path of paths.toSorted()) {
    const at = join(folder, path);
    if (!(await lstat(at)).isFile()) continue;
    const text = await readFile(at, 'utf8');
    if (text.length <= MOST_CHARACTERS) texts.set(path, text);
  }
  return texts;
}
