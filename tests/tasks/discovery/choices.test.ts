import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import task from '../../../examples/discovery/choices.ts';
import {
  bestOption,
  choicesOf,
  choiceText,
  informationIn,
  readChoice,
  reordered,
} from '../../../tasks/discovery/choices.ts';

const tenth = fc.integer({ min: -9999, max: 9999 }).map((value) => value / 10);
const choice = fc.integer({ min: 2, max: 3 }).chain((laws) =>
  fc.record({
    weights: fc.array(fc.integer({ min: 1, max: 99 }), { minLength: laws, maxLength: laws }),
    options: fc.array(fc.array(tenth, { minLength: laws, maxLength: laws }), { minLength: 2, maxLength: 4 }),
  }),
);

test('a problem is read as it was written, and nothing else is', () => {
  fc.assert(
    fc.property(choice, (one) => {
      expect(readChoice(choiceText(one))).toEqual(one);
    }),
  );
  for (const text of [
    '',
    'Which?',
    'Laws: A 60 %, B 40 %',
    'Laws: A 60 %, B 40 %\n1: A 1.0\n2: A 2.0, B 3.0\nand more',
  ])
    expect(readChoice(text)).toBeUndefined();
});

test('the best option is the one on which laws of weight differ most', () => {
  const one = {
    weights: [50, 50],
    options: [
      [1, 1],
      [1, 4],
      [9, 8],
    ],
  };
  expect(bestOption(one)).toBe(2);
  // Half the squared distance from the mean on each side: ln(1 + 1.5²) / 2.
  expect(informationIn(one)[1]).toBeCloseTo(Math.log(1 + 1.5 ** 2) / 2, 12);
  // A law that hardly counts does not decide.
  expect(
    bestOption({
      weights: [49, 50, 1],
      options: [
        [0, 2, 0],
        [0, 0, 9],
      ],
    }),
  ).toBe(1);
});

test('in another order the answer maps back to the same experiment', async () => {
  await fc.assert(
    fc.asyncProperty(choice, fc.integer({ min: 1, max: 99 }), async (one, seed) => {
      const prompt = task.readPrompt(choiceText(one));
      if (typeof prompt === 'string') throw new Error(prompt);
      const forms = task.rewrites!(prompt, seed);
      expect(forms[0]!.text).toBe(prompt.text);
      for (const { text, mapBack } of forms) {
        const there = readChoice(text)!;
        const answer = String(bestOption(there));
        const verified = await task.verify!(prompt, {
          request: text,
          rationale: '',
          answer: mapBack(answer)!,
        });
        expect(verified).toMatchObject({ ok: true, score: 1 });
        const same = task.readPrompt(text);
        expect(typeof same === 'string' ? same : same.key).toBe(prompt.key);
      }
    }),
    { numRuns: 50 },
  );
  expect(
    reordered(
      {
        weights: [1, 1],
        options: [
          [1, 2],
          [3, 4],
        ],
      },
      [1, 0],
    ).options,
  ).toEqual([
    [3, 4],
    [1, 2],
  ]);
});

test('a worse choice is told how much worse; one that is none scores worst', async () => {
  const prompt = {
    key: '',
    text: choiceText({
      weights: [50, 50],
      options: [
        [0, 1],
        [0, 4],
      ],
    }),
  };
  const of = (answer: string) => task.verify!(prompt, { request: prompt.text, rationale: '', answer });
  expect(await of('2')).toMatchObject({ ok: true, score: 1 });
  const worse = await of('1');
  expect(worse.ok).toBe(false);
  expect(worse.score).toBeGreaterThan(0);
  expect(worse.score).toBeLessThan(0.5);
  expect(await of('4')).toMatchObject({ ok: false, score: 0 });
  expect(task.readAnswer('They differ by 4.\nAnswer: 2')).toBe('2');
  expect(task.readAnswer('Answer: 2 or 3')).toBeUndefined();
});

test('a study gives problems, each of two laws or three and of four experiments, and the same ones again', async () => {
  const made = await choicesOf('enzyme-inhibited', 2, 6, 8);
  expect(made.length).toBeGreaterThan(0);
  for (const one of made) {
    expect(readChoice(choiceText(one))).toEqual(one);
    expect(one.options).toHaveLength(4);
    expect(one.options[0]).toHaveLength(one.weights.length);
  }
  expect(await choicesOf('enzyme-inhibited', 2, 6, 8)).toEqual(made);
});

test('the problems of the example are clear, and none that is trained on is held out', () => {
  const read = (name: string) => {
    const file = new URL(`../../../examples/discovery/${name}.jsonl`, import.meta.url);
    expect(existsSync(file)).toBe(true);
    return readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { text: string }).text);
  };
  const [prompts, target, final] = ['choices', 'choices-target', 'choices-final'].map(read) as [
    string[],
    string[],
    string[],
  ];
  expect(prompts.length).toBeGreaterThanOrEqual(400);
  expect(target.length).toBeGreaterThanOrEqual(150);
  expect(final.length).toBeGreaterThanOrEqual(150);
  for (const text of [...prompts, ...target, ...final]) {
    const [best = 0, next = 0] = informationIn(readChoice(text)!).toSorted((a, b) => b - a);
    expect(best, text).toBeGreaterThanOrEqual(1.25 * next);
  }
  const trained = new Set(prompts);
  expect([...target, ...final].filter((text) => trained.has(text))).toEqual([]);
});
