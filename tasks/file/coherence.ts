import type { Check } from '../task.ts';
import { excerpt } from '../jsonl.ts';
import { lastNumber } from './last-number.ts';
import { readable, sameForm, stated, type Comparison, type Finder } from './read.ts';
import { withoutRounding, withoutSpecial } from './statement.ts';

/** Ends of lines and sentences, in the scripts that have their own. */
const ENDS = /\n|(?<=[.;!?])\s|(?<=[。！？।॥؟۔։።])/;

/**
 * Is there at least one step (a line or sentence) before the answer is stated, is what is stated the answer, and,
 * among numbers, is it the last one? Without code a task can't say more about its steps.
 */
export function checkCoherence(
  find: Finder,
  comparison: Comparison,
  rationale: string,
  answer: string,
): Check {
  const statement = stated(find, comparison, rationale);
  if (!statement) return { ok: false, reason: 'no answer is stated' };
  if (!sameForm(statement.answer, answer, comparison)) {
    return { ok: false, reason: `states ${excerpt(statement.answer)}, not ${excerpt(answer)}` };
  }
  const text = readable(rationale);
  const parts = text.slice(0, statement.start).split(ENDS);
  const steps = parts.slice(0, -1).filter((part) => /[\p{L}\p{N}]/u.test(part)).length;
  if (steps === 0) return { ok: false, reason: '0 steps before the answer, at least 1 is needed' };
  // How the answer was rounded is no other number, nor are a template's special tokens.
  const after = withoutRounding(withoutSpecial(text.slice(statement.end)));
  if (comparison.compare === 'numeric' && /\p{N}/u.test(after)) {
    const later = lastNumber(after)?.answer;
    // Behind the number there may be a unit.
    if (later !== answer.split(' ')[0]) {
      return { ok: false, reason: `another number follows the answer: ${excerpt(after.trim())}` };
    }
  }
  return {
    ok: true,
    reason: `${steps} ${steps === 1 ? 'step' : 'steps'} before the answer, no other number after it`,
  };
}
