import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { questionsIn, readProposal, withProposals } from '../../engine/ladder/proposals.ts';
import { numbersOf } from '../../loop/paraphrase.ts';
import type { Task } from '../../tasks/task.ts';

const PROBLEM = 'Ann has 3 boxes of 4 pens and gives 5 pens away. How many has she left?';
const readPrompt: Task['readPrompt'] = (text) =>
  text.length > 200 ? 'is longer than 200 characters' : { key: text, text };

const read = (reply: string, problem = PROBLEM) => questionsIn(reply, problem, { readPrompt });

describe('questions that a model proposes', () => {
  test('are the items of its list, in their order', () => {
    const reply =
      'Sure:\n1. Ann has 3 boxes of 4 pens. How many pens has she?\n2) Ann has #1 pens and gives 5 away. How many are left?\nDone.';
    expect(read(reply)).toEqual({
      questions: [
        'Ann has 3 boxes of 4 pens. How many pens has she?',
        'Ann has #1 pens and gives 5 away. How many are left?',
      ],
      dropped: [],
    });
  });

  test.each([
    ['invents 7', '1. Ann has 7 boxes of 4 pens. How many pens has she?'],
    ['invents 12', '1. Ann has twelve pens and gives 5 away. How many are left?'],
    ['needs question 2, which is not there before it', '1. Ann has #2 pens. How many are left?'],
    ['needs question 1, which is not there before it', '1. Ann has #1 pens. How many are left?'],
    ['has lost all numbers', '- How many pens does Ann have?'],
    ['is the problem itself', `1. ${PROBLEM}`],
    ['asks nothing', '1. Ann has 3 boxes of 4 pens.'],
    ['asks nothing', '2. Ann gives 5 pens away (of those found).'],
    ['is no prompt of the task: is longer than 200 characters', `1. ${'What is 3 and 4? '.repeat(20)}`],
  ])('dropped, it %s', (reason, reply) => {
    const { questions, dropped } = read(reply);
    expect(questions).toEqual([]);
    expect(dropped.map((one) => one.reason)).toEqual([reason]);
  });

  test('may ask without a question mark, and say a fact where the problem asks for none', () => {
    const asked = ['Find the number of pens in 3 boxes of 4.', 'Ann has 4 pens; calculate 4 times 3.'];
    expect(read(asked.map((one) => `- ${one}`).join('\n')).questions).toEqual(asked);
    expect(read('- 4 plus 5', '3 times 4 plus 5').questions).toEqual(['4 plus 5']);
  });

  test('that need one which was dropped are dropped with it, and the others keep their references', () => {
    const reply = [
      '1. Bob has 9 pens. How many are these?',
      '2. Ann has 3 boxes of 4 pens. How many pens has she?',
      '3. Bob has #1 pens and Ann gives him 5. How many has he?',
      '4. Ann has #2 pens and gives 5 away. How many are left?',
    ].join('\n');
    const { questions, dropped } = read(reply);
    expect(questions).toEqual([
      'Ann has 3 boxes of 4 pens. How many pens has she?',
      'Ann has #1 pens and gives 5 away. How many are left?',
    ]);
    expect(dropped.map(({ reason }) => reason)).toEqual([
      'invents 9',
      'needs question 1, which is not there before it',
    ]);
  });

  test('have no number that the problem has not, and refer to earlier ones alone, whatever is written', () => {
    const line = fc.tuple(
      fc.constantFrom('1. ', '2) ', '- ', '* ', '', '12: '),
      fc.array(
        fc.constantFrom(
          '3',
          '4',
          '5',
          '77',
          '#1',
          '#2',
          '#9',
          'pens',
          'twelve',
          '?',
          '\t',
          '<think>',
          '</think>',
        ),
      ),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 14 }), (lines) => {
        const reply = lines.map(([mark, words]) => mark + words.join(' ')).join('\n');
        const { questions } = read(reply);
        expect(questions.length).toBeLessThanOrEqual(6);
        for (const [at, question] of questions.entries()) {
          const references = [...question.matchAll(/#(\d+)/g)].map((found) => Number(found[1]));
          expect(references.every((one) => one >= 1 && one <= at)).toBe(true);
          for (const number of numbersOf(question.replaceAll(/#\d+/g, '')))
            expect(numbersOf(PROBLEM)).toContain(number);
        }
      }),
    );
  });
});

test('a problem becomes its proposal, the questions with the answers of earlier ones, and the whole', () => {
  const task = withProposals({ readPrompt } as Task);
  const problem = { key: 'p', text: PROBLEM };
  const solved = (part: { key: string; text: string }, answer: string) => ({
    prompt: part,
    answer,
    works: [],
  });
  const [proposal] = task.decompose!(problem, []);
  const reply =
    '1. Ann has 3 boxes of 4 pens. How many has she?\n2. Ann has #1 pens and gives 5 away. How many are left?';
  const [form] = task.partKinds!.proposal!.rewrites!(proposal!, 0);
  const answer = form!.mapBack(reply)!;
  expect(readProposal(answer).questions).toHaveLength(2);
  const known = [solved(proposal!, answer)];
  const first = task.decompose!(problem, known)[1]!;
  known.push(solved(first, '3 * 4 = 12'));
  const second = task.decompose!(problem, known)[2]!;
  expect(second.text).toBe('Ann has 12 pens and gives 5 away. How many are left?');
  known.push(solved(second, '12 - 5 = 7'));
  const all = task.decompose!(problem, known);
  expect(all.map(({ kind }) => kind)).toEqual(['proposal', 'question', 'question', 'whole']);
  expect(all.at(-1)!.text).toBe(
    `${PROBLEM}\n\nWhat is known already:\n- ${first.text} 3 * 4 = 12\n- ${second.text} 12 - 5 = 7`,
  );
  const whole = {
    ...solved(all.at(-1)!, '7'),
    works: [{ request: all.at(-1)!.text, rationale: 'So 12 - 5 = 7' }],
  };
  expect(task.recombine!(problem, PROBLEM, [...known, whole])).toEqual({ rationale: 'So 12 - 5 = 7' });
  expect(task.recombine!(problem, 'another form', [...known, whole])).toEqual({
    impossible: 'the solution was written for the problem as it stands',
  });
});
