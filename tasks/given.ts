/** Worked answers from outside any run: what must hold before one may train a model. */
import { excerpt, textProblem } from './jsonl.ts';
import type { Task } from './task.ts';

export type Given = {
  key: string;
  /** The problem as the model will be asked it. */
  text: string;
  level?: number;
  rationale: string;
  /** As the task reads it out of the rationale. */
  answer: string;
};

/** Longer work is no answer that anybody has read. */
const MAX_RATIONALE_LENGTH = 100_000;

/**
 * Checks a worked answer as a reviewer's own is checked: it is in the task's format, and the task itself reads the answer
 * out of it, which must be the stated one, if one is stated. A string says what is wrong.
 */
export function checkGiven(
  task: Task,
  { text, rationale, answer }: { text: string; rationale: string; answer?: string },
): Given | string {
  const prompt = task.readPrompt(text);
  if (typeof prompt === 'string') return prompt;
  if (rationale.trim() === '') return 'has an empty answer';
  if (rationale.length > MAX_RATIONALE_LENGTH)
    return `has an answer of ${rationale.length} characters, more than ${MAX_RATIONALE_LENGTH}`;
  const odd = textProblem('answer', rationale);
  if (odd) return odd;
  const forms = task.rewrites?.(prompt, 0) ?? [];
  const form = forms.find((one) => one.text === prompt.text);
  if (forms.length > 0 && !form)
    return `asks in a form that the task does not use: ${excerpt(prompt.text)}; it asks as in ${excerpt(forms[0]!.text)}`;
  const format = task.checkFormat(prompt.text, rationale);
  if (!format.ok) return `is not in the task's format: ${format.reason}`;
  const own = task.readAnswer(rationale);
  const read = own !== undefined && form ? form.mapBack(own) : own;
  if (read === undefined) return 'has an answer that the task can’t read';
  if (answer !== undefined && !task.sameAnswer(answer, read))
    return `leads to ${excerpt(read)}, not to its "answer" ${excerpt(answer)}`;
  return { ...prompt, rationale, answer: read };
}
