import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { demoInput, demoName } from '../../app/runs/demo-settings.ts';
import { chooseDemoRun } from '../../app/runs/demo.ts';
import { checkInput, checkRunId, defaultRunId, inputFromFlags } from '../../app/runs/input.ts';
import { improveInputSchema } from '../../loop/input.ts';

const folder = mkdtempSync(join(tmpdir(), 'ratchet-run-input-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

test('flags win over --set, and --set over the input file', () => {
  const input = file(
    'input.json',
    '{"iterations": 1, "seed": 1, "sampling": {"samples": 4, "temperature": 1}}',
  );
  const tree = inputFromFlags('arithmetic', {
    input,
    set: ['seed=2', 'iterations=2', 'sampling.samples=16'],
    iterations: '3',
  });
  expect(tree).toEqual({
    task: 'arithmetic',
    iterations: 3,
    seed: 2,
    sampling: { samples: 16, temperature: 1 },
  });
});

test('the endpoint flags hold for every role', () => {
  const tree = inputFromFlags('arithmetic', {
    baseUrl: 'http://localhost:8000/v1',
    model: 'm',
    apiKeyEnv: 'KEY',
  });
  const endpoint = { baseURL: 'http://localhost:8000/v1', model: 'm', apiKeyEnv: 'KEY' };
  expect(tree.models).toEqual({ generator: endpoint, critic: endpoint, trainer: endpoint });
});

test('paths become absolute, names of built-in tasks stay names', () => {
  expect(inputFromFlags('my-task.yaml', { prompts: 'p.jsonl' })).toEqual({
    task: resolve('my-task.yaml'),
    promptsFile: resolve('p.jsonl'),
  });
  expect(inputFromFlags('arithmetic', {}).task).toBe('arithmetic');
});

test('every bad field is named at once', async () => {
  const tree = inputFromFlags('arithmetic', {
    iterations: 'many',
    prompts: join(folder, 'missing.jsonl'),
    set: ['sampling.samples=0', 'pool.size=3'],
  });
  const message = await checkInput(tree).catch((error: Error) => error.message);
  expect(message).toContain('iterations: ');
  expect(message).toContain('sampling.samples: ');
  expect(message).toContain('"size"');
  expect(message).toContain(`promptsFile: there is no file ${join(folder, 'missing.jsonl')}`);
});

test('a bad line of the prompts file is named before anything starts', async () => {
  const prompts = file('bad.jsonl', '{"prompt": "345+678"}\n{"prompt": "one and two"}\n');
  await expect(checkInput(inputFromFlags('arithmetic', { prompts }))).rejects.toThrow(/2/);
});

test('an unknown task and a malformed --set are refused in words', async () => {
  await expect(checkInput(inputFromFlags('sums', {}))).rejects.toThrow('there is no task "sums"');
  expect(() => inputFromFlags('arithmetic', { set: ['seed'] })).toThrow('write it as path=value');
  expect(() => inputFromFlags('arithmetic', { set: ['__proto__.x=1'] })).toThrow('no path of a field');
  expect(() => inputFromFlags('arithmetic', { input: file('list.json', '[1]') })).toThrow('one JSON object');
});

test('the default id names the task and the time', () => {
  const now = new Date(2026, 10, 22, 14, 5, 33);
  expect(defaultRunId('arithmetic', now)).toBe('arithmetic-20261122-140533');
  expect(defaultRunId('my task: sums', now)).toBe('my-task-sums-20261122-140533');
  for (const name of ['算术', '-x', '', 'a'.repeat(300)])
    expect(checkRunId(defaultRunId(name, now))).toMatch(/-20261122-140533$/);
});

test('a task gives its own name, wherever it stands', async () => {
  const nameOf = async (task: string) => (await checkInput(inputFromFlags(task, {}))).task;
  expect(await nameOf('arithmetic')).toBe('arithmetic');
  expect(await nameOf('examples/roman/task.ts')).toBe('roman');
});

test('each kind of demo has settings that the schema takes, and a name of its own', () => {
  const names = new Set<string>();
  for (const arm of ['none', 'ungated', 'control'] as const) {
    for (const quick of [false, true]) {
      expect(improveInputSchema.parse(demoInput({ arm, quick }, folder)).experiment).toBe(arm);
      names.add(demoName({ arm, quick }));
    }
  }
  for (const quick of [false, true]) names.add(demoName({ arm: 'none', quick, whole: true }));
  expect(names.size).toBe(8);
  const ladder = (choice: { arm: 'none' | 'ungated'; whole?: boolean }) =>
    improveInputSchema.parse(demoInput({ quick: false, ...choice }, folder)).strategy.ladder.mode;
  expect(ladder({ arm: 'none' })).toBe('on');
  expect(ladder({ arm: 'none', whole: true })).toBe('off');
  expect(ladder({ arm: 'ungated' })).toBe('off');
  expect(demoInput({ arm: 'none', quick: true, iterations: 5, seed: 9 }, folder)).toMatchObject({
    iterations: 5,
    seed: 9,
  });
});

test('the demo continues the unfinished run of its kind, and numbers a new one after a finished one', () => {
  const settings = { iterations: 12 };
  const run = (id: string, status: 'running' | 'completed' | 'failed' | 'stopped') => ({
    id,
    status,
    settings,
  });
  expect(chooseDemoRun('demo', [])).toEqual({ id: 'demo' });
  expect(chooseDemoRun('demo', [run('demo-control', 'running'), run('demo', 'running')])).toEqual({
    id: 'demo',
    continues: { status: 'running', iterations: 12 },
  });
  expect(chooseDemoRun('demo', [run('demo', 'completed')])).toEqual({ id: 'demo-2' });
  expect(
    chooseDemoRun('demo', [run('demo-10', 'failed'), run('demo-9', 'stopped'), run('demo', 'completed')]),
  ).toMatchObject({
    id: 'demo-10',
    continues: { status: 'failed' },
  });
  expect(chooseDemoRun('demo', [run('demo-2', 'stopped')])).toEqual({ id: 'demo-3' });
  expect(chooseDemoRun('demo-control', [run('demo-control-quick', 'running')])).toEqual({
    id: 'demo-control',
  });
});
