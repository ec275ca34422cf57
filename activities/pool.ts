/** Which prompts of an iteration's pool are in use, and how often and in which ways each is asked. */
import type { Strategy } from '../tasks/task.ts';
import type { IterationContext } from './context.ts';

/** Rehearsal prompts are easy: fewer samples show whether the model still agrees with itself on them. */
const REHEARSAL_SAMPLES = 4;

/** K for a prompt. */
export function samplesFor(context: IterationContext, prompt: { purpose: string }): number {
  const k = context.settings.sampling.samples;
  return prompt.purpose === 'rehearse' ? Math.min(k, REHEARSAL_SAMPLES) : k;
}

/** The ways of asking that are in use. */
export function strategiesOf({ task, settings }: IterationContext): Strategy[] {
  const more = settings.sampling.strategies === 'all' ? (task.alternatives ?? []) : [];
  return [...task.strategies, ...more];
}

/**
 * Prompts that are in use: all, unless the budget took some away after they were drawn. Those to learn from come
 * first in the pool.
 */
export function inUse<P extends { purpose: string; position: number }>(
  { settings }: IterationContext,
  prompts: P[],
): P[] {
  return prompts.filter((one) => one.purpose === 'rehearse' || one.position < settings.pool.prompts);
}
