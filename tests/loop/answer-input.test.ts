/** When a model adapts to a prompt, at the limits, and how long it trains. */
import { describe, expect, test } from 'vitest';
import { adapts, answerInputSchema, epochsFor } from '../../loop/answer-input.ts';

const settings = (adapt: object) => answerInputSchema.parse({ task: 't', prompt: 'p', adapt });
const auto = settings({ below: 0.75 });

describe('a model adapts', () => {
  test('where its samples agree less than enough, and not where they agree just enough', () => {
    expect(adapts(auto, { agreement: 0.74 })).toEqual({ adapt: true, reason: 'agreement 0.74 < 0.75' });
    expect(adapts(auto, { agreement: 0.75 })).toEqual({ adapt: false, reason: 'agreement 0.75 ≥ 0.75' });
    expect(adapts(auto, { agreement: 0.76 }).adapt).toBe(false);
  });

  test('by the demonstrations alone where there are some: a model that is sure and wrong agrees with itself', () => {
    expect(adapts(auto, { agreement: 1, solved: 0.74 })).toEqual({
      adapt: true,
      reason: 'solves 0.74 < 0.75 of the demonstrations',
    });
    expect(adapts(auto, { agreement: 0, solved: 0.75 })).toEqual({
      adapt: false,
      reason: 'solves 0.75 of the demonstrations ≥ 0.75',
    });
    expect(adapts(auto, { agreement: 0, solved: 0.76 }).adapt).toBe(false);
  });

  test('always or never where it is told so', () => {
    expect(adapts(settings({ mode: 'always' }), { agreement: 1, solved: 1 }).adapt).toBe(true);
    expect(adapts(settings({ mode: 'off' }), { agreement: 0, solved: 0 }).adapt).toBe(false);
  });
});

test('epochs come to about the steps that were asked for, and to one at least', () => {
  expect(epochsFor(80, 16, 16)).toBe(80);
  expect(epochsFor(80, 17, 16)).toBe(40);
  expect(epochsFor(3, 160, 16)).toBe(1);
});
