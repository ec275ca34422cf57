/** A task of the kind `tutor`: what it practises, what it holds out, what it takes for right, in words and as the built-in adder has it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { actAsUser } from '../../../tasks/access.ts';
import { checkGiven } from '../../../tasks/given.ts';
import { loadTask, prepareTask, resolveTask } from '../../../tasks/index.ts';
import type { BenchmarkItem, Prompt, Task } from '../../../tasks/task.ts';
import { catalogueOf, readItem } from '../../../tasks/tutor/catalogue.ts';
import { misconceptionOf } from '../../../tasks/tutor/further.ts';
import { inWords, workedText } from '../../../tasks/tutor/index.ts';
import { workedLong } from '../../../tasks/tutor/long-addition.ts';
import { targetsOf, type TutorSpec } from '../../../tasks/tutor/resolve.ts';
import type { Item } from '../../../tasks/tutor/skill.ts';

const example = (name: string) => fileURLToPath(new URL(`../../../examples/tutor/${name}`, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'ratchet-tutor-task-'));
beforeAll(actAsUser);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const loaded = new Map<string, Promise<{ task: Task; spec: TutorSpec }>>();
/** Read once: an example's catalogue needs mathjs, which takes its time. */
function taskOf(path: string): Promise<{ task: Task; spec: TutorSpec }> {
  if (!loaded.has(path)) loaded.set(path, load(path));
  return loaded.get(path)!;
}

async function load(path: string): Promise<{ task: Task; spec: TutorSpec }> {
  const resolved = await resolveTask(path);
  // As a run stores it.
  const spec = JSON.parse(JSON.stringify(resolved)) as TutorSpec;
  await prepareTask(spec);
  return { task: loadTask(spec), spec };
}
const promptsOf = async (
  task: Task,
  seed: number,
  count: number,
  held: ReadonlySet<string>,
): Promise<Prompt[]> => {
  const prompts: Prompt[] = [];
  for await (const one of task.prompts({ seed, count, exclude: (key) => held.has(key) })) prompts.push(one);
  return prompts;
};
const itemsOf = (task: Task): Map<string, BenchmarkItem[]> =>
  new Map(task.benchmarks.map(({ name, items }) => [name, [...(items() as Iterable<BenchmarkItem>)]]));

describe.each([
  ['task.yaml', (text: string) => readItem(text.replace(/^.*?(?=-?[\d(])/, '')) as Item],
  ['adder.yaml', (text: string) => readItem(text) as Item],
])('examples/tutor/%s', (name, itemIn) => {
  let task: Task;
  let spec: TutorSpec;
  let items: Map<string, BenchmarkItem[]>;
  let held: Set<string>;
  beforeAll(async () => {
    ({ task, spec } = await taskOf(example(name)));
    items = itemsOf(task);
    held = new Set([...items.values()].flat().map(({ key }) => key));
  });

  it('practises items on which a misconception of the learners shows, and knows what is right', async () => {
    const catalogue = catalogueOf(spec.further.map(misconceptionOf));
    const own = targetsOf(spec, catalogue).map(({ misconception }) => catalogue.named(misconception)!);
    expect(own.length).toBeGreaterThan(1);
    const prompts = await promptsOf(task, 1, 60, held);
    expect(prompts).toHaveLength(60);
    for (const prompt of prompts) {
      const item = itemIn(prompt.text);
      const truth = task.truth!(prompt)!;
      const wrong = own.filter(({ skill }) => skill === item.skill).map((one) => one.answer(item));
      expect(
        wrong.some((answer) => answer !== truth),
        prompt.text,
      ).toBe(true);
      const sample = { request: prompt.text, rationale: '' };
      expect(await task.verify!(prompt, { ...sample, answer: truth })).toMatchObject({ ok: true });
      for (const answer of wrong.filter((one) => one !== truth))
        expect(await task.verify!(prompt, { ...sample, answer })).toMatchObject({ ok: false });
    }
  });

  it('gives the same prompts for the same seed, others for another, and none that is held out', async () => {
    const [first, again, other] = await Promise.all([1, 1, 2].map((seed) => promptsOf(task, seed, 40, held)));
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
    expect(new Set(first!.map(({ key }) => key)).size).toBe(40);
    expect(first!.filter(({ key }) => held.has(key))).toEqual([]);
  });

  it('holds out what the learners get wrong, and guards what they can do', () => {
    expect([...items.keys()]).toEqual(['target', 'guard', 'final']);
    const all = [...items.values()].flat();
    expect(new Set(all.map(({ key }) => key)).size).toBe(all.length);
    for (const own of items.values()) expect(own.length).toBeGreaterThanOrEqual(50);
    const catalogue = catalogueOf(spec.further.map(misconceptionOf));
    const named = targetsOf(spec, catalogue).map(({ misconception }) => catalogue.named(misconception)!);
    for (const { text, answer } of items.get('guard')!) {
      const item = itemIn(text);
      for (const one of named.filter(({ skill }) => skill === item.skill))
        expect(one.answer(item)).toBe(answer);
    }
  });

  it('reads worked practice back as an answer that holds', async () => {
    for (const prompt of await promptsOf(task, 3, 30, held)) {
      const item = itemIn(prompt.text);
      const rationale = name === 'adder.yaml' ? workedLong(item)! : workedText(item);
      const given = checkGiven(task, { text: prompt.text, rationale, answer: task.truth!(prompt) });
      expect(given, prompt.text).toMatchObject({ answer: task.truth!(prompt), key: prompt.key });
    }
  });

  it('lets work that leads to another answer abstain, in every form that an item is put in', async () => {
    const [prompt] = await promptsOf(task, 4, 1, held);
    for (const form of task.rewrites?.(prompt!, 1) ?? [{ text: prompt!.text }]) {
      const item = itemIn(form.text);
      const rationale =
        name === 'adder.yaml' ? workedLong({ numbers: form.text.split('+') })! : workedText(item);
      const answer = task.readAnswer(rationale)!;
      expect(task.checkCoherence(form.text, rationale, answer), form.text).toMatchObject({ ok: true });
      const rule = ({ a, b, carry }: { a: number; b: number; carry: number }) => ({
        write: (a + b + carry + (a === 0 ? 0 : 1)) % 10,
        carry: 0,
      });
      const wrong =
        name === 'adder.yaml' ? workedLong({ numbers: form.text.split('+') }, rule)! : 'Answer: 123456';
      expect(task.checkFormat(form.text, wrong)).toMatchObject({ ok: true });
      expect(task.checkCoherence(form.text, wrong, task.readAnswer(wrong)!), form.text).toMatchObject({
        ok: false,
        reason: expect.stringContaining('worked out it is'),
      });
    }
  });
});

it.each([
  ['3/4 of it.\nAnswer: 6/8', '3/4'],
  ['Answer: 225', '225'],
  ['**Answer: -12**', '-12'],
  ['Answer: 0.40', '0.4'],
  ['Answer: $5.12$', '5.12'],
  ['Answer: 0.05 < 0.12 < 0.4', '0.05, 0.12, 0.4'],
  ['Answer: 0.05, 0.12, 0.4', '0.05, 0.12, 0.4'],
  ['Answer: 225 or 226', undefined],
  ['It is 225', undefined],
  ['Answer: none', undefined],
  ['Answer: 225\nNo, 226', undefined],
])('%j states %s', async (rationale, answer) => {
  const { task } = await taskOf(example('task.yaml'));
  expect(task.readAnswer(rationale)).toBe(answer);
});

it('puts every kind of item into words and reads it back', async () => {
  const { task } = await taskOf(example('task.yaml'));
  for (const text of [
    '503-278',
    '1/2+1/3',
    '0.35, 0.4',
    '5-(-3)',
    '(2+3)*4',
    '-3*(-4)',
    '0.3+0.25',
    '23*45',
  ]) {
    const item = readItem(text) as Item;
    expect(task.readPrompt(inWords(item))).toEqual({
      key: item.text,
      text: inWords(item),
      level: item.level,
    });
  }
  expect(task.readPrompt('Work out why')).toMatch(/^is an item of no known skill/);
});

describe('a task file', () => {
  const log = join(folder, 'log.jsonl');
  const write = (name: string, value: unknown) => {
    writeFileSync(join(folder, name), stringify(value));
    return join(folder, name);
  };
  const given = { kind: 'tutor', name: 'x', log: 'log.jsonl' };
  const answers = (own: Record<string, string>, learner = 'mia') =>
    Object.entries(own).map(([item, answer]) => `${JSON.stringify({ learner, item, answer })}\n`);
  beforeAll(() => writeFileSync(log, answers({ '503-278': '375', '62-38': '36', '71-48': '37' }).join('')));

  it.each([
    ['no log', { kind: 'tutor', name: 'x' }, /log: /],
    ['a log that is not there', { ...given, log: 'gone.jsonl' }, /gone\.jsonl: there is no such file/],
    ['a learner who is not there', { ...given, learners: ['bob'] }, /the log has no answers of "bob"/],
    ['a skill that is none', { ...given, skills: ['singing'] }, /skills/],
    ['a field that is none', { ...given, answers: 3 }, /answers/],
    [
      'a form without a single item',
      { ...given, form: 'long-addition' },
      /no learner has a misconception that this task can practise/,
    ],
    [
      'a catalogue that is not there',
      { ...given, catalogue: 'no.yaml' },
      /catalogue .*no\.yaml: there is no such file/,
    ],
  ])('with %s is refused by name', async (_, value, problem) => {
    await expect(resolveTask(write('bad.yaml', value))).rejects.toThrow(problem);
  });

  it('is refused prompts of another file', async () => {
    await expect(resolveTask(write('task.yaml', given), { promptsFile: log })).rejects.toThrow(
      /leave --prompts out/,
    );
  });

  it('practises with a single learner and a single skill', async () => {
    const { task, spec } = await taskOf(
      write('one.yaml', { ...given, learners: ['mia'], skills: ['subtraction'], heldOut: 20 }),
    );
    expect(spec.learners[0]!.skills[0]).toMatchObject({ finding: 'smaller-from-larger', level: 3 });
    expect(
      (await promptsOf(task, 1, 5, new Set())).every(({ text }) => /^Work out \d+-\d+$/.test(text)),
    ).toBe(true);
  });
});
