/** Whether a run plants bad samples among its own, and how many. */
import { PROBE_KINDS } from '../loop/words.ts';
import type { ImproveSettings } from '../loop/input.ts';

/** Are bad samples planted in this run? Without gates there is nothing to test. */
export function plantsProbes({ probes, experiment }: ImproveSettings): boolean {
  return probes.mode !== 'off' && experiment !== 'ungated';
}

/** Bad samples that an iteration will plant. */
export function probesPlanned(settings: ImproveSettings): number {
  return plantsProbes(settings) ? PROBE_KINDS.length * settings.probes.perKind : 0;
}
