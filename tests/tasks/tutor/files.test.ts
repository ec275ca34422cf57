/** What people hand in: logs of answers and catalogues of their own, good ones and hostile ones. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { actAsUser } from '../../../tasks/access.ts';
import { catalogueOf, readItem } from '../../../tasks/tutor/catalogue.ts';
import { misconceptionOf, readFurther } from '../../../tasks/tutor/further.ts';
import { readLog } from '../../../tasks/tutor/log.ts';
import { readMaps } from '../../../tasks/tutor/resolve.ts';
import type { Item } from '../../../tasks/tutor/skill.ts';

const folder = mkdtempSync(join(tmpdir(), 'ratchet-tutor-'));
beforeAll(actAsUser);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
const file = (text: string, name = 'yaml') => {
  const path = join(folder, `${(files += 1)}.${name}`);
  writeFileSync(path, text);
  return path;
};
const problemsOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'nothing was refused',
    (error: Error) => error.message,
  );

describe('a log', () => {
  const line = (value: unknown) => `${JSON.stringify(value)}\n`;
  const good = { learner: 'mia', item: '503-278', answer: '335' };

  it('is read with answers as people write them', async () => {
    const log = await readLog(
      file(
        line({ ...good, item: ' 503 − 278 = ', answer: ' 0335 ' }) +
          line({ ...good, answer: 335 }) +
          line({ ...good, answer: null }) +
          line({ ...good, answer: 'I do not know' }) +
          line({ ...good, item: '1/2 + 1/4', answer: '6/8' }) +
          line({ ...good, item: '0.35, 0.4', answer: '0.4 < 0.35', class: '4b' }),
        'jsonl',
      ),
    );
    expect([...log.keys()]).toEqual(['mia']);
    expect(log.get('mia')!.map(({ item, answer }) => [item.text, answer])).toEqual([
      ['503-278', '335'],
      ['503-278', '335'],
      ['503-278', null],
      ['503-278', null],
      ['1/2+1/4', '3/4'],
      ['0.35, 0.4', '0.4, 0.35'],
    ]);
  });

  it.each([
    ['not JSON', '{"learner": "mia"', /line 1 is not valid JSON|line 1/],
    ['no learner', line({ ...good, learner: ' ' }), /line 1 has no "learner"/],
    ['a learner that is a list', line({ ...good, learner: ['mia'] }), /line 1 has no "learner"/],
    ['a long name', line({ ...good, learner: 'm'.repeat(101) }), /line 1 has a "learner" of 101 characters/],
    ['no item', line({ learner: 'mia', answer: '1' }), /line 1 has no "item"/],
    ['an item of no skill', line({ ...good, item: 'rm -rf /' }), /line 1 has an item of no known skill/],
    ['a long item', line({ ...good, item: `1+${'1'.repeat(500)}` }), /line 1 has an item of 502 characters/],
    ['no answer', line({ learner: 'mia', item: '1+1' }), /line 1 has no "answer"/],
    ['a long answer', line({ ...good, answer: '1'.repeat(201) }), /line 1 has an "answer" of 201 characters/],
    ['NUL in an answer', line({ ...good, answer: '3\u{0}5' }), /line 1 has a "answer" with U\+0000/],
    ['nothing at all', '\n\n', /has no answers/],
  ])('with %s is refused by file and line', async (_, text, problem) => {
    expect(await problemsOf(readLog(file(text, 'jsonl')))).toMatch(problem);
  });

  it('may hold names that are words of the language', async () => {
    const { learners } = await readMaps(
      file(line({ ...good, learner: '__proto__' }) + line({ ...good, learner: 'constructor' }), 'jsonl'),
    );
    expect(learners.map(({ learner }) => learner)).toEqual(['__proto__', 'constructor']);
  });
});

const entry = (more: string) => `misconceptions:
  - name: my-own
    skill: addition
    title: does it another way
    hint: Think again.
${more
  .split('\n')
  .map((one) => `    ${one}`)
  .join('\n')}
`;

describe('a catalogue of one’s own', () => {
  it('gives answers by expressions, by forms and by columns', async () => {
    const read = await readFurther(
      file(`${entry('answer: "max(a, b) + floor(min(a, b) / 10) * 10"')}
  - { name: larger-digit, skill: addition, title: writes the larger digit, hint: Add them., columns: { write: "max(a, b)", carry: "0" } }
  - { name: by-form, skill: order, title: squares, hint: Slowly., answer: { "a*b+c": "a^2+c", "a-b+c": "a-b" } }
  - { name: mean, skill: fractions, title: takes the mean, hint: Add., answer: "(a/b + c/d) / 2" }
  - { name: tenth, skill: decimal-sums, title: loses a tenth, hint: Look., answer: "a + b - 0.1" }
`),
    );
    const catalogue = catalogueOf(read.map(misconceptionOf));
    const answer = (name: string, text: string) => catalogue.named(name)!.answer(readItem(text) as Item);
    expect(answer('my-own', '34+58')).toBe('88');
    expect(answer('larger-digit', '47+38')).toBe('48');
    expect(answer('by-form', '3*4+5')).toBe('14');
    expect(answer('by-form', '2+3*4')).toBe('14');
    expect(answer('by-form', '9*9+1')).toBe('82');
    expect(answer('mean', '1/2+1/4')).toBe('3/8');
    expect(answer('tenth', '1.5+2')).toBe('3.4');
    // What is stored is plain JSON, and means the same when it is read back.
    const again = (JSON.parse(JSON.stringify(read)) as typeof read).map(misconceptionOf);
    expect(again.map((one) => one.name)).toEqual(read.map(({ name }) => name));
    expect(again[0]!.answer(readItem('34+58') as Item)).toBe('88');
  });

  it.each([
    ['a + ', /my-own: answer: the expression "a \+ " can't be read/],
    ['a + c', /has the name "c"; there are a, b/],
    ['constructor', /has the name "constructor"/],
    ['process.exit(1)', /has something that is no arithmetic \(AccessorNode\)|has the function/],
    ['import("fs")', /has the function "import"/],
    ['eval("1")', /has the function "eval"/],
    ['parse("1+1")', /has the function "parse"/],
    ['f(x) = x', /no arithmetic \(FunctionAssignmentNode\)/],
    ['a = 3', /no arithmetic \(AssignmentNode\)/],
    ['[a, b]', /no arithmetic \(ArrayNode\)/],
    ['{a: 1}', /no arithmetic \(ObjectNode\)/],
    ['"a"', /has something in place of a number/],
    ['2a', /has a product without its sign/],
    ['a!', /has the operation "factorial"/],
    ['a; b', /no arithmetic \(BlockNode\)/],
    ['99999999999999999999 + a', /too large a one/],
    ['floor(a, b, 1)', /gives floor 3 numbers, it takes 1/],
    [`${'a+'.repeat(80)}a`, /has more than 120 parts/],
    [`a+${'1'.repeat(500)}`, /answer|Too big|too_big|500/i],
    ['a + b', /gives the right answer, or none that can be written, to all of/],
    ['a / 7', /./],
    ['(a + b) / 0', /none that can be written/],
    ['9 ^ 9 ^ 9 ^ 9', /none that can be written/],
  ])('refuses the expression %j by name', async (rule, problem) => {
    const said = await problemsOf(readFurther(file(entry(`answer: ${JSON.stringify(rule)}`))));
    if (rule === 'a / 7') expect(said).toBe('nothing was refused');
    else expect(said).toMatch(problem);
  });

  it.each([
    [
      'a name that is taken',
      entry('answer: a').replace('my-own', 'no-carry'),
      /no-carry: there is a misconception of this name already/,
    ],
    [
      'a rule that is known',
      entry('columns: { write: "mod(a + b, 10)", carry: "0" }'),
      /answers every one of \d+ items as no-carry does/,
    ],
    [
      'columns of another skill',
      entry('columns: { write: a, carry: b }').replace('addition', 'signs'),
      /columns: are of addition only/,
    ],
    ['neither answer nor columns', entry('').trimEnd(), /needs either answer or columns/],
    [
      'a form that is none',
      entry('answer: { "a+b+c": a }').replace('addition', 'order'),
      /order has no form "a\+b\+c"; it has/,
    ],
    ['a hint with a number', entry('answer: a').replace('Think again.', 'Is it 5?'), /must have no digits/],
    ['lists of decimals', entry('answer: a').replace('addition', 'decimal-order'), /skill/],
    ['a field that is none', entry('answer: a\nscript: b'), /script/],
    ['no YAML', 'misconceptions: [', /catalogue .*: /],
  ])('refuses %s', async (_, text, problem) => {
    expect(await problemsOf(readFurther(file(text)))).toMatch(problem);
  });

  it('explains learners whom the built-in one does not', async () => {
    const catalogue = file(entry('answer: "max(a, b)"'));
    const log = file(
      ['34+58', '72+19', '41+77']
        .map(
          (item) =>
            `${JSON.stringify({ learner: 'lea', item, answer: Math.max(...item.split('+').map(Number)) })}\n`,
        )
        .join(''),
      'jsonl',
    );
    const found = async (further?: string) => (await readMaps(log, further)).learners[0]!.skills[0]!.finding;
    expect(await found()).toBe('unknown');
    expect(await found(catalogue)).toBe('my-own');
  });
});
