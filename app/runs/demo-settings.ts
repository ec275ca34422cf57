/**
 * What the demo runs: long sums on the built-in model, solved by way of their parts, or SVAMP's word problems on a language model; and
 * less of everything for `--quick`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ImproveInput } from '../../loop/input.ts';
import { moduleFile } from '../../process/program.ts';

type DemoArm = 'none' | 'ungated' | 'control';

export type DemoChoice = {
  arm: DemoArm;
  quick: boolean;
  /** Votes on whole sums, as the contrast arms do. */
  whole?: boolean;
  iterations?: number;
  seed?: number;
  /** Word problems on this model, by the id under which it is served. */
  words?: { model: string; splitSeed: number };
};

export const usualSplit = 1;

/** The task with this split as a file: of the usual one the example's own, else one that is written to the data folder. */
export function svampTaskFile(splitSeed: number, home: string): string {
  if (splitSeed === usualSplit) return moduleFile('examples/svamp/task.ts');
  // The workers of the stack may import from there.
  const folder = join(home, 'tasks');
  const file = join(folder, `svamp-split-${splitSeed}.ts`);
  mkdirSync(folder, { recursive: true });
  const module = JSON.stringify(pathToFileURL(moduleFile('examples/svamp/svamp.ts')).href);
  writeFileSync(file, `import { svampTask } from ${module};\n\nexport default svampTask(${splitSeed});\n`);
  return file;
}

/** @param home the data folder */
export function demoInput(choice: DemoChoice, home: string): ImproveInput {
  return choice.words ? wordsInput(choice, choice.words, home) : sumsInput(choice);
}

/** Iterations, pool and gates are those that the task suggests. */
function wordsInput(
  { arm, quick, iterations, seed }: DemoChoice,
  { model, splitSeed }: { model: string; splitSeed: number },
  home: string,
): ImproveInput {
  return {
    task: svampTaskFile(splitSeed, home),
    models: { generator: { model } },
    ...(quick ? { iterations: 1, pool: { prompts: 60, rehearsal: 16 }, benchmark: { majority: false } } : {}),
    ...(arm === 'none' ? {} : { experiment: arm }),
    ...(iterations === undefined ? {} : { iterations }),
    ...(seed === undefined ? {} : { seed }),
  };
}

/** Parts are as easy at nine digits as at four, so that all are in the pool from the start; docs/methods.md has what it was measured by. */
const parts: ImproveInput = {
  iterations: 4,
  strategy: { ladder: { mode: 'on' } },
  curriculum: { start: 'all', width: 6, leave: 1 },
  // Only long sums are learnt: without the short ones those would fade, on which all else rests.
  pool: { prompts: 324, rehearsal: 400 },
};

function sumsInput({ arm, quick, whole, iterations, seed }: DemoChoice): ImproveInput {
  // Gates and arms are compared on whole sums, where they decide most.
  const byParts = arm === 'none' && !whole;
  const usual = byParts ? parts : {};
  const smaller: ImproveInput = quick
    ? {
        ...usual,
        iterations: 2,
        pool: { prompts: 160, rehearsal: byParts ? 240 : 24 },
        training: { epochs: 3 },
        // Eight samples of each of 600 problems would take longer than either iteration.
        benchmark: { majority: false },
      }
    : usual;
  return {
    task: 'arithmetic',
    ...smaller,
    // The demo shows what the model makes of itself, whatever else is in the database.
    pool: { ...smaller.pool, stored: 'off' },
    training: { ...smaller.training, given: false },
    ...(arm === 'none' ? {} : { experiment: arm }),
    ...(iterations === undefined ? {} : { iterations }),
    ...(seed === undefined ? {} : { seed }),
  };
}

/** The run ids of one kind of demo begin with this; a counter follows from the second on. */
export function demoName({
  arm,
  quick,
  whole,
  words,
}: Pick<DemoChoice, 'arm' | 'quick' | 'whole' | 'words'>): string {
  return [
    'demo',
    // An id of a hub has a slash; a counter that follows may not be taken for a split.
    ...(words
      ? [
          words.model.replaceAll(/[^A-Za-z0-9._-]+/g, '-'),
          ...(words.splitSeed === usualSplit ? [] : [`split${words.splitSeed}`]),
        ]
      : []),
    ...(arm === 'none' ? [] : [arm]),
    ...(whole ? ['whole'] : []),
    ...(quick ? ['quick'] : []),
  ].join('-');
}
