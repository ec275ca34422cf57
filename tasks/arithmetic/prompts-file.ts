import { collectProblems, type Problems } from '../errors.ts';
import { readData } from '../data/read.ts';
import { sampler, type Sampler } from '../random.ts';
import type { PromptRequest } from '../task.ts';
import { parseSum, type Sum } from './addition.ts';
import { roundRobin } from './generator.ts';

export type FilePrompt = { sum: Sum; text: string };

/** What a prompts file holds, found when the run was resolved. */
export type PromptsFound = {
  /** Different problems. */
  prompts: number;
  /** Lines whose problem stands further up already, as written or as a rewrite. They are asked once. */
  duplicates: number;
  /** Levels that occur, ascending. */
  levels: number[];
};

/**
 * Reads a file of `{"prompt": "345+678"}` rows and checks every one of them.
 *
 * @throws InvalidInputError naming the bad rows by place and reason: the first 20, then how many more
 */
export async function inspectPrompts(path: string): Promise<PromptsFound> {
  const problems = collectProblems();
  const keys = new Set<string>();
  const levels = new Set<number>();
  let duplicates = 0;
  for await (const { sum } of readPrompts(path, problems)) {
    if (keys.has(sum.key)) duplicates += 1;
    keys.add(sum.key);
    levels.add(sum.digits);
  }
  if (keys.size === 0 && problems.count === 0) problems.add(`prompts file ${path}: has no prompts`);
  problems.throwIfAny();
  return { prompts: keys.size, duplicates, levels: [...levels].sort((a, b) => a - b) };
}

/** A random choice from the file, evenly over the levels asked for (all, when none are named). */
export async function choosePrompts(path: string, request: PromptRequest): Promise<FilePrompt[]> {
  const problems = collectProblems();
  const byLevel = new Map<number, Sampler<FilePrompt>>();
  for await (const prompt of readPrompts(path, problems)) {
    const { key, digits } = prompt.sum;
    if ((request.levels && !request.levels.includes(digits)) || request.exclude(key)) continue;
    const level = byLevel.get(digits) ?? sampler<FilePrompt>(`prompts/${request.seed}`, request.count);
    byLevel.set(digits, level);
    level.add(key, prompt);
  }
  problems.throwIfAny();
  const ascending = [...byLevel].sort(([a], [b]) => a - b);
  return [
    ...roundRobin(
      ascending.map(([, level]) => level.take()),
      request.count,
    ),
  ];
}

async function* readPrompts(path: string, problems: Problems): AsyncGenerator<FilePrompt> {
  for await (const { at, value, problem } of readData('prompts file', path, { columns: ['prompt'] })) {
    const bad = (why: string): void => problems.add(`prompts file ${path}, ${at} ${why}`);
    if (problem !== undefined) {
      bad(problem);
      continue;
    }
    const text = value['prompt'];
    if (typeof text !== 'string') {
      bad(text === undefined ? 'has no field "prompt"' : 'has a "prompt" that is no text');
      continue;
    }
    const sum = parseSum(text);
    if (typeof sum === 'string') bad(sum);
    else yield { sum, text: text.replaceAll(/\s/g, '') };
  }
}
