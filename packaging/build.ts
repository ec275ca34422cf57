/**
 * Builds the package in dist/, or in the folder that is named: JavaScript of the program, the types of what its users import, and whatever
 * the program reads, each where it lies in the clone, so that paths between files hold in both. `npm run pack` packs it.
 *
 *   npm run build
 */
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import config from './tsconfig.json' with { type: 'json' };

const root = dirname(import.meta.dirname);
const dist = resolve(process.argv[2] ?? join(root, 'dist'));

const NAME = '@ratchet-loop/ratchet';

/** Beside what the compiled rooms hold; folders as a whole. */
const COPIED = [
  'LICENSE',
  'README.md',
  'CHANGELOG.md',
  'bin/launch.js',
  'bin/ratchet.js',
  'docs',
  'examples/discovery',
  'examples/python-task',
  'examples/start',
  'examples/support',
  'examples/tutor',
  'modelserver/MANIFEST.in',
  'modelserver/README.md',
  'modelserver/pyproject.toml',
  'modelserver/setup.py',
  'modelserver/builtin/arithmetic',
  'modelserver/builtin/arithmetic-critic',
  'modelserver/ratchet_modelserver',
];

/** Of the rooms: tests, their pages for contributors, and what only makes the next migration. */
const LEFT_OUT = [/\/test_\w+\.py$/, /^\w+\/README\.md$/, /^db\/migrations\/meta\/.*_snapshot\.json$/];

/** Only a clone needs it, to run the pages' sources. */
const OF_THE_CLONE = ['tsx'];
/** Development dependencies of the clone that a package runs with. */
const RUN_WITH = ['@temporalio/testing'];

type Manifest = {
  version: string;
  description: string;
  license: string;
  engines: Record<string, string>;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
};

const git = (...args: string[]): string => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();

/** What is committed or staged: nothing else that lies in a clone, a key or a database, can get into a package. */
const tracked = (paths: string[]): string[] =>
  git('ls-files', '-z', '--', ...paths)
    .split('\0')
    .filter(Boolean);

function compile(project: string): void {
  const tsc = fileURLToPath(import.meta.resolve('typescript/package.json')).replace(
    /package\.json$/,
    'bin/tsc',
  );
  execFileSync(process.execPath, [tsc, '-p', join(import.meta.dirname, project), '--outDir', dist], {
    stdio: 'inherit',
  });
}

function copyFiles(): void {
  const rooms = config.include.map((path) => path.replace('../', ''));
  const files = [
    ...tracked(rooms).filter((file) => !LEFT_OUT.some((pattern) => pattern.test(file))),
    ...tracked(COPIED),
  ];
  for (const file of files.filter((name) => !/\.tsx?$/.test(name)))
    cpSync(join(root, file), join(dist, file));
}

function manifest(): object {
  const { version, description, license, engines, dependencies, devDependencies } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  ) as Manifest;
  const needed = Object.entries({
    ...dependencies,
    ...Object.fromEntries(RUN_WITH.map((name) => [name, devDependencies[name]])),
  }).filter(([name]) => !OF_THE_CLONE.includes(name));
  return {
    name: NAME,
    version,
    // Nothing is published yet: taking this line out is a decision.
    private: true,
    description,
    license,
    type: 'module',
    bin: { ratchet: 'bin/ratchet.js' },
    exports: {
      '.': { types: './tasks/task.d.ts', default: './tasks/task.js' },
      './package.json': './package.json',
    },
    engines,
    dependencies: Object.fromEntries(needed.toSorted(([a], [b]) => (a < b ? -1 : 1))),
    // Where its install script may not run, a Node 24 of the machine does.
    optionalDependencies: { node: devDependencies.node },
    commit: git('describe', '--always', '--dirty'),
  };
}

rmSync(dist, { recursive: true, force: true });
compile('tsconfig.json');
compile('types.json');
copyFiles();
writeFileSync(join(dist, 'package.json'), `${JSON.stringify(manifest(), null, 2)}\n`);
