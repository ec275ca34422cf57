import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { vote } from '../../loop/vote.ts';
import { InvalidInputError } from '../../tasks/errors.ts';
import { fileTask } from '../../tasks/file/index.ts';
import { canonicalQuantity } from '../../tasks/file/quantity.ts';
import { fileTaskSchema } from '../../tasks/file/schema.ts';
import { resolveTask } from '../../tasks/index.ts';

const UNITS = ['km', 'kilometers', '$', 'USD', 'dollars', '%', 'm²', 'Rs.', 'square metres'];

describe('a number with a unit that the task names', () => {
  test.each([
    ['5', '5'],
    ['5 km', '5'],
    ['5km', '5'],
    ['5.0 km', '5'],
    ['5.km', '5'],
    ['5 km.', '5'],
    ['5  kilometers', '5'],
    ['**5 km.**', '5'],
    ['`5 km`', '5'],
    ['$5', '5'],
    ['\\$5', '5'],
    ['$ 5', '5'],
    ['5 $', '5'],
    ['5$', '5'],
    ['USD 5', '5'],
    ['$5 USD', '5'],
    ['5 dollars', '5'],
    ['-$5', '-5'],
    ['$-5', '-5'],
    ['−5 km', '-5'],
    ['+5 km', '5'],
    ['Rs. 5', '5'],
    ['Rs.5', '5'],
    ['Rs .5', '0.5'],
    ['50%', '50'],
    ['1,000 km', '1000'],
    ['.5 km', '0.5'],
    ['1/2 km', '0.5'],
    ['\\frac{1}{2}\\text{ km}', '0.5'],
    ['5\\,\\mathrm{km}', '5'],
    ['5~\\text{km}', '5'],
    ['$5\\text{ km}$', '5'],
    ['5 m2', '5'],
    ['5 m²', '5'],
    ['5 ㎞', '5'],
    ['5 square\nmetres', '5'],
  ])('of %j is %s', (text, expected) => {
    expect(canonicalQuantity(text, UNITS)).toBe(expected);
  });

  test.each([
    ['5 miles', '5 miles'],
    ['5miles', '5 miles'],
    ['5.0 Miles.', '5 Miles'],
    ['5 KM', '5 KM'],
    ['5 m', '5 m'],
    ['€5', '5 €'],
    ['5 €', '5 €'],
    ['US$5', '5 US$'],
    ['$5 km/h', '5 km/h'],
    ['€5 a day', '5 € a day'],
    ['5 km per hour', '5 km per hour'],
    ['3 million', '3 million'],
    ['5‰', '5 ‰'],
  ])('is another answer where %j says another unit', (text, expected) => {
    expect(canonicalQuantity(text, UNITS)).toBe(expected);
  });

  test.each([
    '',
    'km',
    '5 km 200 m',
    '5 km or 6',
    '1 000 km',
    '1,5 km',
    '007 km',
    '1/0 km',
    '10^2 km',
    '10² km',
    '3*4 km',
    '5-6 km',
    '5 (km)',
    '5 + km',
    '--5 km',
    '-$-5',
    'about 5 km',
    '$x',
    '12x²',
  ])('is not read out of %j', (text) => {
    expect(canonicalQuantity(text, UNITS)).toBeUndefined();
  });

  test('counts all units where the list is empty', () => {
    expect(canonicalQuantity('5 km', [])).toBe('5 km');
    expect(canonicalQuantity('$5', [])).toBe('5 $');
    expect(canonicalQuantity('5', [])).toBe('5');
    expect(canonicalQuantity('5\\text{ km}\\text{/h}', [])).toBe('5 km /h');
  });

  test('has a form that stays as it is when it is read again, so that equality is an equivalence', () => {
    const parts = '5 - . , / km miles $ € % ² ( \\text{ } a 1'.split(' ');
    const part = fc.constantFrom(...parts, ' ', '\n');
    const quantity = fc.array(part, { minLength: 1, maxLength: 8 }).map((list) => list.join(''));
    fc.assert(
      fc.property(quantity, fc.subarray(['km', '$', '%', '€ km']), (text, units) => {
        const form = canonicalQuantity(text, units);
        if (form !== undefined) expect(canonicalQuantity(form, units)).toBe(form);
      }),
      { numRuns: 5000 },
    );
  });
});

describe('without a list of units', () => {
  test.each([
    ['72 clips', '72'],
    ['72\\text{ dollars}', '72'],
    ['**72 clips**', '72'],
    ['$5', '5'],
    ['5 €', '5'],
    ['12 quarters', '12'],
    ['5 pairs of socks', '5'],
    ['72 apples and pears', '72'],
  ])('%j is %s', (text, expected) => expect(canonicalQuantity(text)).toBe(expected));

  test.each([
    '3 million',
    '3\\text{ million}',
    '5 dozen eggs',
    '2 thirds',
    '5 and a half',
    '5 k',
    '3 hours and twenty minutes',
    '5 hundred',
  ])('%j is not read: what stands behind the number changes it', (text) => {
    expect(canonicalQuantity(text)).toBeUndefined();
  });
});

describe('a task file with answer.units', () => {
  let folder: string;
  const at = (name: string) => join(folder, name);
  beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'ratchet-units-'))));
  afterAll(() => rmSync(folder, { recursive: true }));

  const file = (answer: object, gold: object = { read: 'hash' }) => ({
    name: 'ways',
    prompts: { file: 'prompts.jsonl' },
    benchmarks: [{ name: 'target', role: 'target', file: 'held-out.jsonl', answer: gold }],
    answer,
  });
  const problems = (answer: object, gold?: object) =>
    fileTaskSchema
      .safeParse(file(answer, gold))
      .error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];

  const km = { read: 'hash', compare: 'numeric', units: ['km', 'kilometers', '$'] };
  const task = fileTask({ kind: 'file', path: 't.yaml', task: fileTaskSchema.parse(file(km)) });

  test('pools answers with and without the unit, and none with another', () => {
    const said = ['5 km', '5', '5.0 km', '5 kilometers', '5 miles', '5 miles', '$5', '6 km'];
    const answers = said.map((text) => task.readAnswer(`So far it goes.\n#### ${text}`));
    expect(vote(answers, task.sameAnswer)).toMatchObject({
      answer: '5',
      votes: 5,
      runnerUpVotes: 2,
      samples: 8,
    });
    expect(task.sameAnswer('$5', '5.00 km')).toBe(true);
    for (const other of ['5 miles', '€5', '5 km per hour'])
      expect(task.sameAnswer('5 km', other)).toBe(false);
    expect(task.sameAnswer('5 miles', '5 miles.')).toBe(true);
  });

  test('takes two statements of one number in two units for two answers', () => {
    expect(task.readAnswer('#### 5 km\nthat is\n#### 5')).toBe('5');
    expect(task.readAnswer('#### 5 km\nthat is\n#### 5 miles')).toBeUndefined();
  });

  test('looks at the number alone where a text goes on behind the answer', () => {
    const work = 'One way is long.\n#### 5 miles\nthat is, 5 miles.';
    expect(task.checkCoherence('q', work, '5 miles').ok).toBe(true);
    expect(task.checkCoherence('q', `${work} Or 6.`, '5 miles').ok).toBe(false);
  });

  test('refuses units where they could not be told, or would not count', () => {
    expect(problems(km)).toEqual([]);
    expect(problems({ read: 'hash', compare: 'numeric', units: [] })).toEqual([]);
    expect(problems({ read: 'last-number', units: ['km'] })).toEqual([
      "answer.units: can't be told from other words behind the last number of a text; read by hash, boxed or pattern",
    ]);
    expect(problems(km, { read: 'last-number' })).toEqual([
      "benchmarks.0.answer.read: answer.units can't be told from other words behind the last number of a text; read by value, hash, boxed or pattern",
    ]);
    expect(problems({ read: 'hash', units: ['km'] })).toEqual([
      'answer.units: is used with compare: numeric only',
    ]);
    for (const unit of ['', ' ', '5', '-', '.'])
      expect(problems({ ...km, units: [unit] })).toEqual([
        'answer.units.0: must be a unit or a currency sign, as "km" or "$"',
      ]);
  });

  test('has known answers in a unit that is not listed named, before anything is asked', async () => {
    const jsonl = (rows: object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
    writeFileSync(at('prompts.jsonl'), jsonl([{ prompt: 'How far?' }]));
    writeFileSync(
      at('held-out.jsonl'),
      jsonl([
        { prompt: 'a?', answer: '#### 5 km' },
        { prompt: 'b?', answer: '#### 3 miles' },
      ]),
    );
    const resolve = (units: string[]) => {
      writeFileSync(at('t.yaml'), JSON.stringify(file({ ...km, units })));
      return resolveTask(at('t.yaml'));
    };
    const error = await resolve(['km']).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvalidInputError);
    expect((error as InvalidInputError).problems).toEqual([
      `benchmark target: file ${at('held-out.jsonl')}, line 2 has an answer in a unit that is not in answer.units`,
    ]);
    await expect(resolve(['km', 'miles'])).resolves.toMatchObject({ kind: 'file' });
    await expect(resolve([])).resolves.toMatchObject({ kind: 'file' });
  });
});
