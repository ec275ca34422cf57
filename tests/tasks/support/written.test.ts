/** A correction as an answer: what it says, and that the policy check of a run passes exactly what the policies support. */
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { makeCorrections } from '../../../app/support/make-corrections.ts';
import { actAsUser } from '../../../tasks/access.ts';
import { libraryOf, supportTask } from '../../../tasks/support/index.ts';
import { readPolicies } from '../../../tasks/support/policies.ts';
import { prepareSupport } from '../../../tasks/support/prepare.ts';
import { readSupportTask, type SupportSpec } from '../../../tasks/support/resolve.ts';
import type { CorrectionRow } from '../../../tasks/support/rows.ts';
import { answersOf } from '../../../tasks/support/written.ts';
import type { Task } from '../../../tasks/task.ts';
import type { Written } from '../../../tasks/written.ts';
import { keyOf } from '../../../tasks/file/rows.ts';
import { readYaml } from '../../../tasks/yaml.ts';

const file = fileURLToPath(new URL('../../../examples/support/task.yaml', import.meta.url));
let spec: SupportSpec;
let task: Task;
beforeAll(async () => {
  actAsUser();
  await prepareSupport();
  const given = readSupportTask(await readYaml(file));
  const passages = await readPolicies(given.policies);
  const { rows } = await makeCorrections(given, {});
  spec = { kind: 'support', path: file, task: given, passages, rows };
  task = supportTask(spec);
}, 60_000);

const promptOf = ({ request }: CorrectionRow) => ({ key: keyOf(request), text: request });
const writtenOf = (of: Task, row: CorrectionRow): Written[] =>
  of.written!(promptOf(row), of.rewrites!(promptOf(row), 1));

const row = (given: Partial<CorrectionRow>): CorrectionRow => ({
  id: 'c1/1',
  kind: 'correction',
  request: 'How long may I rent?',
  before: 'You can rent for 2 weeks.',
  said: 'No.',
  by: 'ada',
  at: '2026-09-01',
  fate: 'learn',
  reason: '',
  ...given,
});

describe('a correction as an answer', () => {
  it.each<[string, Partial<CorrectionRow>, string[]]>([
    ['the right value in the place of the wrong one', { answer: '28 days' }, ['You can rent for 28 days.']],
    [
      'in the words of the policy',
      { answer: '28 days', passage: { id: 'p#1', text: 'Gear is rented for four weeks at most.' } },
      ['You can rent for four weeks.', 'Gear is rented for four weeks at most.'],
    ],
    [
      'yes or no, and the policy',
      { before: 'Yes, you can.', answer: 'no', passage: { id: 'p#1', text: 'Dogs are not let in.' } },
      ['No. Dogs are not let in.'],
    ],
    [
      'one of what was several, and several of what was one, by the policy alone',
      {
        before: 'A member brings 1 guest.',
        answer: '3',
        passage: { id: 'p#1', text: 'Members bring 3 guests.' },
      },
      ['Members bring 3 guests.'],
    ],
    ['nothing where values are of two kinds', { answer: '$4' }, []],
    ['an answer that held, as it was', { fate: 'keep', answer: '14 days' }, ['You can rent for 2 weeks.']],
  ])('is %s', (_, given, expected) => {
    expect(answersOf(row(given), new Set())).toEqual(expected);
  });

  it('may be made of anything', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 60 });
    fc.assert(
      fc.property(text, text, text, text, (before, said, answer, policy) => {
        const made = answersOf(
          row({ before, said, answer, passage: { id: 'p#1', text: policy } }),
          new Set(),
        );
        expect(made.every((one) => typeof one === 'string')).toBe(true);
      }),
    );
  });
});

describe('the example', () => {
  it('has a sound answer in each form of every request that is learnt or kept up', async () => {
    const taught = spec.rows.filter(({ fate }) => fate === 'learn' || fate === 'keep');
    expect(taught).toHaveLength(100);
    for (const one of taught) {
      const written = writtenOf(task, one);
      expect(written.map(({ form }) => form).toSorted()).toEqual([
        'as-is',
        'greeting',
        'polite',
        'quick',
        'typed',
      ]);
      const { rationale, by } = written[0]!;
      expect(by).toBe(`${one.by} (${one.id})`);
      const answer = task.readAnswer(rationale)!;
      expect(await task.verify!(promptOf(one), { request: one.request, rationale, answer })).toMatchObject({
        ok: true,
      });
      expect(
        task.checkFormat(one.request, rationale).ok && task.checkCoherence(one.request, rationale, answer).ok,
      ).toBe(true);
    }
  });

  it('has none of what is refused, in review or held out', () => {
    const others = spec.rows.filter(({ fate }) => fate !== 'learn' && fate !== 'keep');
    const taught = new Set(
      spec.rows.filter((one) => !others.includes(one)).map(({ request }) => keyOf(request)),
    );
    const alone = others.filter(({ request }) => !taught.has(keyOf(request)));
    expect(alone.length).toBeGreaterThan(0);
    expect(alone.flatMap((one) => writtenOf(task, one))).toEqual([]);
  });

  it('has a wrong correction refused by the policy check, also where its row says that it is learnt', async () => {
    const wrong = spec.rows.filter(({ fate, answer }) => fate === 'refused' && answer !== undefined);
    expect(wrong.length).toBeGreaterThan(5);
    const { names } = libraryOf(spec.passages, spec.task);
    for (const one of wrong) {
      const forced = supportTask({ ...spec, rows: [{ ...one, fate: 'learn' }] });
      for (const { rationale } of writtenOf(forced, { ...one, fate: 'learn' })) {
        const answer = forced.readAnswer(rationale);
        const said = { request: one.request, rationale, answer: answer ?? '' };
        expect((await forced.verify!(promptOf(one), said)).ok).toBe(false);
      }
      expect(answersOf({ ...one, fate: 'learn' }, names).length).toBeGreaterThan(0);
    }
  });
});
