/** The package as a stranger has it: built, packed, installed into an empty folder with npm, and used there. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { parseSync } from 'oxc-parser';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findUv } from '../../stack/python.ts';
import { ratchetHome } from '../../stack/home.ts';
import { clone, stranger, type Stranger } from './stranger.ts';

const NAME = '@ratchet-loop/ratchet';

let user: Stranger;
let installed: string;
let packed: string[];

beforeAll(async () => {
  user = await stranger();
  const built = join(user.folder, 'built');
  execFileSync(process.execPath, [join(clone, 'packaging/build.ts'), built], {
    cwd: clone,
    stdio: 'inherit',
  });
  const [{ filename, files }] = JSON.parse(await user.does('npm', 'pack', '--json', built)) as [
    { filename: string; files: { path: string }[] },
  ];
  packed = files.map(({ path }) => path);
  rmSync(built, { recursive: true });
  await user.does('npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', `./${filename}`);
  installed = join(user.folder, 'node_modules', NAME);
}, 600_000);

afterAll(async () => {
  // Not there when the installation failed.
  if (existsSync(join(installed ?? '', 'bin'))) await user.does('npx', 'ratchet', 'down');
  rmSync(user.folder, { recursive: true, force: true });
}, 120_000);

const write = (name: string, text: string) => writeFileSync(join(user.folder, name), text);

it('holds what runs and nothing else: no test, no source, no secret, no data', () => {
  const unwanted = packed.filter(
    (file) =>
      /(^|\/)\.|\.test\.|\.(pem|key|env|log|db|pyc|tgz)$|node_modules|bench\//.test(file) ||
      (/\.tsx?$/.test(file) && !file.endsWith('.d.ts')) ||
      // A start that users get holds the tests of what is to be repaired.
      (/(^|\/)tests?[/_]/.test(file) && !file.startsWith('examples/start/code/tests/')),
  );
  expect(unwanted).toEqual([]);
  expect(packed).toEqual(
    expect.arrayContaining([
      'LICENSE',
      'bin/ratchet.js',
      'cli/main.js',
      'tasks/task.d.ts',
      'web/client/app.css',
    ]),
  );
});

it('depends on every package that it imports', () => {
  const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const imported = globSync('**/*.js', { cwd: installed }).flatMap((file) => {
    const { module } = parseSync(file, readFileSync(join(installed, file), 'utf8'));
    return module.staticImports.map(({ moduleRequest }) => moduleRequest.value);
  });
  const packages = new Set(
    imported
      .filter((name) => !/^(\.|node:|\/)/.test(name) && !builtinModules.includes(name))
      .map((name) => name.split('/', name.startsWith('@') ? 2 : 1).join('/')),
  );
  expect(packages.size).toBeGreaterThan(20);
  expect([...packages].filter((name) => !(name in manifest.dependencies))).toEqual([]);
});

it('answers as a command, and writes task folders', async () => {
  const { version } = JSON.parse(readFileSync(join(clone, 'package.json'), 'utf8')) as { version: string };
  expect((await user.does('npx', 'ratchet', '--version')).trim()).toBe(version);
  const said = await user.does('npx', 'ratchet', 'new', 'words', 'my-words');
  expect(readFileSync(join(user.folder, 'my-words/task.yaml'), 'utf8')).toMatch(/^name: my-words$/m);
  const [, guide] = /from there: (\S+) says how/.exec(said)!;
  expect(existsSync(join(user.folder, guide!))).toBe(true);
});

const TASK = `
import type { Prompt, Task } from '${NAME}';

const task: Task = {
  name: 'mine',
  title: 'Mine',
  async *prompts({ count, exclude }) {
    for (let n = 100; n < 100 + count; n += 1) if (!exclude(\`\${n}\`)) yield { key: \`\${n}\`, text: \`\${n}+345\` };
  },
  readPrompt: (text): Prompt | string => ({ key: text, text }),
  strategies: [{ name: 'plain', messages: (text) => [{ role: 'user', content: text }] }],
  ask: (text) => [{ role: 'user', content: text }],
  readAnswer: (text) => /\\d+$/.exec(text)?.[0],
  sameAnswer: (a, b) => a === b,
  checkFormat: () => ({ ok: true, reason: '' }),
  checkCoherence: () => ({ ok: true, reason: '' }),
  benchmarks: [{ name: 'target', role: 'target', items: () => [{ key: '1', text: '1+345', answer: '346' }] }],
  suggested: { pool: { prompts: 8 }, sampling: { samples: 4 } },
  maxTokens: 128,
};

export default task;
`;

it("has types against which a stranger's task is checked, its own declarations too", async () => {
  const check = (text: string) => {
    write('task.ts', text);
    const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', 'task.ts'];
    return user.does(process.execPath, join(clone, 'node_modules/typescript/bin/tsc'), ...flags);
  };
  await expect(check(TASK.replace('maxTokens: 128', "maxTokens: '128'"))).rejects.toThrow(
    /'string' is not assignable to type 'number'/,
  );
  expect(await check(TASK)).toBe('');
});

const MODEL_FILES = [
  'README.md',
  'config.json',
  'generation_config.json',
  'model.safetensors',
  'scores.json',
  'tokenizer.json',
  'tokenizer_config.json',
];
const CRITIC_FILES = ['README.md', 'adapter_config.json', 'adapter_model.safetensors', 'scores.json'];

it('brings the model server and ratchet-tasks as Python that can be built into wheels', async () => {
  const uv = await findUv(ratchetHome(), process.env);
  const python = join(user.folder, '.ratchet/python/bin/python');
  mkdirSync(join(user.folder, 'wheels'));
  for (const project of ['modelserver', 'tasks/python']) {
    // A build leaves files beside the sources.
    const copy = join(user.folder, 'wheels', project);
    cpSync(join(installed, project), copy, { recursive: true });
    await user.does(uv!.command, 'build', '--quiet', '--wheel', '--out-dir', 'wheels', copy);
  }
  const wheels = globSync('wheels/*.whl', { cwd: user.folder });
  expect(wheels).toHaveLength(2);
  const into = ['--no-deps', '--target', 'site', '--python', python];
  await user.does(uv!.command, 'pip', 'install', '--quiet', ...into, ...wheels);
  const fromSite = (code: string) =>
    user.does(python, '-c', `import sys; sys.path.insert(0, "site"); sys.argv[1:] = ["--help"]; ${code}`);
  expect(
    await fromSite('import runpy; runpy.run_module("ratchet_modelserver", run_name="__main__")'),
  ).toMatch(/^usage: .*--model NAME=PATH/s);
  // The built-in model and its critic are in the wheel, so that it serves them wherever it was installed; nothing that made them is.
  const built = await fromSite(
    `from ratchet_modelserver import built_in; from pathlib import Path
for place in (built_in.MODEL, built_in.CRITIC): print(place)
for file in sorted(built_in.FOLDER.rglob("*.*")): print(file.name)`,
  );
  const site = join(user.folder, 'site/ratchet_modelserver/builtin');
  expect(built.trim().split('\n')).toEqual([
    `arithmetic=${site}/arithmetic`,
    `arithmetic-critic=${site}/arithmetic-critic`,
    ...MODEL_FILES,
    ...CRITIC_FILES,
  ]);
  expect(await fromSite('import ratchet_tasks; print(ratchet_tasks.__file__)')).toContain('/site/');
});

it('starts everything, runs tasks in Python, of a Parquet file and in TypeScript, and stops', async () => {
  cpSync(join(import.meta.dirname, 'project'), user.folder, { recursive: true });
  write('task.ts', TASK);
  const ratchet = (...args: string[]) => user.does('npx', 'ratchet', ...args);
  const python = join(user.folder, '.ratchet/python/bin/python');
  const tasks = `PYTHONPATH=${join(installed, 'tasks/python')}`;
  await user.does('env', tasks, python, 'sums.py', 'pool.parquet');

  await ratchet('up', '--detach');
  expect(await ratchet('status')).toContain(`data in ${join(user.folder, '.ratchet')}`);
  const settings = [
    'pool.prompts=20',
    'sampling.samples=4',
    'benchmark.majority=false',
    'gates.critique.mode=off',
  ];
  const small = ['--iterations', '1', ...settings.flatMap((one) => ['--set', one])];
  await ratchet('run', 'sums.yaml', '--id', 'python', ...small);
  await ratchet('run', 'sums.yaml', '--id', 'parquet', '--prompts', 'pool.parquet', ...small);
  await ratchet('run', 'task.ts', '--id', 'typescript', ...small);
  const drawn: Record<string, number> = {};
  for (const id of ['python', 'parquet', 'typescript']) {
    const { status, iterations } = JSON.parse(await ratchet('report', id, '--json')) as {
      status: string;
      iterations: { prompts: number; decision: string }[];
    };
    expect({ id, status, iterations }).toMatchObject({
      status: 'completed',
      iterations: [{ decision: expect.stringMatching(/./) }],
    });
    drawn[id] = iterations[0]!.prompts;
  }
  // The file has 12, the command 40.
  expect(drawn).toMatchObject({ python: 20, parquet: expect.any(Number) });
  expect(drawn.parquet).toBeLessThanOrEqual(12);
  expect(Math.min(...Object.values(drawn))).toBeGreaterThan(0);

  const { commit } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as { commit: string };
  await ratchet('report', 'python', '--html', 'report.html');
  expect(readFileSync(join(user.folder, 'report.html'), 'utf8')).toContain(`+${commit}<`);
  expect(await ratchet('down')).toMatch(/^Stopped PostgreSQL, Temporal, Model server, Worker/);
  // Nothing is kept where the next install removes it.
  expect(existsSync(join(installed, '.ratchet'))).toBe(false);
}, 600_000);
