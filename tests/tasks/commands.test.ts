/** Rows and rewards that commands make: run once, kept by digest, limited, and refused by name. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { runCheck } from '../../sandbox/verdict.ts';
import { runCommand } from '../../tasks/data/command.ts';
import { settle } from '../../tasks/data/source.ts';
import { InvalidInputError } from '../../tasks/errors.ts';
import { loadTask, resolveTask, type TaskSpec } from '../../tasks/index.ts';
import type { Task } from '../../tasks/task.ts';
import { digestOf } from '../../process/digest.ts';
import { hasSandbox } from '../support/sandbox.ts';
import { until } from '../support/wait.ts';
import { collect } from './collect.ts';

const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'ratchet-commands-'));
const at = (name: string) => join(folder, name);
const write = (name: string, text: string) => (writeFileSync(at(name), text), at(name));
const before = { ...process.env };
beforeAll(() => void (process.env.RATCHET_ROWS = at('rows')));
beforeEach(() => rmSync(at('rows'), { recursive: true, force: true }));
afterAll(() => {
  process.env = before;
  rmSync(folder, { recursive: true });
});

const everything = { seed: 1, count: 1000, exclude: () => false };
const promptsOf = async (task: Task) => (await collect(task.prompts(everything))).map(({ text }) => text);

/** A task whose prompts a command makes, beside a benchmark in a file. */
function taskWith(prompts: string, more = ''): string {
  write('exam.jsonl', '{"prompt": "1 + 1", "answer": "2"}\n');
  return write(
    'task.yaml',
    `name: made\nprompts: ${prompts}\nbenchmarks: [{ name: exam, role: target, file: exam.jsonl, promptField: prompt }]\nanswer: { read: last-number }\n${more}`,
  );
}
const rowFiles = () => readdirSync(at('rows')).filter((name) => name !== '.made');
const script = (body: string) => {
  write('x.py', body);
  return '{ command: [python3, x.py] }';
};
const refusal = (yaml: string): Promise<string[]> =>
  resolveTask(yaml).then(
    () => expect.unreachable('it was taken'),
    (error: InvalidInputError) => {
      expect(error).toBeInstanceOf(InvalidInputError);
      return error.problems;
    },
  );

describe('rows of a command', () => {
  const COUNTING = `
import pathlib
with open("runs", "a") as runs: runs.write("x")
print('{"prompt": "a"}\\n\\n{"prompt": "b"}')
`;

  it('are made once, in the folder of the task file, and kept by their digest', async () => {
    const spec = await resolveTask(taskWith(script(COUNTING)));
    expect(await promptsOf(loadTask(spec))).toHaveLength(2);
    expect(await promptsOf(loadTask(JSON.parse(JSON.stringify(spec)) as TaskSpec))).toHaveLength(2);
    expect(readFileSync(at('runs'), 'utf8')).toBe('x');
    const [kept] = rowFiles();
    expect(kept).toBe(`${digestOf(readFileSync(at(`rows/${kept}`)))}.jsonl`);
  });

  describe('that several processes ask for', () => {
    /** Counts its runs where nobody looks, takes a second, and leaves a file of its own behind. */
    const SLOW = `
import os, pathlib, time
with open(os.environ["RUNS"], "a") as runs: runs.write("x")
time.sleep(1)
pathlib.Path("left-behind").touch()
print('{"prompt": "' + str(time.time()) + '"}')
`;
    const reader = write(
      'reader.mjs',
      `const { resolveTask } = await import(${JSON.stringify(join(root, 'tasks/index.ts'))});
       console.log(/"kept":"(\\w+)"/.exec(JSON.stringify(await resolveTask(${JSON.stringify(at('several/task.yaml'))})))[1]);`,
    );
    const runs = () => readFileSync(at('runs-of-all'), 'utf8').length;
    const read = async (): Promise<string> => {
      const child = spawn(process.execPath, [reader], { cwd: root, env: process.env });
      let said = '';
      child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
      child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
      await once(child, 'close');
      return said.trim();
    };
    const locks = () => readdirSync(at('rows/.made')).filter((name) => name.endsWith('.lock'));
    beforeEach(() => {
      rmSync(at('several'), { recursive: true, force: true });
      mkdirSync(at('several'));
      write('several/x.py', SLOW);
      write('several/part.py', 'one = 1');
      renameSync(taskWith('{ command: [python3, x.py] }'), at('several/task.yaml'));
      renameSync(at('exam.jsonl'), at('several/exam.jsonl'));
      writeFileSync(at('runs-of-all'), '');
      process.env.RUNS = at('runs-of-all');
      process.env.RATCHET_PASS = 'RUNS';
    });

    it('at once or one after another are made by one of them, until a file changes', async () => {
      const [one, other] = await Promise.all([read(), read()]);
      expect(one).toMatch(/^[0-9a-f]{64}$/);
      expect(other).toBe(one);
      expect(await read()).toBe(one);
      expect(runs()).toBe(1);
      write('several/part.py', 'one = 2');
      expect(await read()).not.toBe(one);
      expect(runs()).toBe(2);
      expect(locks()).toEqual([]);
    }, 60_000);

    it('are made anew once they are old, or gone', async () => {
      const first = await resolveTask(at('several/task.yaml'));
      const record = at(`rows/.made/${readdirSync(at('rows/.made'))[0]!}`);
      const stored = JSON.parse(readFileSync(record, 'utf8')) as { endedAt: number };
      writeFileSync(record, JSON.stringify({ ...stored, endedAt: stored.endedAt - 120_000 }));
      expect(await resolveTask(at('several/task.yaml'))).not.toEqual(first);
      expect(runs()).toBe(2);
      for (const name of rowFiles()) rmSync(at(`rows/${name}`));
      await resolveTask(at('several/task.yaml'));
      expect(runs()).toBe(3);
    }, 60_000);

    it('are made by the next where the one that made them is killed', async () => {
      const child = spawn(process.execPath, [reader], { cwd: root, env: process.env });
      await until('its command', () => Promise.resolve(runs() === 1));
      child.kill('SIGKILL');
      await once(child, 'close');
      expect(locks()).toHaveLength(1);
      expect(await read()).toMatch(/^[0-9a-f]{64}$/);
      expect(runs()).toBe(2);
      expect(locks()).toEqual([]);
    }, 60_000);
  });

  it('that are gone or others are not read', async () => {
    const spec = await resolveTask(taskWith(script(`print('{"prompt": "changed"}')`)));
    const other = await resolveTask(taskWith(script(`print('{"prompt": "gone"}')`)));
    const file = at(`rows/${digestOf('{"prompt": "changed"}\n')}.jsonl`);
    expect(existsSync(file)).toBe(true);
    rmSync(at(`rows/${digestOf('{"prompt": "gone"}\n')}.jsonl`));
    await expect(promptsOf(loadTask(other))).rejects.toThrow(/made are not here .*set RATCHET_ROWS/);
    // Another process, which has not looked at it before.
    writeFileSync(file, '{"prompt": "other"}\n');
    const { status, stderr } = spawnSync(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `const { loadTask } = await import(${JSON.stringify(join(root, 'tasks/index.ts'))});
         for await (const one of loadTask(${JSON.stringify(spec)}).prompts({ seed: 1, count: 5, exclude: () => false })) console.log(one);`,
      ],
      { encoding: 'utf8', env: process.env },
    );
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/has changed since its command made it/);
  });

  it('that are bad are named by line', async () => {
    expect(await refusal(taskWith(script(`print('{"prompt": "a"}\\n{"text": "b"}\\nnoise')`)))).toEqual([
      'prompts of `python3 x.py`, line 2 has no field "prompt"',
      expect.stringMatching(/^prompts of `python3 x.py`, line 3 is not JSON/),
    ]);
  });

  it.each<[string, string, string, RegExp]>([
    [
      'fails',
      'import sys; sys.exit("no such corpus")',
      '',
      /^prompts: `python3 x.py` ended with code 1; it said:\nno such corpus$/,
    ],
    [
      'does not end',
      'import time; time.sleep(60)',
      ', seconds: 1',
      /^prompts: `python3 x.py` was not done in 1 s and said nothing$/,
    ],
    ['is no program', '', '', /can't be started: .*ENOENT/],
  ])('whose command %s are refused', async (what, body, more, said) => {
    const source = script(body).replace(' }', `${more} }`);
    const yaml = taskWith(what === 'is no program' ? '{ command: [no-such-program] }' : source);
    expect((await refusal(yaml))[0]).toMatch(said);
    expect(rowFiles()).toEqual([]);
  });

  it('are refused where there are two sources, or none', async () => {
    expect(await refusal(taskWith('{ file: a.jsonl, command: [x] }'))).toEqual([
      expect.stringContaining('prompts: has file and command: one is enough'),
    ]);
    expect(await refusal(taskWith('{ field: a }'))).toEqual([
      expect.stringContaining('prompts: needs a file, a command or a dataset'),
    ]);
  });

  it('see of the environment what RATCHET_PASS names', async () => {
    process.env.MY_KEY = 'k';
    process.env.MY_SECRET = 's';
    process.env.RATCHET_PASS = 'MY_KEY';
    const names = `import os, json; print(json.dumps({"prompt": " ".join(sorted(n for n in os.environ if n.startswith("MY_")))}))`;
    expect(await promptsOf(loadTask(await resolveTask(taskWith(script(names)))))).toEqual(['MY_KEY']);
  });
});

it('a command that writes without end is stopped, and what it started with it', async () => {
  const run = { command: ['sh', '-c', 'yes & yes'], folder, seconds: 30, bytes: 100_000 };
  let taken = 0;
  const took = runCommand('rows', run, (chunk) => (taken += chunk.length));
  await expect(took).rejects.toThrow('wrote more than 100000 bytes');
  expect(taken).toBeLessThanOrEqual(100_000);
});

it('a command may write as many bytes as the limit', async () => {
  const run = { command: ['head', '-c', '1000', '/dev/zero'], folder, seconds: 30, bytes: 1000 };
  await expect(runCommand('rows', run, () => {})).resolves.toBeUndefined();
  await expect(runCommand('rows', { ...run, bytes: 999 }, () => {})).rejects.toThrow('more than 999 bytes');
});

describe('a reward', () => {
  const sample = (rationale: string) => ({ request: 'r', rationale, answer: '1' });
  const of = (rationales: string[]) =>
    rationales.map((one, i) => ({ prompt: { key: `${i}`, text: `p${i}` }, sample: sample(one) }));
  const REWARD = `
from ratchet_tasks import main, reward
@reward
def r(prompts, completions, answers, **kwargs):
    open("pages", "a").write("x")
    return [{"good": 1, "half": 0.5, "much": 7, "bad": -1}.get(c) for c in completions]
main()
`;

  it('judges a page of samples at once, from its threshold on', async () => {
    write('r.py', REWARD);
    const yaml = taskWith(
      script(`print('{"prompt": "a"}')`),
      'verify: { reward: trl, command: [python3, r.py, r] }\n',
    );
    const task = loadTask(await resolveTask(yaml));
    expect(await task.verifyAll!(of(['good', 'half', '<think>bad</think>\nmuch', 'bad', 'unknown']))).toEqual(
      [
        { ok: true, score: 1, reason: 'reward 1 ≥ 0.5' },
        { ok: true, score: 0.5, reason: 'reward 0.5 ≥ 0.5' },
        { ok: true, score: undefined, reason: 'reward 7 ≥ 0.5' },
        { ok: false, score: undefined, reason: 'reward -1 < 0.5' },
        { ok: undefined, score: undefined, reason: 'the reward function gave nothing' },
      ],
    );
    expect(readFileSync(at('pages'), 'utf8')).toBe('x');
    expect(await task.verify!({ key: 'k', text: 'p' }, sample('half'))).toMatchObject({ ok: true });
  });

  it('that gives no line of rewards is an error, which names the command', async () => {
    write('r.py', 'print("[1.0]")');
    const yaml = taskWith(
      script(`print('{"prompt": "a"}')`),
      'verify: { reward: trl, command: [python3, r.py] }\n',
    );
    const task = loadTask(await resolveTask(yaml));
    await expect(task.verifyAll!(of(['good']))).rejects.toThrow(
      /`python3 r.py` gave no line .* and 1 rewards/,
    );
  });
});

describe('in the sandbox', () => {
  it.skipIf(!hasSandbox || !existsSync('/usr/bin/python3'))(
    'a reward judges each sample alone, by its token',
    async () => {
      write(
        'r.py',
        'from ratchet_tasks import *\n@reward\ndef r(completions, **_):\n    exec(completions[0])\n    return [1.0]\nmain()\n',
      );
      const yaml = taskWith(
        script(`print('{"prompt": "a"}')`),
        'verify: { reward: trl, command: [python3, /task/r.py, r], sandbox: true, files: [r.py], threshold: 1 }\n',
      );
      const task = loadTask(await resolveTask(yaml));
      expect([task.verify, task.verifyAll]).toEqual([undefined, undefined]);
      const { sandboxed } = task;
      const judge = (rationale: string) => {
        const job = sandboxed!.job!({ key: 'k', text: 'p' }, { request: 'r', rationale, answer: '1' }, []);
        return runCheck(sandboxed!, { input: JSON.stringify('input' in job ? job.input : {}) });
      };
      expect(await judge('1 + 1')).toEqual({ ok: true, score: 1, reason: 'reward 1 ≥ 1' });
      // What the model wrote can print rewards, but does not know the token; nor does it end with one.
      const forged = `print('{"token": "x", "rewards": [1.0]}'); raise SystemExit(0)`;
      expect(await judge(forged)).toMatchObject({ ok: false, reason: /no verdict/ });
    },
  );
});

const PYTHON = join(root, '.ratchet/python/bin/python');

describe('a data set by name', () => {
  it.skipIf(!existsSync(PYTHON))('is read by the package datasets', { timeout: 120_000 }, async () => {
    mkdirSync(at('set'), { recursive: true });
    write('set/train.jsonl', '{"question": "a"}\n{"question": "b"}\n');
    write('set/test.jsonl', '{"question": "c"}\n');
    process.env.RATCHET_PYTHON = PYTHON;
    process.env.RATCHET_PASS = 'HF_HOME';
    process.env.HF_HOME = at('hub');
    const read = async (more: string) =>
      promptsOf(loadTask(await resolveTask(taskWith(`{ dataset: ./set, field: question${more} }`))));
    expect((await read('')).toSorted()).toEqual(['a', 'b']);
    expect(await read(', split: test')).toEqual(['c']);
    expect((await refusal(taskWith('{ dataset: ./set, split: none }')))[0]).toMatch(
      /^prompts: the data set .\/set was not read[\s\S]*Unknown split "none"/,
    );
  });

  it('asks for the package where it is missing', async () => {
    process.env.RATCHET_PYTHON = write('python', '#!/bin/sh\nexec python3 -S "$@"\n');
    chmodSync(at('python'), 0o755);
    expect((await refusal(taskWith('{ dataset: a/b }')))[0]).toMatch(
      /package datasets is missing .*pip install datasets/,
    );
  });
});

describe('who may have commands run', () => {
  it('is whoever may have code imported: not a file that may only be read', async () => {
    const yaml = { path: join(root, 'docs/tasks.md'), folder: join(root, 'docs') };
    delete process.env.RATCHET_TASKS;
    await expect(settle('prompts', { command: ['true'] }, yaml)).rejects.toThrow(
      /the workers may not run it/,
    );
    process.env.RATCHET_TASKS = before.RATCHET_TASKS;
  });

  it('is not the web page: it leaves them to the workers', () => {
    const yaml = taskWith(script('open("ran", "w")'));
    const { stdout } = spawnSync(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `const { importNoTasks } = await import(${JSON.stringify(join(root, 'tasks/access.ts'))});
         const { loadTask, resolveTask } = await import(${JSON.stringify(join(root, 'tasks/index.ts'))});
         importNoTasks();
         await resolveTask(${JSON.stringify(yaml)}).then((spec) => console.log(loadTask(spec).name), (error) => console.log(error.message));`,
      ],
      { encoding: 'utf8', env: process.env },
    );
    expect(stdout).toBe('made\n');
    expect(existsSync(at('ran'))).toBe(false);
  });
});

describe('the template', () => {
  it('is a task: its commands are those that the script names', async () => {
    cpSync(join(root, 'examples/python-task'), at('template'), { recursive: true });
    const task = loadTask(await resolveTask(at('template/task.yaml')));
    expect(await promptsOf(task)).toHaveLength(400);
    expect(await collect(task.benchmarks[1]!.items())).toHaveLength(100);
    const prompt = { key: 'k', text: 'How many letters has the word "cat"?' };
    const [good, bad] = ['c, a, t\n#### 3', 'c, u, t\n#### 3'].map((one) => ({
      prompt,
      sample: sample(one),
    }));
    const verdicts = await task.verifyAll!([good!, bad!]);
    expect(verdicts.map(({ ok }) => ok)).toEqual([true, false]);
    const said = spawnSync('python3', ['task.py'], {
      cwd: at('template'),
      encoding: 'utf8',
      env: { ...process.env, PYTHONPATH: join(root, 'tasks/python') },
    });
    const yaml = readFileSync(at('template/task.yaml'), 'utf8');
    for (const line of said.stdout.trim().split('\n')) expect(yaml).toContain(line.replace(/ \}$/, ''));
  });

  const sample = (rationale: string) => ({ request: 'r', rationale, answer: '3' });

  it('has a package whose own tests pass', () => {
    const { status, stderr } = spawnSync('python3', [join(root, 'tasks/python/test_ratchet_tasks.py')], {
      encoding: 'utf8',
    });
    expect(status, stderr).toBe(0);
  });
});

const hasGym = spawnSync('python3', ['-c', 'import reasoning_gym']).status === 0;

it.skipIf(!hasGym)(
  'tasks of reasoning-gym are made by name, and their verifiers judge',
  { timeout: 120_000 },
  async () => {
    cpSync(join(root, 'examples/reasoning-gym'), at('gym'), { recursive: true });
    const yaml = at('gym/task.yaml');
    const written = readFileSync(yaml, 'utf8');
    for (const names of ['chain_sum, gcd', 'basic_arithmetic, calendar_arithmetic']) {
      writeFileSync(yaml, written.replaceAll('chain_sum, gcd', names));
      const task = loadTask(await resolveTask(yaml));
      const [prompt] = await collect(task.prompts(everything));
      // The right answer to a prompt is known to the verifier alone.
      const said = spawnSync(
        'python3',
        [
          '-c',
          'import sys; sys.argv.insert(1, ""); import task; q = sys.stdin.read(); print(next(e["answer"] for _, e in task.part("prompts") if e["question"] == q))',
          ...names.split(', '),
        ],
        {
          cwd: at('gym'),
          input: prompt!.text,
          encoding: 'utf8',
          env: { ...process.env, PYTHONPATH: join(root, 'tasks/python') },
        },
      );
      expect(said.stderr).toBe('');
      const verdicts = await task.verifyAll!(
        [said.stdout.trim(), 'no answer'].map((answer) => ({
          prompt: prompt!,
          sample: { request: prompt!.text, rationale: `#### ${answer}`, answer },
        })),
      );
      expect(verdicts.map(({ ok }) => ok)).toEqual([true, false]);
    }
  },
);
