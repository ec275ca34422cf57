/**
 * What the demo runs: the schema's defaults on the built-in model, or SVAMP's word problems on a language model; and less of
 * everything for `--quick`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ImproveInput } from '../../loop/input.ts';
import { repoRoot } from '../../stack/home.ts';

type DemoArm = 'none' | 'ungated' | 'control';

export type DemoChoice = {
  arm: DemoArm;
  quick: boolean;
  iterations?: number;
  seed?: number;
  /** Word problems on this model, by the id under which it is served. */
  words?: { model: string; splitSeed: number };
};

export const usualSplit = 1;

const svamp = join(repoRoot, 'examples', 'svamp');

/** The task with this split as a file: of the usual one the example's own, else one that is written to the data folder. */
export function svampTaskFile(splitSeed: number, home: string): string {
  if (splitSeed === usualSplit) return join(svamp, 'task.ts');
  // The workers of the stack may import from there.
  const folder = join(home, 'tasks');
  const file = join(folder, `svamp-split-${splitSeed}.ts`);
  mkdirSync(folder, { recursive: true });
  const module = JSON.stringify(pathToFileURL(join(svamp, 'svamp.ts')).href);
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
    ...(quick ? { iterations: 1, pool: { prompts: 60 }, benchmark: { majority: false } } : {}),
    ...(arm === 'none' ? {} : { experiment: arm }),
    ...(iterations === undefined ? {} : { iterations }),
    ...(seed === undefined ? {} : { seed }),
  };
}

function sumsInput({ arm, quick, iterations, seed }: DemoChoice): ImproveInput {
  const smaller: ImproveInput = quick
    ? {
        iterations: 2,
        pool: { prompts: 160, rehearsal: 24 },
        training: { epochs: 3 },
        // Eight samples of each of 600 problems would take longer than either iteration.
        benchmark: { majority: false },
      }
    : {};
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
export function demoName({ arm, quick, words }: Pick<DemoChoice, 'arm' | 'quick' | 'words'>): string {
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
    ...(quick ? ['quick'] : []),
  ].join('-');
}
