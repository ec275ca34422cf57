/** Lines that say of themselves that they are no good, or that have more than a task can take over. */
import { describe, expect, test } from 'vitest';
import { leftAside, readProblem, readWorked } from '../../app/imports/read-line.ts';
import { loadTask } from '../../tasks/index.ts';

const task = loadTask({ kind: 'arithmetic' });
const line = { prompt: '1+2', completion: '3' };
const chat = [
  { role: 'user', content: '1+2' },
  { role: 'assistant', content: '3' },
];

describe('as worked examples', () => {
  test.each([
    [{ ...line, label: false }, 'is marked as bad ("label": false)'],
    [{ ...line, label: 0 }, 'is marked as bad ("label": 0)'],
    [{ ...line, label: 'False' }, 'is marked as bad ("label": False)'],
    [{ ...line, weight: '0.0' }, 'is marked as not to be trained on ("weight": 0)'],
    [{ ...line, weight: 0 }, 'is marked as not to be trained on ("weight": 0)'],
    [
      { messages: [chat[0], { ...chat[1], weight: 0 }] },
      'has an answer that is marked as not to be trained on',
    ],
    [{ ...line, chosen: '4' }, 'has 2 answers ("completion" and "chosen"): keep one'],
    [{ messages: chat, completion: '4' }, 'has 2 answers ("messages" and "completion"): keep one'],
    [{ messages: chat, tools: [{ type: 'function' }] }, 'has "tools", which is not taken'],
    [{ ...line, images: ['a.png'] }, 'has "images", which is not taken'],
    [
      { messages: [chat[0], { ...chat[1], tool_calls: [{}] }] },
      'has a message with "tool_calls", which is not taken',
    ],
  ])('%j is refused by name', (row, why) => {
    expect(readWorked(task, row)).toContain(why);
  });
  test.each([
    [{ ...line, label: true }],
    [{ ...line, weight: 1 }],
    [{ ...line, weight: 0.5 }],
    [{ ...line, tools: [], images: null }],
    [{ messages: [chat[0], { ...chat[1], weight: 1 }] }],
  ])('%j is taken', (row) => {
    expect(readWorked(task, row)).toEqual({ text: '1+2', rationale: '3' });
  });
});

test('as prompts the mark on an answer says nothing, and what is asked beside the text does', () => {
  expect(readProblem(task, { ...line, label: false })).toEqual({ text: '1+2' });
  expect(readProblem(task, { ...line, images: ['a.png'] })).toContain('"images"');
});

test('fields that nothing is made of are named', () => {
  expect(leftAside({ ...line, source: 'x', metadata: {}, difficulty: 2 })).toEqual(['source', 'difficulty']);
});
