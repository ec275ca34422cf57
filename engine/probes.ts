/** Whether a run plants bad samples among its own, and how many. */
import { PROBE_KINDS } from '../loop/words.ts';
import type { ImproveSettings } from '../loop/input.ts';

/** Are bad samples planted in this run? Without gates there is nothing to test. */
export function plantsProbes({ probes, experiment }: ImproveSettings): boolean {
  return probes.mode !== 'off' && experiment !== 'ungated';
}

/** Bad samples that an iteration will plant. */
export function probesPlanned(settings: ImproveSettings): number {
  if (!plantsProbes(settings)) return 0;
  const found = playsAdversary(settings) ? settings.strategy.selfPlay.plant : 0;
  return PROBE_KINDS.length * settings.probes.perKind + found;
}

/** Does an adversary look for what fools the critics in this run? Without critics there is nobody to fool. */
export const playsAdversary = ({ strategy, gates, experiment }: ImproveSettings): boolean =>
  strategy.selfPlay.mode === 'on' && gates.critique.mode !== 'off' && experiment !== 'ungated';
