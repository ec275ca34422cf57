/**
 * Asks a model for easier problems than one that it can't answer (LADDER, Simonds and Yoshiyama 2025, arXiv 2503.00735). What comes back is
 * checked before it is used. By example, as prompts of the task are: small models repeat an instruction, and the marks around fenced text.
 */
import type { ChatMessage } from './task.ts';

const INSTRUCTION = `You write practice problems. For each problem, write one that is easier: of the same kind and form, with fewer steps or smaller \
numbers, and not longer. Say in it all that is needed to answer it. Write the easier problem alone, never an answer.`;

const EXAMPLES: [problem: string, easier: string][] = [
  [
    'A shop sells 48 pens at 3 dollars each, and 17 of them come back. How much does it earn?',
    'A shop sells 10 pens at 3 dollars each. How much does it earn?',
  ],
  [
    'Which river flows through the capital of Austria and the capital of Hungary?',
    'Which river flows through Vienna?',
  ],
  [
    'Sort these words by their last letter: plum, fig, melon, date.',
    'Sort these words by their first letter: plum, fig, date.',
  ],
];

export const easierMessages = (problem: string): ChatMessage[] => [
  { role: 'system', content: INSTRUCTION },
  ...EXAMPLES.flatMap(([shown, easier]): ChatMessage[] => [
    { role: 'user', content: shown },
    { role: 'assistant', content: easier },
  ]),
  { role: 'user', content: problem },
];
