/**
 * The built-in task: adding two whole numbers, level = significant digits. The built-in model was trained on
 * one to three digits only; the loop takes it further without ever seeing an answer. Every problem has many
 * equivalent forms, which is what makes its vote worth trusting.
 */
import type { ChatMessage, Task } from '../task.ts';
import {
  checkCoherence,
  checkFormat,
  MAX_DIGITS,
  parseSum,
  promptOf,
  readAnswer,
  rewritesOf,
  swapped,
  trueSum,
} from './addition.ts';
import { benchmarks, BENCHMARK_SIZE, SPLIT_TARGETS } from './benchmarks.ts';
import { arithmeticCritic, readScores } from './critic.ts';
import { easierSums } from './easier.ts';
import { roundRobin, sums } from './generator.ts';
import { decompose, recombine } from './parts.ts';
import { arithmeticProbe } from './probes.ts';
import { choosePrompts, type PromptsFound } from './prompts-file.ts';

export type ArithmeticSpec = {
  kind: 'arithmetic';
  /** Absolute path of a JSONL file; without one, problems are generated. */
  promptsFile?: string;
  promptsFound?: PromptsFound;
  /** Held-out problems per level and benchmark. */
  benchmarkSize?: number;
  /** For a curriculum: two targets, shorter and longer sums, in place of the one with all of them. */
  split?: true;
};

const EASY_LEVELS = [1, 2, 3];
const FIRST_NEW_LEVEL = 4;

export function arithmeticTask(spec: ArithmeticSpec): Task {
  const levels = levelsOf(spec);
  const ask = (text: string): ChatMessage[] => [{ role: 'user', content: text }];
  return {
    name: 'arithmetic',
    title: 'Adding two whole numbers',
    defaultModels: { generator: 'arithmetic', trainer: 'arithmetic', critic: 'arithmetic-critic' },
    async *prompts(request) {
      if (spec.promptsFile !== undefined) {
        for (const { sum, text } of await choosePrompts(spec.promptsFile, request)) yield promptOf(sum, text);
      } else {
        const sources = (request.levels ?? levels.start).map((n) =>
          sums(n, `prompts/${request.seed}`, request.exclude),
        );
        for (const sum of roundRobin(sources, request.count)) yield promptOf(sum, sum.key);
      }
    },
    async *rehearsal(request) {
      const sources = (request.levels ?? EASY_LEVELS).map((n) =>
        sums(n, `rehearsal/${request.seed}`, request.exclude),
      );
      for (const sum of roundRobin(sources, request.count)) yield promptOf(sum, sum.key);
    },
    async *calibration(request) {
      const sources = (request.levels ?? levels.start).map((n) =>
        sums(n, `calibration/${request.seed}`, request.exclude),
      );
      for (const sum of roundRobin(sources, request.count)) {
        yield { ...promptOf(sum, sum.key), answer: trueSum(sum.key)! };
      }
    },
    readPrompt(text) {
      const sum = parseSum(text);
      return typeof sum === 'string' ? sum : promptOf(sum, text.replaceAll(/\s/g, ''));
    },
    strategies: [{ name: 'long-addition', messages: ask }],
    debates: 'alone',
    ask,
    rewrites(prompt, seed) {
      const sum = parseSum(prompt.text);
      if (typeof sum === 'string') throw new Error(`prompt ${sum}`);
      return rewritesOf(sum, `rewrites/${seed}`);
    },
    retellings(example) {
      const other = swapped(example.prompt, example.answer);
      return other === undefined || other.prompt === example.prompt ? [example] : [example, other];
    },
    decompose,
    recombine,
    easier: easierSums,
    readAnswer,
    sameAnswer: (a, b) => a === b,
    checkFormat: (_, rationale) => checkFormat(rationale),
    checkCoherence,
    probe: (kind, { text, seed }) => arithmeticProbe(kind, text, seed),
    critic: arithmeticCritic(readScores()),
    benchmarks: benchmarks(spec.benchmarkSize ?? BENCHMARK_SIZE, spec.split),
    levels,
    ...(spec.split ? { forTarget: (target) => ({ levels: levelsOf(spec, SPLIT_TARGETS[target]) }) } : {}),
    // Three approved votes accept more than five unvetted ones, and as surely: docs/decisions.md has the numbers.
    suggested: {
      gates: {
        agreement: { min: 0.375, minMargin: 0.25, precision: 0.98 },
        critique: { mode: 'required', votes: 'approved' },
      },
      probes: { mode: 'required' },
      training: {
        epochs: 3,
        batchSize: 32,
        learningRate: 1.5e-3,
        loraRank: 32,
        loraAlpha: 64,
        loraDropout: 0,
        weightDecay: 0,
        replay: 200,
      },
    },
    // 111 characters, one token each, and the end mark; the rest lets a runaway answer be seen as one.
    maxTokens: 120,
    truth: (prompt) => trueSum(prompt.text),
  };
}

/** The two lowest levels to start with, of all or of some; of a file, those that it has. */
function levelsOf({ promptsFound }: ArithmeticSpec, some?: number[]): { start: number[]; all: number[] } {
  const generated = Array.from({ length: MAX_DIGITS - FIRST_NEW_LEVEL + 1 }, (_, i) => FIRST_NEW_LEVEL + i);
  const all = (promptsFound?.levels ?? generated).filter((level) => some?.includes(level) ?? true);
  return { start: all.slice(0, 2), all };
}
