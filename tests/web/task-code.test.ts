/** The web page's process runs no code of tasks: it finds a module, and says where the code is run. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { importNoTasks } from '../../tasks/access.ts';
import { prepareTask, resolveTask } from '../../tasks/index.ts';
import { TaskIsCodeError } from '../../tasks/module.ts';
import { readForm } from '../../web/launching.ts';

const folder = mkdtempSync(join(tmpdir(), 'ratchet-task-code-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
importNoTasks();

test('a run of a task in code can be launched, and its module is not imported', async () => {
  const path = join(folder, 'mine.ts');
  writeFileSync(path, 'globalThis.ran = true;\nexport default {};\n');
  const { launch, problems } = await readForm({ task: path });
  expect([...problems]).toEqual([]);
  expect(launch).toMatchObject({ kind: 'run', input: { task: path } });
  expect(launch?.kind === 'run' && launch.runId).toMatch(/^mine-/);
  const spec = await resolveTask(path);
  await expect(prepareTask(spec)).rejects.toBeInstanceOf(TaskIsCodeError);
  expect(globalThis).not.toHaveProperty('ran');
});

test('a file outside of the folders is refused on the form, like one that is not there', async () => {
  for (const path of ['/etc/hosts.yaml', '/etc/passwd.ts']) {
    const { launch, problems } = await readForm({ task: path });
    expect(launch, path).toBeUndefined();
    expect([...problems.values()].join(' '), path).toMatch(/workers may not (read|run) it/);
  }
  const { problems } = await readForm({ task: 'arithmetic', promptsFile: '/etc/passwd' });
  expect([...problems.values()].join(' ')).toContain('may not read it');
});
