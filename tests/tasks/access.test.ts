/** What a run's input may have read and run: the process decides, by its environment. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest';
import { addGrants, grantsFile } from '../../process/grants.ts';
import { allowedFile } from '../../tasks/access.ts';
import { InvalidInputError } from '../../tasks/errors.ts';
import { resolveTask } from '../../tasks/index.ts';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'ratchet-access-')));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const at = (...names: string[]) => join(root, ...names);
function write(name: string, text = '{"prompt": "1+2"}\n'): string {
  mkdirSync(join(at(name), '..'), { recursive: true });
  writeFileSync(at(name), text);
  return at(name);
}

const SECRET = 'hunter2-is-the-password';
const outside = write('outside/secret.jsonl', `${SECRET}\n`);
const inside = write('tasks/sub/prompts.jsonl');
const home = at('home');
mkdirSync(home);

beforeEach(() => {
  vi.stubEnv('RATCHET_TASKS', at('tasks'));
  vi.stubEnv('RATCHET_HOME', home);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(grantsFile(home), { force: true });
});

const refused = async (path: string, kind?: 'module') => {
  const problem = await allowedFile('file', path, kind).catch((error: unknown) => error);
  expect(problem, path).toBeInstanceOf(InvalidInputError);
  return (problem as InvalidInputError).message;
};

test('what lies in a folder of RATCHET_TASKS is read, by its real path', async () => {
  expect(await allowedFile('file', inside)).toBe(inside);
  symlinkSync(inside, at('tasks', 'link.jsonl'));
  expect(await allowedFile('file', at('tasks', 'link.jsonl'))).toBe(inside);
  vi.stubEnv('RATCHET_TASKS', [at('elsewhere'), at('outside')].join(delimiter));
  expect(await allowedFile('file', outside)).toBe(outside);
  expect(await refused(inside)).toContain('may not read it');
});

test('no link leads out of it, no "..", no hidden name, no pipe and no folder', async () => {
  symlinkSync(outside, at('tasks', 'out.jsonl'));
  symlinkSync(at('outside'), at('tasks', 'out'));
  write('tasks/.env');
  write('tasks/.git/config');
  write('tasks/node_modules/x/index.js');
  execFileSync('mkfifo', [at('tasks', 'pipe')]);
  for (const path of [
    outside,
    at('tasks', 'out.jsonl'),
    at('tasks', 'out', 'secret.jsonl'),
    at('tasks', '..', 'outside', 'secret.jsonl'),
    at('tasks', '.env'),
    at('tasks', '.git', 'config'),
    at('tasks', 'node_modules', 'x', 'index.js'),
    at('tasks'),
    `${at('tasks')}2/x`,
    '/etc/passwd',
    '/dev/zero',
    '/proc/self/environ',
  ])
    expect(await refused(path), path).toContain('may not read it');
  expect(await refused(at('tasks', 'pipe'))).toContain('is no file');
  expect(await refused(at('tasks', 'sub'))).toContain('is a folder, not a file');
});

test('a refusal does not tell whether the file is there', async () => {
  const said = async (path: string) => (await refused(path)).replace(path, 'PATH');
  expect(await said(at('outside', 'nothing.jsonl'))).toBe(await said(outside));
  expect(await refused(at('tasks', 'nothing.jsonl'))).toContain('there is no such file');
});

test('no way of writing a path leads to a file outside', async () => {
  const part = fc.constantFrom(
    '..',
    '.',
    'tasks',
    'sub',
    'out',
    'outside',
    'secret.jsonl',
    'prompts.jsonl',
    '',
    '.env',
    'etc',
    'passwd',
  );
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 8 }), fc.boolean(), async (parts, absolute) => {
      const path = absolute ? `/${parts.join('/')}` : `${at('tasks')}/${parts.join('/')}`;
      const found = await allowedFile('file', resolve(path)).catch(() => undefined);
      if (found !== undefined) expect(found.startsWith(`${at('tasks')}/`), path).toBe(true);
    }),
    { numRuns: 300, seed: 13 },
  );
});

test('without RATCHET_TASKS: the program’s own folder, code from its examples alone, and tasks/ of the data folder', async () => {
  vi.stubEnv('RATCHET_TASKS', '');
  expect(await allowedFile('file', resolve('examples/gsm8k/task.yaml'))).toBe(
    resolve('examples/gsm8k/task.yaml'),
  );
  expect(await allowedFile('file', resolve('examples/roman/task.ts'), 'module')).toContain('roman');
  expect(await refused(resolve('workers/main.ts'), 'module')).toContain('may not run it');
  expect(await refused(resolve('.git/config'))).toContain('may not read it');
  expect(await refused(inside)).toContain('may not read it');
  const own = write('home/tasks/mine.ts', 'export default {}');
  expect(await allowedFile('file', own, 'module')).toBe(own);
});

test('the data folder is closed wherever it lies, but for its tasks', async () => {
  vi.stubEnv('RATCHET_TASKS', root);
  const password = write('home/postgres/ratchet.password', 'pw');
  addGrants(home, [{ file: password }]);
  for (const path of [password, write('home/stack.json', '{}'), grantsFile(home)])
    expect(await refused(path)).toContain('may not read it');
  expect(await allowedFile('file', write('home/tasks/a.jsonl'))).toBe(at('home', 'tasks', 'a.jsonl'));
});

test('what the user of the stack named in a command is read, and nothing beside it', async () => {
  expect(await refused(outside)).toContain('may not read it');
  addGrants(home, [{ file: outside }]);
  addGrants(home, [{ file: outside }]);
  expect(await allowedFile('file', outside)).toBe(outside);
  expect(await refused(write('outside/other.jsonl'))).toContain('may not read it');
  vi.stubEnv('RATCHET_HOME', '');
  expect(await refused(outside)).toContain('may not read it');
});

const TASK = (prompts: string, exam = 'exam.jsonl') =>
  `name: t\ntitle: T\nprompts: { file: ${prompts} }\nbenchmarks: [{ name: target, role: target, file: ${exam} }]\n` +
  'answer: { read: last-number, compare: numeric }\n';

test('files that a task file names obey the same rule', async () => {
  write('tasks/exam.jsonl', '{"prompt": "How much?", "answer": "3"}\n');
  const task = write('tasks/t.yaml', TASK('sub/prompts.jsonl'));
  expect(await resolveTask(task)).toMatchObject({ kind: 'file' });
  for (const prompts of ['../outside/secret.jsonl', 'out.jsonl', outside, '/etc/passwd']) {
    write('tasks/t.yaml', TASK(prompts));
    await expect(resolveTask(task), prompts).rejects.toThrow('prompts file');
    write('tasks/t.yaml', TASK('sub/prompts.jsonl', prompts));
    await expect(resolveTask(task), prompts).rejects.toThrow('may not read it');
  }
  await expect(resolveTask('arithmetic', { promptsFile: '/etc/passwd' })).rejects.toThrow('may not read it');
  await expect(resolveTask(write('outside/t.ts', 'globalThis.ran = true'))).rejects.toThrow('may not run it');
  expect(globalThis).not.toHaveProperty('ran');
});

test('no problem of a file quotes the file', async () => {
  const lines = [
    SECRET,
    `{"${SECRET}": 1}`,
    `{"prompt": {"${SECRET}": 2}}`,
    `["${SECRET}"]`,
    `{"prompt": "${SECRET}"`,
    `{"prompt": "${SECRET}+1"}`,
  ];
  for (const line of lines) {
    const file = write('tasks/odd.jsonl', `${line}\n`);
    const arithmetic = await resolveTask('arithmetic', { promptsFile: file }).catch(
      (error: Error) => error.message,
    );
    expect(arithmetic, line).toMatch(/line 1/);
    expect(arithmetic, line).not.toContain(SECRET);
    write('tasks/t.yaml', TASK('sub/prompts.jsonl', 'odd.jsonl'));
    const exam = await resolveTask(at('tasks', 't.yaml')).then(
      () => '',
      (error: Error) => error.message,
    );
    expect(exam, line).toMatch(/line 1/);
    expect(exam, line).not.toContain(SECRET);
  }
  for (const text of [
    `a: "${SECRET}`,
    `${SECRET}: !!${SECRET} x\n`,
    `&a *${SECRET}`,
    `%${SECRET}\n---\n`,
    `- ${SECRET}\nb: 1`,
    `${SECRET}`,
    `a: [${SECRET}`,
    `a: "\\q${SECRET}"`,
  ]) {
    const problem = await resolveTask(write('tasks/bad.yaml', text)).then(
      () => '',
      (error: Error) => error.message,
    );
    expect(problem, text).toContain('task file');
    expect(problem.replaceAll(/Unrecognized key.*/g, ''), text).not.toContain(SECRET);
  }
  for (const text of [`const ${SECRET} = ;`, `type ${SECRET.replaceAll('-', '_')} = {{`, `"${SECRET}`]) {
    const problem = await resolveTask(write('tasks/bad.ts', text)).then(
      () => '',
      (error: Error) => error.message,
    );
    expect(problem, text).toContain('is no valid code');
    expect(problem, text).not.toContain('hunter2');
  }
});
