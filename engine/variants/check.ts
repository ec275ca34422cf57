/**
 * Which easier variants of a prompt can be used. Covers: what the task can't read, problems that are measured on or shown with their answers
 * (exactly, by key or text, and nearly), what the run has already, the prompt over again, what has not the look of a problem like it (an
 * answer, a remark), and what is no easier as far as levels, numbers and length tell. Does not cover a problem that says too little, or one
 * that looks easier and is not: the gates see those.
 */
import { createLeakIndex, type LeakIndex } from '../../loop/leaks.ts';
import { asks, numbersOf } from '../../loop/paraphrase.ts';
import type { VariantOutcome } from '../../loop/words.ts';
import type { Prompt, Task } from '../../tasks/task.ts';

/** `dropped`: it is known before it is read that it can't be used. */
export type Given = { text: string; dropped?: { outcome: VariantOutcome; reason: string } };

export type Checked = {
  key: string | null;
  text: string;
  level: number | null;
  outcome: VariantOutcome;
  reason: string;
};

/** Beyond so many times the prompt's length, and so many characters more, a variant is no easier to read. */
const MOST_TIMES_AS_LONG = 1.2;
const FREE_CHARACTERS = 20;

/** A variant as the task reads it; or why it is none. @param text as it is stored */
export function readVariant(
  task: Pick<Task, 'readPrompt'>,
  { text, dropped }: Given,
): { prompt: Prompt } | { unfit: Checked } {
  const unfit = (outcome: VariantOutcome, reason: string) => {
    return { unfit: { key: null, text, level: null, outcome, reason } };
  };
  if (dropped) return unfit(dropped.outcome, dropped.reason);
  if (text === '') return unfit('unreadable', 'it is empty');
  const prompt = task.readPrompt(text);
  return typeof prompt === 'string' ? unfit('unreadable', `it ${prompt}`) : { prompt };
}

/**
 * What becomes of a variant that the task can read.
 *
 * @param heldOut all that is measured on or shown
 * @param taken keys of the run's prompts and usable variants, the prompt's own among them
 * @param similarity from which a text is nearly another
 */
export function checkVariant(
  parent: { key: string; text: string; level?: number | null },
  variant: Prompt,
  {
    heldOut,
    taken,
    similarity,
  }: { heldOut: Pick<LeakIndex, 'find'>; taken: ReadonlySet<string>; similarity: number },
): Checked {
  const { key, text, level } = variant;
  const as = (outcome: VariantOutcome, reason: string): Checked => {
    return { key, text, level: level ?? null, outcome, reason };
  };
  const leak = heldOut.find(variant);
  if (leak) {
    const how = leak.kind === 'exact' ? 'is' : `is nearly (${leak.similarity.toFixed(2)})`;
    return as('held-out', `it ${how} a problem of ${leak.heldOut.benchmark}`);
  }
  if (key === parent.key) return as('same', 'it is the prompt itself');
  if (taken.has(key)) return as('same', 'the run has this problem already');
  const again = createLeakIndex([{ ...parent, benchmark: '' }], similarity).find({ text });
  if (again?.kind === 'exact') return as('same', 'it is the prompt itself but for its spelling');
  if (again) return as('near', `it is nearly the prompt (${again.similarity.toFixed(2)})`);
  const unlike = notLike(parent, variant);
  if (unlike !== undefined) return as('unlike', unlike);
  const hard = notEasier(parent, variant);
  return hard === undefined ? as('usable', easierBy(parent, variant)) : as('not-easier', hard);
}

type Measured = { text: string; level?: number | null };

const leveled = (parent: Measured, variant: Measured): [number, number] | undefined =>
  typeof parent.level === 'number' && typeof variant.level === 'number'
    ? [parent.level, variant.level]
    : undefined;

/** Non-empty lines. */
const linesOf = (text: string): number => text.split(/\r?\n/).filter((line) => line.trim() !== '').length;

/** What says that a variant is no problem of the prompt's kind; undefined: nothing does. A task that knows its level has read it as one. */
function notLike(parent: Measured, variant: Measured): string | undefined {
  if (leveled(parent, variant)) return undefined;
  if (asks(parent.text) && !asks(variant.text)) return 'it asks nothing, the prompt does';
  if (numbersOf(parent.text).length > 0 && numbersOf(variant.text).length === 0)
    return 'it has no number, the prompt has';
  if (/\p{L}/u.test(parent.text) && !/\p{L}/u.test(variant.text)) return 'it has no word, the prompt has';
  const [had, has] = [linesOf(parent.text), linesOf(variant.text)];
  return has > had ? `it has ${has} lines, the prompt ${had}` : undefined;
}

/** What says that a variant is no easier; undefined: nothing does. */
function notEasier(parent: Measured, variant: Measured): string | undefined {
  const levels = leveled(parent, variant);
  if (levels) {
    const [from, to] = levels;
    return to < from ? undefined : `its level ${to} is not below ${from}`;
  }
  const [had, has] = [numbersOf(parent.text).length, numbersOf(variant.text).length];
  if (has > had) return `it has ${has} numbers, the prompt ${had}`;
  const most = Math.max(
    parent.text.length + FREE_CHARACTERS,
    Math.floor(MOST_TIMES_AS_LONG * parent.text.length),
  );
  return variant.text.length > most
    ? `it has ${variant.text.length} characters, more than ${most}`
    : undefined;
}

function easierBy(parent: Measured, variant: Measured): string {
  const levels = leveled(parent, variant);
  return levels
    ? `level ${levels[1]} below ${levels[0]}`
    : 'no level is known; no more numbers than the prompt, and about as long at most';
}
