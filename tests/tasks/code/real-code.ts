/** Real code to try things on: this repository's own, and Python's standard library where the machine has one. */
import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const python = (code: string): string => execFileSync('python3', ['-c', code], { encoding: 'utf8' }).trim();

export type RealFile = { path: string; text: string };

/** Paths without the folders, so that none is protected for where it lies. */
const read = (folder: string, paths: string[]): RealFile[] =>
  paths.toSorted().map((path) => ({
    path: `src/${path.split('/').at(-1)!}`,
    text: readFileSync(join(folder, path), 'utf8'),
  }));

export const ownFiles = (pattern: string): RealFile[] => read(root, globSync(pattern, { cwd: root }));

export function standardLibrary(names: string[]): RealFile[] {
  const folder = python('import sysconfig; print(sysconfig.get_path("stdlib"))');
  return read(
    folder,
    names.map((name) => `${name}.py`),
  );
}

/** The first of the texts that Python itself can't compile. */
export function notPython(texts: string[]): string | undefined {
  const script = `
import json, sys
for text in json.load(sys.stdin):
    try:
        compile(text, 'made', 'exec')
    except SyntaxError as error:
        print(f'{error}\\n{text}')
        break
`;
  const out = execFileSync('python3', ['-W', 'ignore', '-c', script], {
    input: JSON.stringify(texts),
    encoding: 'utf8',
  });
  return out === '' ? undefined : out;
}
