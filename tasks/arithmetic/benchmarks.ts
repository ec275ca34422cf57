/**
 * The held-out problems. The seed is fixed, so that all runs are measured on the same ones; a smaller size gives
 * the first of each level. Target and final take turns in one sequence per level, guards are of other
 * levels: nothing stands in two of them.
 */
import type { Benchmark, BenchmarkItem } from '../task.ts';
import { rewritesOf, trueSum, type Sum } from './addition.ts';
import { roundRobin, sums } from './generator.ts';

/** Problems per level of each benchmark; the guard's easiest level has fewer. */
export const BENCHMARK_SIZE = 100;
export const QUICK_BENCHMARK_SIZE = 25;

const SEED = 'arithmetic benchmarks, version 1';
const TARGET_LEVELS = [4, 5, 6, 7, 8, 9];
/** For a curriculum: the same problems as two targets, by the levels of each. */
export const SPLIT_TARGETS: Record<string, number[]> = { shorter: [4, 5, 6], longer: [7, 8, 9] };
const GUARD_LEVELS = [1, 2, 3];
/** There are only 45 sums of two digits; most must stay free for rehearsal. */
const GUARD_MOST: Record<number, number> = { 1: 20 };

/** @param split the targets by length in place of a single one */
export function benchmarks(perLevel: number, split = false): Benchmark[] {
  const targets = Object.entries(split ? SPLIT_TARGETS : { target: TARGET_LEVELS });
  return [
    ...targets.map(([name, levels]): Benchmark => {
      return { name, role: 'target', items: () => levels.flatMap((n) => everyOther(n, 0, perLevel)) };
    }),
    { name: 'guard', role: 'guard', items: () => GUARD_LEVELS.flatMap((n) => guard(n, perLevel)) },
    { name: 'final', role: 'final', items: () => TARGET_LEVELS.flatMap((n) => everyOther(n, 1, perLevel)) },
  ];
}

function everyOther(digits: number, offset: 0 | 1, count: number): BenchmarkItem[] {
  return take(digits, 2 * count, () => false).filter((_, i) => i % 2 === offset);
}

function guard(digits: number, perLevel: number): BenchmarkItem[] {
  return take(
    digits,
    Math.min(perLevel, GUARD_MOST[digits] ?? Infinity),
    (key) => digits >= 3 && !unseen(key),
  );
}

/**
 * Three-digit problems that the built-in base was never trained on (`is_held_out` in its training script), so
 * that the guard measures the skill and not the memory. Of one and two digits it has seen all.
 */
function unseen(key: string): boolean {
  return Number(trueSum(key)) % 17 === 3;
}

function take(digits: number, count: number, exclude: (key: string) => boolean): BenchmarkItem[] {
  return [...roundRobin([sums(digits, SEED, exclude)], count)].map(item);
}

/** Each problem is asked in one of its forms, random but fixed; the answer is the one to that form. */
function item(sum: Sum): BenchmarkItem {
  const { text } = rewritesOf(sum, `${SEED}/${sum.key}`)[0]!;
  return { key: sum.key, text, answer: trueSum(text)!, group: `n=${sum.digits}` };
}
