import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InvalidInputError } from '../../tasks/errors.ts';
import { loadTask, resolveTask } from '../../tasks/index.ts';
import type { Prompt, PromptRequest } from '../../tasks/task.ts';
import { collect } from './collect.ts';

const task = loadTask({ kind: 'arithmetic' });

/** The right worked answer, written as the built-in model's training data is. */
function work(text: string): string {
  const [a, b] = text.split('+').map((number) => number.split('').toReversed().map(Number)) as [
    number[],
    number[],
  ];
  let carry = 0;
  let digits = '';
  const lines = a.map((digit, place) => {
    const total = digit + b[place]! + carry;
    const line = `${digit}+${b[place]}+${carry}=${total % 10},${Math.floor(total / 10)}`;
    carry = Math.floor(total / 10);
    digits = `${total % 10}${digits}`;
    return line;
  });
  return [...lines, `#${digits}`].join('\n');
}

function prompt(text: string): Prompt {
  return { key: text, text };
}

const number = fc.oneof(
  fc.nat(999_999_999),
  fc.nat(999),
  fc.integer({ min: 1, max: 999 }).map((n) => n * 10 ** 6),
);
const pairs = fc.tuple(number, number);

const request = (changes: Partial<PromptRequest> = {}): PromptRequest => {
  return { seed: 1, count: 40, exclude: () => false, ...changes };
};

describe('rewrites of a sum', () => {
  test('are its shifts and swaps, written to ten places', () => {
    const forms = task.rewrites!(prompt('345+678'), 7);
    expect(forms).toHaveLength(14);
    expect(forms.find(({ key }) => key === 'x10^3')?.text).toBe('0000345000+0000678000');
    expect(forms.find(({ key }) => key === 'x10^6,swapped')?.text).toBe('0678000000+0345000000');
  });

  test('are half as many for equal numbers, where swapping changes nothing', () => {
    expect(task.rewrites!(prompt('1234+1234'), 7)).toHaveLength(6);
  });

  test("map every right answer back to the prompt's own", () => {
    fc.assert(
      fc.property(pairs, fc.nat(1000), ([a, b], seed) => {
        const given = prompt(`${a}+${b}`);
        for (const form of task.rewrites!(given, seed)) {
          const rationale = work(form.text);
          const answer = task.readAnswer(rationale)!;
          expect(form.mapBack(answer)).toBe(task.truth!(given));
          expect(form.text).toMatch(/^\d{10}\+\d{10}$/);
          expect(task.checkFormat(form.text, rationale).ok).toBe(true);
          expect(task.checkCoherence(form.text, rationale, answer).ok).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('have different texts and keys, in an order that depends on the seed alone', () => {
    const keys = (seed: number): string[] => task.rewrites!(prompt('12+345'), seed).map(({ key }) => key);
    expect(new Set(keys(1)).size).toBe(14);
    expect(keys(1)).toEqual(keys(1));
    expect(keys(1)).not.toEqual(keys(2));
    expect(keys(1).toSorted()).toEqual(keys(2).toSorted());
  });

  test('do not map back an answer that the shift makes impossible', () => {
    const form = task.rewrites!(prompt('345+678'), 1).find(({ key }) => key === 'x10^3')!;
    expect(form.mapBack('1023000')).toBe('1023');
    for (const bad of ['1023001', '102300', '', '0001023000', '-1000', 'NaN', '1e3'])
      expect(form.mapBack(bad)).toBeUndefined();
  });

  test('take the zeros of a prompt into account', () => {
    const large = `5${'0'.repeat(30)}+12${'0'.repeat(29)}`;
    const [form] = task.rewrites!(prompt(large), 1);
    expect(form!.mapBack(task.readAnswer(work(form!.text))!)).toBe(task.truth!(prompt(large)));
    expect(task.rewrites!(prompt('0+0'), 1)[0]!.mapBack('0')).toBe('0');
  });
});

describe('reading an answer', () => {
  const text = '0000345000+0000678000';
  test('takes the sum on the last line, without leading zeros', () => {
    expect(task.readAnswer(work(text))).toBe('1023000');
    expect(task.readAnswer(work('0000000000+0000000000'))).toBe('0');
  });
  test.each([
    ['nothing', ''],
    ['a sum that is cut off', work(text).slice(0, -1)],
    ['a sum with a place too many', `${work(text)}0`],
    ['text after the sum', `${work(text)}\n`],
    ['a sum in the middle of a line', '0+0+0=0,0 #0001023000'],
    ['no mark', work(text).replace('#', '')],
    ['digits of another script', '#٠٠٠١٠٢٣٠٠٠'],
  ])('reads none out of %s', (_, rationale) => {
    expect(task.readAnswer(rationale)).toBeUndefined();
  });
});

describe('the checks of format and coherence', () => {
  const text = '0000000012+0000000009';
  const right = work(text).split('\n');
  const withLine = (i: number, line: string): string => right.with(i, line).join('\n');

  test('tell the line that is wrong', () => {
    expect(task.checkFormat(text, withLine(2, '0+0=0'))).toEqual({
      ok: false,
      reason: 'line 3 has the wrong shape: "0+0=0"',
    });
    expect(task.checkFormat(text, right.slice(1).join('\n')).reason).toBe('10 lines instead of 11');
    expect(task.checkFormat(text, withLine(10, '#21'))).toMatchObject({ ok: false });
    expect(task.checkFormat(text, withLine(0, '2+9+2=1,1'))).toMatchObject({ ok: false });
    expect(task.checkFormat(text, 'x'.repeat(1_000_000)).reason).toBe('1 lines instead of 11');
  });

  test('see a carry that is not handed on and a sum that is not the steps', () => {
    expect(task.checkCoherence(text, withLine(1, '1+0+0=2,0'), '21').reason).toBe(
      'line 2 adds carry 0, but 1 was handed on',
    );
    expect(task.checkCoherence(text, withLine(10, '#0000000022'), '22').reason).toContain(
      'the steps give "#0000000021"',
    );
    expect(task.checkCoherence(text, right.join('\n'), '22')).toMatchObject({ ok: false });
    expect(task.checkCoherence(text, 'no steps\n#0000000021', '21').reason).toBe(
      'line 1 is no step: "no steps"',
    );
  });

  test('do not do the sum: wrong arithmetic of the right shape passes', () => {
    const wrong = ['2+9+0=5,0', '1+0+0=1,0', ...right.slice(2, 10), '#0000000015'].join('\n');
    expect(task.checkFormat(text, wrong).ok).toBe(true);
    expect(task.checkCoherence(text, wrong, '15').ok).toBe(true);
  });
});

describe('generated prompts', () => {
  test('are of the levels asked for, evenly, and each problem once', async () => {
    const prompts = await collect(task.prompts(request({ levels: [4, 6, 9], count: 300 })));
    const counts = Object.groupBy(prompts, ({ level }) => String(level));
    expect(Object.entries(counts).map(([level, list]) => [level, list?.length])).toEqual([
      ['4', 100],
      ['6', 100],
      ['9', 100],
    ]);
    expect(new Set(prompts.map(({ key }) => key)).size).toBe(300);
    for (const { key, text, level } of prompts) {
      const [a, b] = key.split('+').map(Number) as [number, number];
      expect([text, a <= b, a % 10 === 0 && b % 10 === 0, String(b).length]).toEqual([
        key,
        true,
        false,
        level,
      ]);
    }
  });

  test('are the same for the same request and differ between seeds', async () => {
    const first = await collect(task.prompts(request()));
    expect(await collect(task.prompts(request()))).toEqual(first);
    expect(await collect(task.prompts(request({ seed: 2 })))).not.toEqual(first);
  });

  test('leave out what is excluded, and end when there is nothing left', async () => {
    const free = new Set(['1+1', '7+9', '2+3']);
    const prompts = await collect(task.prompts(request({ levels: [1], exclude: (key) => !free.has(key) })));
    expect(prompts.map(({ key }) => key).toSorted()).toEqual(['1+1', '2+3', '7+9']);
    expect(await collect(task.prompts(request({ levels: [5], exclude: () => true })))).toEqual([]);
  });

  test('begin with four and five digits', async () => {
    const prompts = await collect(task.prompts(request()));
    expect(new Set(prompts.map(({ level }) => level))).toEqual(new Set([4, 5]));
  });

  test('for rehearsal are of one to three digits and leave the guard alone', async () => {
    const guard = new Set<string>();
    for await (const item of task.benchmarks.find(({ name }) => name === 'guard')!.items())
      guard.add(item.key);
    const prompts = await collect(task.rehearsal!(request({ count: 60, exclude: (key) => guard.has(key) })));
    expect(prompts).toHaveLength(60);
    expect(
      Object.values(Object.groupBy(prompts, ({ level }) => String(level))).map((list) => list?.length),
    ).toEqual([20, 20, 20]);
    expect(prompts.some(({ key }) => guard.has(key))).toBe(false);
  });

  test('keep one key under every rewrite of the problem', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ratchet-'));
    const file = join(folder, 'prompts.jsonl');
    const forms = task.rewrites!(prompt('345+678'), 1).map(({ text }) => JSON.stringify({ prompt: text }));
    writeFileSync(file, forms.join('\n'));
    const spec = await resolveTask('arithmetic', { promptsFile: file });
    expect(spec).toMatchObject({ promptsFound: { prompts: 1, duplicates: 13, levels: [3] } });
    rmSync(folder, { recursive: true });
  });
});

describe('benchmarks', () => {
  const read = async (size?: number, split?: true) => {
    const { benchmarks } = loadTask({ kind: 'arithmetic', benchmarkSize: size, split });
    return Promise.all(
      benchmarks.map(async ({ name, role, items }) => ({ name, role, items: await collect(items()) })),
    );
  };

  test('are target, guard and final, 100 problems a level where there are enough, and none in two of them', async () => {
    const all = await read();
    expect(all.map(({ role, items }) => [role, items.length])).toEqual([
      ['target', 600],
      ['guard', 220],
      ['final', 600],
    ]);
    const keys = all.flatMap(({ items }) => items.map(({ key }) => key));
    expect(new Set(keys).size).toBe(keys.length);
    const groups = Object.groupBy(all[0]!.items, ({ group }) => group!);
    expect(Object.keys(groups)).toEqual(['n=4', 'n=5', 'n=6', 'n=7', 'n=8', 'n=9']);
  });

  test('give the right answer to the very text that is asked', async () => {
    for (const { items } of await read(10)) {
      for (const { text, answer } of items) expect(task.readAnswer(work(text))).toBe(answer);
    }
  });

  test('are always the same, and a small one is part of the large one', async () => {
    const large = await read();
    expect(await read()).toEqual(large);
    for (const [i, { items }] of (await read(25)).entries()) {
      const texts = new Set(large[i]!.items.map(({ text }) => text));
      expect(items.every(({ text }) => texts.has(text))).toBe(true);
    }
  });

  test('are two targets by length where a curriculum wants several, of the same problems, each with its levels', async () => {
    const split = await read(10, true);
    expect(split.map(({ name, role }) => [name, role])).toEqual([
      ['shorter', 'target'],
      ['longer', 'target'],
      ['guard', 'guard'],
      ['final', 'final'],
    ]);
    const [whole, ...others] = await read(10);
    expect([...split[0]!.items, ...split[1]!.items]).toEqual(whole!.items);
    expect(split.slice(2)).toEqual(others);
    const staged = loadTask({ kind: 'arithmetic', split: true });
    expect(staged.forTarget!('shorter').levels).toEqual({ start: [4, 5], all: [4, 5, 6] });
    expect(staged.forTarget!('longer').levels).toEqual({ start: [7, 8], all: [7, 8, 9] });
    expect(task.forTarget).toBeUndefined();
  });

  test('guard three digits with problems that the built-in base never saw', async () => {
    const [, guard] = await read();
    for (const { key, group } of guard!.items) {
      const [a, b] = key.split('+').map(Number) as [number, number];
      if (group === 'n=3') expect((a + b) % 17).toBe(3);
    }
  });
});

describe("a user's prompts file", () => {
  let folder: string;
  const write = (name: string, content: string): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  const problemsOf = async (path: string): Promise<string[]> => {
    const error = await resolveTask('arithmetic', { promptsFile: path }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(InvalidInputError);
    return (error as InvalidInputError).problems;
  };
  beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'ratchet-'))));
  afterAll(() => rmSync(folder, { recursive: true }));

  test('is read with spaces, leading zeros, blank lines, CRLF, a byte order mark and further fields', async () => {
    const path = write(
      'ok.jsonl',
      '\uFEFF{"prompt": " 345 + 678 ", "id": 1}\r\n\r\n{"prompt":"00012345+7"}\r\n{"prompt":"678+345"}',
    );
    const spec = await resolveTask('arithmetic', { promptsFile: path });
    expect(spec).toEqual({
      kind: 'arithmetic',
      promptsFile: path,
      promptsFound: { prompts: 2, duplicates: 1, levels: [3, 5] },
    });
    const loaded = loadTask(spec);
    expect(loaded.levels).toEqual({ start: [3, 5], all: [3, 5] });
    expect((await collect(loaded.prompts(request()))).toSorted((a, b) => a.level! - b.level!)).toEqual([
      { key: '345+678', text: '345+678', level: 3 },
      { key: '7+12345', text: '00012345+7', level: 5 },
    ]);
  });

  test('is drawn from evenly over the levels, reproducibly, without what is excluded', async () => {
    const lines = Array.from(
      { length: 500 },
      (_, i) => `{"prompt": "${i % 3 === 0 ? 1000 + i : 10_001 + i}+${7}"}`,
    );
    const loaded = loadTask(
      await resolveTask('arithmetic', { promptsFile: write('many.jsonl', lines.join('\n')) }),
    );
    const chosen = await collect(
      loaded.prompts(request({ levels: [4, 5], count: 100, exclude: (key) => key.endsWith('1') })),
    );
    expect(
      Object.values(Object.groupBy(chosen, ({ level }) => String(level))).map((list) => list?.length),
    ).toEqual([50, 50]);
    expect(chosen.some(({ key }) => key.endsWith('1'))).toBe(false);
    expect(
      await collect(
        loaded.prompts(request({ levels: [4, 5], count: 100, exclude: (key) => key.endsWith('1') })),
      ),
    ).toEqual(chosen);
    const others = await collect(loaded.prompts(request({ seed: 2, levels: [4, 5], count: 100 })));
    expect(others).not.toEqual(chosen);
    expect(await collect(loaded.prompts(request({ levels: [5], count: 10_000 })))).toHaveLength(333);
  });

  test('names all bad lines by number and reason', async () => {
    const path = write(
      'bad.jsonl',
      [
        '{"prompt": "1+2"}',
        'nonsense',
        '{"question": "1+2"}',
        '{"prompt": 3}',
        '{"prompt": "1-2"}',
        '{"prompt": "1234567890+1"}',
        '["1+2"]',
      ].join('\n'),
    );
    expect(await problemsOf(path)).toEqual([
      `prompts file ${path}, line 2 is not JSON`,
      `prompts file ${path}, line 3 has no field "prompt"`,
      `prompts file ${path}, line 4 has a "prompt" that is no text`,
      `prompts file ${path}, line 5 is no sum of two whole numbers such as 345+678`,
      `prompts file ${path}, line 6 has 10 significant digits, at most 9 fit`,
      `prompts file ${path}, line 7 is not a JSON object`,
    ]);
  });

  test('with very many bad lines names twenty and counts the rest', async () => {
    const problems = await problemsOf(write('awful.jsonl', 'x\n'.repeat(1000)));
    expect(problems).toHaveLength(21);
    expect(problems[20]).toBe('… and 980 more problems');
  });

  test('that is missing, empty or a folder is refused', async () => {
    const missing = join(folder, 'missing.jsonl');
    expect(await problemsOf(missing)).toEqual([`prompts file ${missing}: there is no such file`]);
    const empty = write('empty.jsonl', '\n\n');
    expect(await problemsOf(empty)).toEqual([`prompts file ${empty}: has no prompts`]);
    expect(await problemsOf(folder)).toEqual([`prompts file ${folder}: is a folder, not a file`]);
  });
});
