import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { keepsAlternatives, strategiesOf, strategyProblems } from '../../engine/pool.ts';
import { improveInputSchema, type ImproveInput } from '../../loop/input.ts';
import { InvalidInputError } from '../../tasks/errors.ts';
import { fileTaskSchema } from '../../tasks/file/schema.ts';
import { forTarget, loadTask, resolveTask, type TaskSpec } from '../../tasks/index.ts';
import type { Prompt, Task } from '../../tasks/task.ts';
import { collect } from './collect.ts';

let folder: string;
const at = (name: string): string => join(folder, name);
const write = (name: string, content: string): string => {
  writeFileSync(at(name), content);
  return at(name);
};
const problemsOf = async (yaml: string, options?: { promptsFile: string }): Promise<string[]> => {
  const error = await resolveTask(write('bad.yaml', yaml), options).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(InvalidInputError);
  return (error as InvalidInputError).problems;
};
const jsonl = (rows: unknown[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

const YAML = `
name: words
prompts: { file: prompts.jsonl, field: question }
benchmarks:
  - { name: target, role: target, file: held-out.jsonl, rows: { to: 2 }, answer: { read: hash } }
  - { name: final, role: final, file: held-out.jsonl, rows: { from: 3 }, answer: { read: hash } }
system: Be brief.
template: "Q: {prompt}\\nEnd with ####."
strategies:
  - chain-of-thought
  - { name: plain, template: "{prompt} ({prompt})" }
answer: { read: hash, compare: numeric }
models: { generator: { baseURL: "http://127.0.0.1:8000/v1", model: m, apiKeyEnv: KEY } }
maxTokens: 300
`;

const CALIBRATED = `${YAML}calibration: { file: known.jsonl, answer: { read: hash } }\n`;

beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'ratchet-'))));
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => {
  write(
    'prompts.jsonl',
    jsonl([
      ...Array.from({ length: 50 }, (_, i) => ({ question: `What is ${i}?` })),
      { question: 'how  much IS a?' },
    ]),
  );
  write(
    'held-out.jsonl',
    jsonl([
      { question: 'How much is a?', answer: 'work\n#### 1,000' },
      { question: 'How much is b?', answer: '#### -3' },
      { question: 'How much is c?', answer: '#### 0.5' },
    ]),
  );
});

async function load(): Promise<{ spec: TaskSpec; task: Task }> {
  const spec = await resolveTask(write('task.yaml', YAML));
  return { spec, task: loadTask(spec) };
}

describe('a task file', () => {
  test('becomes a task: prompts, benchmarks with known answers, models and limits', async () => {
    const { task } = await load();
    expect(task).toMatchObject({
      name: 'words',
      title: 'words',
      maxTokens: 300,
      defaultModels: { generator: 'm' },
    });
    expect(task.endpoints).toEqual({
      generator: { baseURL: 'http://127.0.0.1:8000/v1', model: 'm', apiKeyEnv: 'KEY' },
    });
    const [target, final] = task.benchmarks;
    expect(await collect(target!.items())).toEqual([
      { key: 'how much is a?', text: 'How much is a?', answer: '1000' },
      { key: 'how much is b?', text: 'How much is b?', answer: '-3' },
    ]);
    expect((await collect(final!.items())).map(({ answer }) => answer)).toEqual(['0.5']);
    expect([target!.role, final!.role, task.rewrites, task.levels, task.truth]).toEqual([
      'target',
      'final',
      undefined,
      undefined,
      undefined,
    ]);
  });

  test('names endpoints as a run does, with the servers behind them', async () => {
    const replicas = ['http://vllm-0:8000/v1', 'http://vllm-1:8000/v1'];
    const asked = (generator: object) =>
      resolveTask(
        write('served.yaml', YAML.replace(/^models: .*$/m, `models: ${JSON.stringify({ generator })}`)),
      );
    const task = loadTask(await asked({ baseURL: 'http://balancer:8000/v1', replicas }));
    expect(task.endpoints?.generator).toEqual({ baseURL: 'http://balancer:8000/v1', replicas });
    await expect(asked({ baseURL: 'ftp://a/v1' })).rejects.toThrow(
      /models\.generator\.baseURL: must be a URL/,
    );
    await expect(asked({ extra: { n: 2 } })).rejects.toThrow(
      /models\.generator\.extra\.n: "n" is set by the loop itself/,
    );
  });

  test('survives being stored as JSON, and later edits of the file do not change it', async () => {
    const { spec } = await load();
    write('task.yaml', 'name: other');
    const stored = loadTask(JSON.parse(JSON.stringify(spec)) as TaskSpec);
    expect(stored.ask('x')).toEqual(loadTask(spec).ask('x'));
    expect(stored.readAnswer('a\n#### 7')).toBe('7');
  });

  test('asks in its own words: template, system message, strategies; nothing in a prompt is interpreted', async () => {
    const { task } = await load();
    expect(task.strategies.map(({ name }) => name)).toEqual(['chain-of-thought', 'plain']);
    const [system, user] = task.ask('{prompt} costs $& or $1');
    expect(system).toEqual({ role: 'system', content: 'Be brief.' });
    expect(user!.content).toMatch(
      /^Q: \{prompt\} costs \$& or \$1\nEnd with ####\.\n\nWrite out your reasoning/,
    );
    expect(task.strategies[1]!.messages('x')[1]!.content).toBe('Q: x\nEnd with ####. (Q: x\nEnd with ####.)');
  });

  test('gives prompts that are reproducible, each problem once, without those excluded', async () => {
    const { task } = await load();
    const choose = async (seed: number, count: number): Promise<Prompt[]> =>
      await collect(task.prompts({ seed, count, exclude: (key) => key === 'how much is a?' }));
    const first = await choose(1, 10);
    expect(first).toHaveLength(10);
    expect(await choose(1, 10)).toEqual(first);
    expect(await choose(2, 10)).not.toEqual(first);
    expect(await choose(1, 1000)).toHaveLength(50);
    write('prompts.jsonl', readFileSync(at('prompts.jsonl'), 'utf8').split('\n').toReversed().join('\n'));
    expect(await choose(1, 10)).toEqual(first);
  });

  test('judges answers by its own rule', async () => {
    const { task } = await load();
    expect(task.sameAnswer('1/2', '0.50')).toBe(true);
    expect(task.sameAnswer('x', 'x')).toBe(false);
    expect(task.checkFormat('q', 'a\n#### 7')).toEqual({ ok: true, reason: 'an answer is stated (hash)' });
    expect(task.checkFormat('q', 'a\n7').reason).toBe('no answer could be read (hash, 3 characters)');
    expect(task.checkCoherence('q', 'a\n#### 7', '7').ok).toBe(true);
  });

  test('takes its prompts from another file where one is given', async () => {
    const more = write('more.jsonl', jsonl([{ question: 'Else?' }]));
    const task = loadTask(await resolveTask(write('task.yaml', YAML), { promptsFile: more }));
    const prompts = await collect(task.prompts({ seed: 1, count: 5, exclude: () => false }));
    expect(prompts).toEqual([{ key: 'else?', text: 'Else?' }]);
  });

  test('asks plainly when it names no strategies', async () => {
    const plain = loadTask(
      await resolveTask(
        write(
          'task.yaml',
          YAML.replace(/system:[^]*?answer: \{ read: hash, compare/, 'answer: { read: hash, compare'),
        ),
      ),
    );
    expect(plain.strategies.map(({ name }) => name)).toEqual(['plain']);
    expect(plain.ask('x')).toEqual([{ role: 'user', content: 'x' }]);
    expect(plain.alternatives!.map(({ name }) => name)).not.toContain('zero-shot');
  });

  test('keeps the ways of asking that it does not use, each of which a run can name', async () => {
    const { task } = await load();
    const kept = ['zero-shot-cot', 'least-to-most', 'alternative-approach', 'state-assumptions', 'zero-shot'];
    expect(task.alternatives!.map(({ name }) => name)).toEqual(kept);
    const asked = (sampling: ImproveInput['sampling']) => {
      const settings = improveInputSchema.parse({ sampling });
      return {
        names: strategiesOf({ task, settings }).map(({ name }) => name),
        more: keepsAlternatives({ task, settings }),
        problems: strategyProblems({ task, settings }),
      };
    };
    expect(asked({})).toEqual({ names: ['chain-of-thought', 'plain'], more: true, problems: [] });
    // The bare question is for those who name it: a small model may know the form of an answer from the examples alone.
    expect(asked({ strategies: 'all' }).names).toEqual(['chain-of-thought', 'plain', ...kept.slice(0, -1)]);
    // Named one by one they stand, whatever else would be taken in.
    const strategyNames = ['state-assumptions', 'plain', 'alternative-approach'];
    expect(asked({ strategies: 'all', strategyNames })).toEqual({
      names: strategyNames,
      more: false,
      problems: [],
    });
    const ways = strategiesOf({ task, settings: improveInputSchema.parse({ sampling: { strategyNames } }) });
    const words = ways.map(({ messages }) => messages('x')[1]!.content);
    expect(words[0]).toMatch(/^Q: x\nEnd with ####\.\n\nFirst state your assumptions: /);
    expect(words[2]).toContain('by a different method');
  });

  test('of the GSM8K example is valid', () => {
    const example = parse(
      readFileSync(new URL('../../examples/gsm8k/task.yaml', import.meta.url), 'utf8'),
    ) as unknown;
    expect(fileTaskSchema.parse(example)).toMatchObject({
      name: 'gsm8k',
      answer: { read: 'hash', compare: 'numeric' },
    });
  });

  test.skipIf(!process.env['GSM8K_FILE'])(
    'reads the whole file in GSM8K_FILE, prompts and known answers',
    async () => {
      const file = JSON.stringify(process.env['GSM8K_FILE']);
      const yaml = `{name: g, prompts: {file: ${file}, field: question, rows: {to: 100}}, answer: {read: hash, compare: numeric},
      benchmarks: [{name: t, role: target, file: ${file}, rows: {from: 101}, answer: {read: hash}}]}`;
      await expect(resolveTask(write('gsm8k.yaml', yaml))).resolves.toMatchObject({ kind: 'file' });
    },
  );
});

describe('a task file that cannot be used', () => {
  test('has all its bad fields named at once, with the file', async () => {
    const problems = await problemsOf(`
name: "two words"
prompts: { file: prompts.jsonl, colour: red }
benchmarks:
  - { name: a, role: targett, file: held-out.jsonl }
  - { name: b, role: guard, file: held-out.jsonl, rows: { from: 5, to: 2 } }
template: no placeholder
strategies: [chain-of-thoughts, { name: x }]
answer: { read: pattern }
maxTokens: 0
tempo: fast
`);
    const text = problems.join('\n');
    for (const part of [
      'name: must be 1 to 64 letters',
      'prompts: Unrecognized key: "colour"',
      'benchmarks.0.role: Invalid option',
      'benchmarks.1.rows: "from" must not be after "to"',
      'template: must contain {prompt}',
      'strategies.0: Invalid option',
      'strategies.1.template: ',
      'answer.pattern: is needed to read by pattern',
      'maxTokens: ',
      'Unrecognized key: "tempo"',
    ]) {
      expect(text).toContain(part);
    }
    for (const problem of problems) expect(problem).toContain(`task file ${at('bad.yaml')}: `);
  });

  test.each([
    ['(', 'is no regular expression'],
    ['no group', 'must have exactly one capturing group, has 0'],
    ['(a)(b)', 'must have exactly one capturing group, has 2'],
  ])('has the pattern %s explained', async (pattern, expected) => {
    const [problem] = await problemsOf(
      YAML.replace(
        '{ read: hash, compare: numeric }',
        `{ read: pattern, pattern: ${JSON.stringify(pattern)} }`,
      ),
    );
    expect(problem).toContain(`answer.pattern: ${expected}`);
  });

  test.each([
    [
      'twice the same benchmark',
      (yaml: string) => yaml.replace('name: final', 'name: target'),
      'benchmarks.1.name: "target" is used twice',
    ],
    [
      'no target',
      (yaml: string) => yaml.replace('role: target', 'role: guard'),
      'benchmarks: one must have the role target',
    ],
    [
      'an unused pattern',
      (yaml: string) => yaml.replace('read: hash, compare', 'read: hash, pattern: (a), compare'),
      'answer.pattern: is not used when reading by hash',
    ],
    ['bad YAML', () => 'name: [a', 'bad.yaml: '],
    ['nothing in it', () => '', 'name: Invalid input: expected string, received undefined'],
    [
      'a missing prompts file',
      (yaml: string) => yaml.replace('prompts.jsonl', 'none.jsonl'),
      'none.jsonl: there is no such file',
    ],
    [
      'a missing benchmark file',
      (yaml: string) => yaml.replace('held-out.jsonl, rows: { to: 2 }', 'none.jsonl'),
      'benchmark target: file',
    ],
    [
      'rows beyond the end',
      (yaml: string) => yaml.replace('from: 3', 'from: 9'),
      'held-out.jsonl has no rows to use',
    ],
    [
      'rows in two benchmarks',
      (yaml: string) => yaml.replace('from: 3', 'from: 2'),
      'benchmark final: line 2 is in target already',
    ],
    [
      'a field that rows lack',
      (yaml: string) => yaml.replace('field: question', 'field: prompt'),
      'line 1 has no field "prompt"',
    ],
    [
      'an answer field that rows lack',
      (yaml: string) => yaml.replace('rows: { to: 2 }', 'answerField: gold'),
      'line 1 has no field "gold"',
    ],
  ])('with %s says so', async (_, change, expected) => {
    const problems = await problemsOf(change(YAML));
    expect(problems.join('\n')).toContain(expected);
  });

  test('has bad rows named by file and line, known answers that cannot be read among them', async () => {
    write(
      'held-out.jsonl',
      jsonl([
        { question: 'a?', answer: '#### soon' },
        { question: '', answer: '#### 1' },
        { question: 'c?', answer: null },
      ]),
    );
    write('prompts.jsonl', '{"question": "ok?"}\n{"question": 5}\n{oops\n');
    expect(await problemsOf(YAML)).toEqual([
      `benchmark target: file ${at('held-out.jsonl')}, line 1 has an answer that can't be read (hash, numeric)`,
      `benchmark target: file ${at('held-out.jsonl')}, line 2 has an empty "question"`,
      `benchmark final: file ${at('held-out.jsonl')}, line 3 has an answer that is no text or number`,
      `prompts file ${at('prompts.jsonl')}, line 2 has a "question" that is no text`,
      `prompts file ${at('prompts.jsonl')}, line 3 is not JSON (column 2)`,
    ]);
  });

  test('has prompts beside those it is measured on', async () => {
    write('prompts.jsonl', jsonl([{ question: 'HOW much is a?' }]));
    expect(await problemsOf(YAML)).toEqual([
      `prompts file ${at('prompts.jsonl')}: has no prompts beside those in the benchmarks`,
    ]);
  });
});

describe('finding a task', () => {
  test('knows the built-in one, quick or whole', async () => {
    expect(await resolveTask('arithmetic')).toEqual({ kind: 'arithmetic' });
    expect(await resolveTask('arithmetic', { quick: true })).toEqual({
      kind: 'arithmetic',
      benchmarkSize: 25,
    });
  });
  test('lists the known ones for an unknown name', async () => {
    await expect(resolveTask('aritmetic')).rejects.toThrow(
      'there is no task "aritmetic"; known: arithmetic, or the path of a .yaml or .ts file',
    );
  });
  test('says that a file is not there', async () => {
    await expect(resolveTask(at('none.yaml'))).rejects.toThrow(
      `task file ${at('none.yaml')}: there is no such file`,
    );
  });
});

describe('a calibration set', () => {
  const known = Array.from({ length: 20 }, (_, i) => ({
    question: `How many are ${i} dozen?`,
    answer: `#### ${12 * i}`,
  }));

  test('gives problems with their answers, the same for the same seed, without what is excluded', async () => {
    write('known.jsonl', jsonl(known));
    const task = loadTask(await resolveTask(write('task.yaml', CALIBRATED)));
    const draw = async (seed: number, exclude = (_key: string) => false) => {
      const items = [];
      for await (const item of task.calibration!({ seed, count: 5, exclude })) items.push(item);
      return items;
    };
    const first = await draw(1);
    expect(first).toHaveLength(5);
    for (const { text, answer } of first) {
      const dozens = Number(/\d+/.exec(text)![0]);
      expect(task.sameAnswer(answer, String(12 * dozens))).toBe(true);
    }
    expect(await draw(1)).toEqual(first);
    expect(await draw(2)).not.toEqual(first);
    const keys = new Set(first.map((one) => one.key));
    expect((await draw(1, (key) => keys.has(key))).some((one) => keys.has(one.key))).toBe(false);
    expect(loadTask(await resolveTask(write('task.yaml', YAML))).calibration).toBeUndefined();
  });

  test('is refused where a benchmark has its problems, and where an answer cannot be read', async () => {
    write(
      'known.jsonl',
      jsonl([
        ...known,
        { question: 'how much is B?', answer: '#### 1' },
        { question: 'And d?', answer: 'none' },
      ]),
    );
    const problems = await problemsOf(CALIBRATED);
    expect(problems).toHaveLength(2);
    expect(problems[0]).toBe('calibration: line 21 is in target already');
    expect(problems[1]).toMatch(
      /^calibration: file .*known\.jsonl, line 22 has an answer that can't be read/,
    );
  });
});

describe('a target with prompts of its own', () => {
  const OWN = YAML.replace(
    'rows: { to: 2 }, answer',
    'rows: { to: 2 }, prompts: { file: own.jsonl, field: q }, answer',
  );
  const texts = async (task: Task) => {
    const given = [];
    for await (const { text } of task.prompts({ seed: 1, count: 9, exclude: () => false })) given.push(text);
    return given;
  };

  test('draws them in its stage, and the task draws its own beside it', async () => {
    write('own.jsonl', jsonl([{ q: 'Only here?' }]));
    const task = loadTask(await resolveTask(write('task.yaml', OWN)));
    expect(await texts(forTarget(task, 'target'))).toEqual(['Only here?']);
    expect(await texts(task)).not.toContain('Only here?');
    // What else the task is, it stays.
    expect(forTarget(task, 'target').ask('x')).toEqual(task.ask('x'));
    const others = write('others.jsonl', jsonl([{ question: 'Another file?' }]));
    const overridden = loadTask(await resolveTask(at('task.yaml'), { promptsFile: others }));
    expect(await texts(forTarget(overridden, 'target'))).toEqual(['Another file?']);
  });

  test('is refused where they cannot be read, are all held out, or it is no target', async () => {
    write('own.jsonl', jsonl([{ q: 'how  much IS a?' }]));
    expect(await problemsOf(OWN)).toEqual([
      expect.stringMatching(/own\.jsonl: has no prompts beside those in the benchmarks$/),
    ]);
    write('own.jsonl', jsonl([{ question: 'No field q' }]));
    expect(await problemsOf(OWN)).toEqual([expect.stringMatching(/own\.jsonl, line 1 has no field "q"$/)]);
    const guard = OWN.replace('role: final', 'role: final, prompts: { file: own.jsonl }');
    expect(await problemsOf(guard)).toEqual([expect.stringMatching(/only a target has prompts of its own$/)]);
  });
});
