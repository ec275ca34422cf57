import { expect, test } from 'vitest';
import { debateSchema } from '../../loop/debate-input.ts';
import { heuristicProblem } from '../../loop/heuristic.ts';

test('a rule may be as long as the limit, and not a character longer', () => {
  expect(heuristicProblem('x'.repeat(600), [])).toBeUndefined();
  expect(heuristicProblem('x'.repeat(601), [])).toBe('it has 601 characters, a rule has 600 at most');
});

test('a rule tells no number of the problems that it was made of', () => {
  const sources = ['A crate holds 12 pears.', '12 + 5 = 17'];
  expect(heuristicProblem('Count the crates before the pears.', sources)).toBeUndefined();
  expect(heuristicProblem('Add 5 when pears are left.', sources)).toContain('it names 5');
});

test('a debate may have as many calls as agents, and no fewer', () => {
  const agents = [{}, {}, {}];
  expect(debateSchema.safeParse({ agents, calls: 3 }).success).toBe(true);
  expect(debateSchema.safeParse({ agents, calls: 2 }).error?.issues[0]).toMatchObject({
    path: ['calls'],
    message: 'must allow each agent its first call',
  });
});
