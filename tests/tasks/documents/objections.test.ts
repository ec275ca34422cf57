/** What speaks against a question is told by rule: a good one passes, and each fault is named. */
import { describe, expect, it } from 'vitest';
import { readAnswered, readWritten } from '../../../tasks/documents/ask.ts';
import { checked, factOf, formOf } from '../../../tasks/documents/objections.ts';
import { passagesIn } from '../../../tasks/documents/passages.ts';

const [passage] = passagesIn('norrby.md', [
  {
    headings: ['Norrby'],
    lines: ['The lighthouse of Norrby has 1,211 steps. Its keeper, Ann Berg, lives in the old mill.'],
  },
]);
const good = {
  quote: 'The lighthouse of Norrby has 1,211 steps.',
  question: 'How many steps has the lighthouse of Norrby?',
  answer: '1,211 steps',
};
const fate = (changes: Partial<typeof good>) => checked({ ...good, ...changes }, passage!);

describe('a question', () => {
  it('that its quote answers is kept, tidied up', () => {
    expect(fate({})).toEqual({ value: good });
    expect(
      fate({
        quote: ' 1| The lighthouse of   Norrby has 1211 steps',
        question: 'How many steps\nhas the lighthouse of Norrby? ',
        answer: ' 1211 ',
      }),
    ).toEqual({
      value: { quote: 'The lighthouse of Norrby has 1211 steps', question: good.question, answer: '1211' },
    });
  });

  it.each([
    ['noQuestion', { question: 'The lighthouse of Norrby has steps.' }],
    ['noQuestion', { question: '?' }],
    ['noQuestion', { question: `How ${'very '.repeat(80)}many steps has it?` }],
    ['noQuestion', { question: 'How many \u0000 steps has the lighthouse of Norrby?' }],
    ['leans', { question: 'According to the passage, how many steps are there in Norrby?' }],
    ['leans', { question: 'What does the author say of the steps in Norrby?' }],
    ['leans', { question: 'How many steps has this lighthouse?' }],
    ['leans', { question: 'Which lighthouse is described above?' }],
    ['leans', { question: 'Where does she live in Norrby?' }],
    ['quote', { quote: 'The lighthouse of Norrby has 1,212 steps.' }],
    ['quote', { quote: '…' }],
    ['answer', { answer: '212 steps' }],
    ['answer', { answer: '' }],
    ['answer', { answer: 'N/A' }],
    ['answer', { answer: 'Ann Berg' }],
    ['answer', { answer: '1,211 steps in all' }],
    ['givesAway', { question: 'Are there 1211 steps in the lighthouse of Norrby?' }],
    ['givesAway', { question: 'Has the lighthouse of Norrby steps?', answer: 'the lighthouse of Norrby' }],
  ])('is dropped (%s): %j', (dropped, changes) => expect(fate(changes)).toEqual({ dropped }));

  it('may speak of documents and of people that it names', () => {
    for (const question of [
      'Which document does the harbour master of Norrby sign?',
      'How long does it take to climb the lighthouse of Norrby?',
      'Who keeps the lighthouse of Norrby, and where does she live?',
      '¿Cuántos peldaños tiene el faro de Norrby?',
      'How many steps has the lighthouse of Norrby？',
    ])
      expect(fate({ question })).toHaveProperty('value');
  });
});

describe('the fact', () => {
  const fact = (question: string, answer: string) => factOf({ question, answer });
  const asked = fact('How many steps has the lighthouse of Norrby?', '211 steps');
  it('is one in other forms of the same words, with the same answer', () => {
    expect(fact('How many steps does the lighthouse of Norrby have?', '211 Steps.')).toBe(asked);
    expect(fact('Of Norrby’s lighthouse, how many steps?', '211 steps')).toBe(asked);
  });
  it('is another of another thing, or with another answer', () => {
    expect(fact('How many steps has the lighthouse of Soderby?', '211 steps')).not.toBe(asked);
    expect(fact('How many steps has the lighthouse of Norrby?', '212 steps')).not.toBe(asked);
  });
});

describe('answers', () => {
  it.each([
    ['1,211 steps', '1211 steps.'],
    ['The old mill', 'old mill'],
    ['ANN BERG', 'Ann  Berg'],
  ])('%s and %s are one', (one, other) => expect(formOf(one)).toBe(formOf(other)));

  it.each([
    ['1,211', '1,212'],
    ['Ann Berg', 'Ann'],
    ['3.5', '35'],
  ])('%s and %s are two', (one, other) => expect(formOf(one)).not.toBe(formOf(other)));

  it('that say that there is none are none', () => {
    for (const said of ['', 'N/A', 'I don’t know', 'unanswerable']) expect(formOf(said)).toBe('');
  });
});

describe('a reply', () => {
  it('is read as a whole, in a fence or behind thinking, and nothing is searched for in prose', () => {
    const json = JSON.stringify({ questions: [good, { ...good, answer: '1211' }] });
    expect(readWritten(json)).toEqual({ value: [good, { ...good, answer: '1211' }] });
    expect(readWritten(`<think>\nhm\n</think>\n\n\`\`\`json\n${json}\n\`\`\``)).toHaveProperty('value');
    expect(readWritten(`Sure! ${json}`)).toEqual({ problem: expect.stringContaining('is not JSON') });
    expect(readWritten('{"questions": [{"question": "?"}]}')).toEqual({
      problem: expect.stringContaining('questions.0.quote'),
    });
    expect(readAnswered('{"answer": "a", "answer": "b"}')).toEqual({
      problem: expect.stringMatching(/a key twice .*"answer"/),
    });
  });
});
