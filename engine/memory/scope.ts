/** Whose memory an iteration works with, and whether it tests entries. */
import type { Checkpoint } from '../../db/queries/runs.ts';
import { knownByWeights } from '../cache.ts';
import { samplerOf, type IterationContext } from '../context.ts';

/** By what an admission is kept: it holds for the very weights that were tested. */
const weightsOf = (checkpoint: Checkpoint): string =>
  knownByWeights(checkpoint) ? checkpoint.fingerprint! : `checkpoint:${checkpoint.id}`;

/** Whose entries an iteration may use, and whether they must have been admitted. */
export const memoryScope = (context: IterationContext) => ({
  task: context.run.task,
  weights: weightsOf(samplerOf(context).checkpoint),
  ungated: context.settings.experiment === 'ungated',
});

/** A test needs problems with known answers; the ungated arm takes all entries as they are, as a contrast. */
export const testsMemory = ({ settings, task }: Pick<IterationContext, 'settings' | 'task'>): boolean =>
  settings.memory.mode === 'on' && settings.experiment !== 'ungated' && task.calibration !== undefined;
