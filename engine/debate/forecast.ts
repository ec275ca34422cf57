/** What an iteration's debates will take, before any of them is held: the most they can, and as much again for the votes beside them. */
import type { ImproveSettings } from '../../loop/input.ts';
import type { Tokens } from '../budget.ts';

/** Share of prompts whose samples are expected to be split. */
const SPLIT_SHARE = 0.5;

/** @param prompts that may be argued about */
export function debatesAhead({ strategy }: ImproveSettings, sample: Tokens, prompts: number): Tokens {
  const { mode, agents, rounds, calls, prompts: which, share } = strategy.debate;
  if (mode === 'off') return { prompt: 0, completion: 0 };
  const debates = prompts * share * (which === 'all' ? 1 : SPLIT_SHARE);
  // Each turn, and a critique of it, as far as calls are allowed; a later turn reads what all others wrote.
  const made = Math.min(calls, 2 * agents.length * rounds);
  const each = { prompt: sample.prompt + agents.length * sample.completion, completion: sample.completion };
  const arms = 2;
  return { prompt: arms * debates * made * each.prompt, completion: arms * debates * made * each.completion };
}
