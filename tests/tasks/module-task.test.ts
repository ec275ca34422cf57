/** Tasks in code: the example runs on the real stack, and what a module gets wrong is said before a run begins. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { sql } from 'drizzle-orm';
import { afterAll, expect, it } from 'vitest';
import roman, { numeral } from '../../examples/roman/task.ts';
import { digestOf } from '../../process/digest.ts';
import { prepareTask, resolveTask } from '../../tasks/index.ts';
import { useLoop } from '../support/loop.ts';
import type { ScriptedRequest } from '../support/scripted-endpoint.ts';
import { collect } from './collect.ts';

const folder = mkdtempSync(join(tmpdir(), 'ratchet-module-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const valueOf = new Map(Array.from({ length: 3999 }, (_, i) => [numeral(i + 1), i + 1]));

const SIGN = /CM|CD|XC|XL|IX|IV|[MDCLXVI]/g;

/** Misreads the last sign often, less so after each training; its mistakes look just like its right answers. */
function answer({ messages, seed, temperature, generation }: ScriptedRequest): string {
  const text = /\b([MDCLXVI]+)\b\?/.exec(messages.at(-1)!.content)?.[1] ?? '';
  const signs = text.match(SIGN) ?? [];
  const luck = (((valueOf.get(text) ?? 0) * 7919 + (temperature === 0 ? 0 : 31 * seed)) % 1000) / 1000;
  const right = luck < 0.5 + 0.4 * generation;
  const values = signs.map((sign) => valueOf.get(sign)!);
  if (!right) values[values.length - 1]! += 1;
  const sum = values.reduce((a, b) => a + b, 0);
  return [...signs.map((sign, i) => `${sign} = ${values[i]}`), `Answer: ${sum}`].join('\n');
}

const loop = useLoop({ baseModel: 'reader', answer });

it('runs the example: only verified answers are trained on, and the candidate is promoted by its proof', async () => {
  const result = await loop.improve('roman', {
    task: resolve('examples/roman/task.ts'),
    iterations: 1,
    pool: { prompts: 60 },
    benchmark: { majority: false },
    models: { generator: { baseURL: loop.endpoint.url, model: 'reader' } },
  });
  expect(result).toMatchObject({ promoted: 1 });
  const trained = await loop.rows<{ text: string; answer: string }>(
    sql`select p.text, e.answer from dataset_examples d join examples e on e.id = d.example_id
        join prompts p on p.id = e.prompt_id`,
  );
  expect(trained.length).toBeGreaterThan(5);
  for (const { text, answer: trainedOn } of trained) expect(numeral(Number(trainedOn))).toBe(text);
  const refused = await loop.rows<{ n: number }>(
    sql`select count(*)::int as n from verdicts where gate = 'coherence' and outcome = 'fail'`,
  );
  expect(refused[0]!.n).toBeGreaterThan(5);
  const [run] = await loop.rows<{ task_spec: { kind: string; digest: string } }>(
    sql`select task_spec from runs`,
  );
  expect(run!.task_spec).toMatchObject({
    kind: 'module',
    digest: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
  });
}, 120_000);

it('keeps prompts, target and final apart, each number once', async () => {
  const prompts = await collect(roman.prompts({ seed: 5, count: 10_000, exclude: () => false }));
  const held = roman.benchmarks.flatMap(({ items }) => items().map(({ key }) => key));
  expect(new Set([...prompts.map(({ key }) => key), ...held]).size).toBe(3999);
  expect(prompts.length + held.length).toBe(3999);
  expect(roman.readPrompt('IIII')).toMatch('is no Roman numeral');
});

const written = (name: string, text: string) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

it.each([
  ['is not there', undefined, /task module .*: /],
  ['does not parse', 'export default {', /task module/],
  ['throws', 'throw new Error("no data file");', /no data file/],
  ['exports nothing', 'export const task = {};', /default export is no task/],
  [
    'lacks most',
    'export default { name: "x", maxTokens: 0 };',
    /title must be a text[\s\S]*prompts must be a function[\s\S]*maxTokens[\s\S]*target/,
  ],
])('a module that %s is refused, with what is wrong', async (name, text, message) => {
  const path =
    text === undefined ? join(folder, 'missing.ts') : written(`${name.replaceAll(' ', '-')}.ts`, text);
  await expect(resolveTask(path)).rejects.toThrow(message);
});

it('a module that changed since its run began is not used', async () => {
  const path = written('changing.ts', `export { default } from '${resolve('examples/roman/task.ts')}';`);
  const spec = await resolveTask(path);
  written('changing.ts', `export { default } from '${resolve('examples/roman/task.ts')}'; // other`);
  const again = await resolveTask(path);
  expect(again).not.toEqual(spec);
  await prepareTask(again);
  await expect(prepareTask({ ...spec, digest: '0'.repeat(64) } as typeof spec)).rejects.toThrow(
    /has changed since the run began/,
  );
});

/** In a process of its own: tests run in another loader than workers do. */
async function inNode(script: string): Promise<unknown> {
  const source = `import { writeFileSync as write } from 'node:fs';
    const { prepareTask, loadTask, resolveTask } = await import(${JSON.stringify(resolve('tasks/index.ts'))});
    const { actAsUser } = await import(${JSON.stringify(resolve('tasks/access.ts'))});
    actAsUser();
    const said = (promise) => promise.then((spec) => loadTask(spec).title, ({ message }) => message);
    ${script}`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', source], {
    cwd: folder,
  });
  return JSON.parse(stdout) as unknown;
}

it('what a module imports of its own is part of it: a change is seen, and refused in mid-run', async () => {
  const [deep, helper, task] = [
    written('deep.ts', `export const title: string = 'one';`),
    written('helper.ts', `export { title } from './deep.ts';`),
    written(
      'importing.ts',
      `import roman, { numeral } from '${resolve('examples/roman/task.ts')}';
       import { title } from './helper.ts';
       export default { ...roman, title, readAnswer: () => numeral(3) };`,
    ),
  ];
  const result = (await inNode(`
    const first = await resolveTask('importing.ts');
    const titles = [loadTask(first).title];
    write('deep.ts', "export const title = 'two';");
    const second = await resolveTask('importing.ts');
    titles.push(loadTask(second).title, loadTask(first).title);
    const other = await prepareTask({ ...first, promptsFile: 'x' }).then(() => 'taken', ({ message }) => message);
    write('helper.ts', 'export const title = ;');
    const broken = await said(resolveTask('importing.ts'));
    write('helper.ts', "export { title } from './gone.ts';");
    const missing = await said(resolveTask('importing.ts'));
    write('gone.ts', "export const title = 'three';");
    titles.push(await said(resolveTask('importing.ts')));
    console.log(JSON.stringify({ titles, other, broken, missing, imports: Object.keys(first.imports), same: first.digest === second.digest }));
  `)) as Record<string, unknown>;
  expect(result).toMatchObject({
    titles: ['one', 'two', 'one', 'three'],
    imports: [deep, helper],
    same: true,
  });
  expect(result['other']).toBe(
    `task module ${task}: ${deep}, which it imports, has changed since the run began (${digestOf(`export const title: string = 'one';`).slice(0, 12)}, now ${digestOf("export const title = 'two';").slice(0, 12)}): put the file back, or start another run`,
  );
  expect(result['broken']).toMatch('is no valid code');
  expect(result['missing']).toMatch('gone.ts');
}, 60_000);
