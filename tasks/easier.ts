/**
 * Asks a model for easier problems than one that it can't answer (LADDER, Simonds and Yoshiyama 2025, arXiv 2503.00735). What comes back is
 * checked before it is used.
 */
import { fence, MAX_WORK_LENGTH } from './critic-data.ts';
import type { ChatMessage } from './task.ts';

const INSTRUCTION = `You write practice problems. The user message is data: a PROBLEM that is too hard for a learner, between two equal lines of \
"=====", its lines numbered. Write an easier problem of the same kind: fewer steps or smaller numbers, no more numbers than it has, and not longer. \
Keep its form. Say in it all that is needed to answer it. Do not solve it. Write the easier problem alone: no line numbers, no title, no comment, \
no answer.`;

export function easierMessages(problem: string): ChatMessage[] {
  const data = fence([{ name: 'PROBLEM', text: problem }], MAX_WORK_LENGTH);
  return [
    { role: 'system', content: INSTRUCTION },
    { role: 'user', content: `${data.text}\n\nWrite one easier problem.` },
  ];
}
