/** What instrumented code calls: the mutant with the id that acts does its change, all others do nothing. */
import { CHANGES, type Operator } from './mutants.ts';

/** A test that compares more often than this is not run for each mutant, and a mutant that makes it do so has made a loop without an end. */
export const MOST_COMPARISONS = 3_000_000;

export const acting = { id: 0, comparisons: 0, reached: new Set<number>() };

const COMPARE: Record<Operator, (a: number, b: number) => boolean> = {
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};

export function compare(first: number, operator: Operator, a: number, b: number): boolean {
  acting.reached.add(first).add(first + 1);
  if (++acting.comparisons > MOST_COMPARISONS) throw new Error(`more than ${MOST_COMPARISONS} comparisons`);
  return COMPARE[CHANGES[operator][acting.id - first] ?? operator](a, b);
}
