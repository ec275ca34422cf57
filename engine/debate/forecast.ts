/** What an iteration's debates will take, before any of them is held: the most they can, and as much again for the votes beside them. */
import type { ImproveSettings } from '../../loop/input.ts';
import type { Tokens } from '../budget.ts';

/** Share of prompts whose samples are expected to be split. */
const SPLIT_SHARE = 0.5;

/** Calls of all debates and of the votes beside them. @param prompts that may be argued about */
export function debateCalls({ strategy }: Pick<ImproveSettings, 'strategy'>, prompts: number): number {
  const { mode, agents, rounds, calls, prompts: which, share } = strategy.debate;
  if (mode === 'off') return 0;
  const debates = prompts * share * (which === 'all' ? 1 : SPLIT_SHARE);
  // Each turn, and a critique of it, as far as calls are allowed.
  const made = Math.min(calls, 2 * agents.length * rounds);
  const arms = 2;
  return arms * debates * made;
}

/** One such call: a later turn reads what all others wrote. @param sample what a sample takes */
export const turnOf = <T extends { promptTokens: number; completionTokens: number }>(
  sample: T,
  { strategy }: Pick<ImproveSettings, 'strategy'>,
): T => ({
  ...sample,
  promptTokens: sample.promptTokens + strategy.debate.agents.length * sample.completionTokens,
});

/** Tokens of all of them. */
export function debatesAhead(settings: ImproveSettings, sample: Tokens, prompts: number): Tokens {
  const made = debateCalls(settings, prompts);
  const { promptTokens, completionTokens } = turnOf(
    { promptTokens: sample.prompt, completionTokens: sample.completion },
    settings,
  );
  return { prompt: made * promptTokens, completion: made * completionTokens };
}
