/** What the demo runs: the schema's defaults, and less of everything for `--quick`. */
import type { ImproveInput } from '../loop/input.ts';

export type DemoArm = 'none' | 'ungated' | 'control';

export type DemoChoice = { arm: DemoArm; quick: boolean; iterations?: number; seed?: number };

export function demoInput({ arm, quick, iterations, seed }: DemoChoice): ImproveInput {
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
export function demoName({ arm, quick }: Pick<DemoChoice, 'arm' | 'quick'>): string {
  return ['demo', ...(arm === 'none' ? [] : [arm]), ...(quick ? ['quick'] : [])].join('-');
}
