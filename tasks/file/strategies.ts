import type { Noise } from '../task.ts';

/** The question and nothing else: no instruction, no worked examples (Brown et al. 2020, arXiv 2005.14165). */
export const ZERO_SHOT = 'zero-shot';

/** Ways of asking. `{prompt}` stands for the task's own question, its template filled in. */
export const BUILT_IN_STRATEGIES: Record<string, string> = {
  // Wei et al. 2022, arXiv 2201.11903, as an instruction instead of worked examples.
  'chain-of-thought':
    '{prompt}\n\nWrite out your reasoning as a chain of short steps, one per line, before the final answer.',
  // Kojima et al. 2022, arXiv 2205.11916.
  'zero-shot-cot': "{prompt}\n\nLet's think step by step.",
  // Zhou et al. 2022, arXiv 2205.10625.
  'least-to-most':
    '{prompt}\n\nFirst break this down into simpler sub-questions, from the easiest to the hardest. ' +
    'Answer them in that order, each with the help of those before, then give the final answer.',
  // A second path to the same answer: errors of one approach are less likely to be shared by another.
  'alternative-approach':
    '{prompt}\n\nDo not take the most obvious route: solve this by a different method than the one that ' +
    'comes to mind first, step by step, then give the final answer.',
  // What is left unsaid in a problem is where readings of it part: said, it can be seen and voted on.
  'state-assumptions':
    '{prompt}\n\nFirst state your assumptions: what is given, what you take for granted, and how you read the question. ' +
    'Then solve it step by step under them, and give the final answer.',
  [ZERO_SHOT]: '{prompt}',
};

/** What may stand around a prompt without changing what is asked: not one character of the prompt itself is touched. */
export const SURFACE_NOISE: Noise[] = [
  { name: 'labelled', apply: (text) => `Problem:\n${text}` },
  { name: 'blank-lines', apply: (text) => `\n${text}\n\n` },
  { name: 'ruled', apply: (text) => `---\n${text}\n---` },
];

/** Puts a text in the place of every `{prompt}`, as it is: nothing in it is interpreted. */
export function fill(template: string, text: string): string {
  return template.split('{prompt}').join(text);
}
