import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { preparePythonEnv } from '../../stack/python-env.ts';
import { findTemporal, temporalCandidates } from '../../stack/temporal-binary.ts';
import { temporaryHome } from './helpers.ts';

function program(file: string, text: string): string {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o755);
  return file;
}

const temporalText = 'echo "temporal version 1.0.0 (Server 1.0.0, UI 1.0.0)"';

test('temporal is taken from TEMPORAL_CLI, PATH, the data folder, the cache, then Go, and what does not run is passed over', async () => {
  const home = temporaryHome();
  const user = temporaryHome();
  const base = { PATH: join(user, 'path'), HOME: user, XDG_CACHE_HOME: join(user, 'cache') };
  const places = [
    program(join(user, 'path', 'temporal'), temporalText),
    program(join(home, 'bin', 'temporal'), temporalText),
    program(join(user, 'cache', 'ratchet', 'bin', 'temporal'), temporalText),
    program(join(user, 'go', 'bin', 'temporal'), temporalText),
  ];
  expect(temporalCandidates(base, home)).toEqual(places);
  const own = program(join(user, 'own'), temporalText);
  const infos: string[] = [];
  const find = (env: NodeJS.ProcessEnv) =>
    findTemporal({ env, home, info: (line) => infos.push(line), onlyLook: true });
  expect(await find({ ...base, TEMPORAL_CLI: own })).toBe(own);
  for (const place of places) {
    expect(await find(base)).toBe(place);
    program(place, 'echo something else');
  }
  expect(infos).toContainEqual(expect.stringContaining(`${places[0]} cannot be used: its --version says`));
  await expect(find(base)).rejects.toThrow('not the Temporal CLI');
  for (const place of places) rmSync(place);
  await expect(find(base)).rejects.toThrow(/no temporal program/);
  await expect(find({ ...base, TEMPORAL_CLI: join(user, 'none') })).rejects.toThrow(
    /TEMPORAL_CLI=.* cannot be used: there is no such file.*unset it/,
  );
});

test('the Python environment is made once, and made again when it is half-made or its pyproject.toml changes', async () => {
  const home = temporaryHome();
  const project = temporaryHome();
  const pyproject = join(project, 'pyproject.toml');
  writeFileSync(
    pyproject,
    '[project]\nname = "tiny"\nversion = "1"\nrequires-python = ">=3.10"\ndependencies = []\n',
  );
  const infos: string[] = [];
  const prepare = () => preparePythonEnv({ home, project, info: (line) => infos.push(line) });
  const first = await prepare();
  expect(first.made).toBe(true);
  expect(existsSync(first.python)).toBe(true);
  expect((await prepare()).made).toBe(false);

  // A kill in the middle leaves no stamp.
  rmSync(join(home, 'python', '.ratchet-stamp'));
  writeFileSync(join(home, 'python', 'rest'), '');
  expect((await prepare()).made).toBe(true);
  expect(infos).toContain('it is half-made: making it again');
  expect(existsSync(join(home, 'python', 'rest'))).toBe(false);

  writeFileSync(pyproject, readFileSync(pyproject, 'utf8').replace('"1"', '"2"'));
  const both = await Promise.all([prepare(), prepare()]);
  expect(both.filter(({ made }) => made)).toHaveLength(1);
  expect(infos).toContain('pyproject.toml has changed: making it again');
}, 60_000);

test('without a Python the message says what to install', async () => {
  const home = temporaryHome();
  const project = temporaryHome();
  writeFileSync(
    join(project, 'pyproject.toml'),
    '[project]\nname = "tiny"\nversion = "1"\ndependencies = []\n',
  );
  const env = { PATH: join(home, 'nothing'), HOME: home };
  await expect(preparePythonEnv({ home, project, env, info: () => undefined })).rejects.toThrow(
    /No Python 3\.10 or newer was found.*apt install python3/,
  );
  expect(existsSync(join(home, 'python'))).toBe(false);
});
