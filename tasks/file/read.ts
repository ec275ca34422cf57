/**
 * Reads the answer out of a rationale, strictly: what is missing, unfinished or stated twice differently is
 * no answer. Covers text written by a model: it is searched, never run, and only up to MAX_LENGTH. A user's own
 * pattern may be one that takes for ever (`(a+)+$`): it is stopped after a fifth of a second, once per text, and that text is
 * unread, which is told apart from one that states nothing (`timedOut`).
 */
import { createContext, Script } from 'node:vm';
import { visibleOf } from '../thinking-text.ts';
import { boxes } from './boxes.ts';
import { hashes } from './hashes.ts';
import { lastNumber } from './last-number.ts';
import { fractionOf, readMath, sameMath } from './math/same.ts';
import { normalised } from './normalised.ts';
import { plainNumbers, write } from './number.ts';
import { canonicalQuantity } from './quantity.ts';

export type Reading = { read: 'value' | 'last-number' | 'hash' | 'boxed' | 'pattern'; pattern?: string };
/** When two answers are the same. `units`: those that a number may be stated in, or without; see quantity.ts. */
export type Comparison = {
  compare: 'exact' | 'numeric' | 'normalised' | 'math';
  units?: readonly string[] | undefined;
};

/**
 * An answer as stated, and where: offsets into `readable` of the text. `unit`: what stands behind it and belongs to it. `inMath`: it
 * was set as mathematics.
 */
export type Statement = { answer: string; start: number; end: number; unit?: string; inMath?: boolean };

const MAX_LENGTH = 100_000;
const MAX_ANSWER_LENGTH = 1000;
/** What one text may take of a pattern. A reply of many texts that hang it must not hold the process for their sum. */
const PATTERN_MS = { most: 200, least: 25 };
/** How often a pattern is tried that had no processor while its time ran out. */
const BUSY_TRIES = 5;
/** Texts of which the reading is kept: format, steps and answer of one sample are read at once. */
const KEPT = 16;

/** What was found in a text of which a pattern could not be read in time. */
const TIMED_OUT: Statement[] = [];

/** Finds all statements of an answer in a text, as they are written. */
export type Finder = (text: string) => Statement[];

/** What of a text is read: what stands behind the thinking, numbers set in LaTeX as they would be typed. */
export const readable = (text: string): string => plainNumbers(visibleOf(text));

/** @throws SyntaxError when the pattern is no regular expression */
export function finderOf({ read, pattern }: Reading): Finder {
  const finders: Record<Reading['read'], () => Finder> = {
    value: () => (text) => [{ answer: text, start: 0, end: text.length }],
    'last-number': () => (text) => {
      const found = lastNumber(text);
      return found ? [found] : [];
    },
    hash: () => hashes,
    boxed: () => (text) => boxes(text).map((box) => ({ ...box, inMath: true })),
    pattern: () => byPattern(pattern ?? ''),
  };
  const find = finders[read]();
  const kept = new Map<string, Statement[]>();
  return (text) => {
    if (text.length > MAX_LENGTH) return [];
    const known = kept.get(text);
    if (known) return known;
    const found = find(readable(text));
    if (kept.size >= KEPT) kept.delete(kept.keys().next().value!);
    kept.set(text, found);
    return found;
  };
}

/** Why a text could not be read, as apart from stating no answer; undefined where it could be. */
export const timedOut = (find: Finder, text: string): string | undefined =>
  find(text) === TIMED_OUT ? `not read: the pattern took too long on ${text.length} characters` : undefined;

/**
 * The answer that a text states, in canonical form, with the place of its last statement. Statements which
 * can't be compared (a heading where a number is asked for) are passed over, unless the last one is such.
 */
export function stated(find: Finder, comparison: Comparison, text: string): Statement | undefined {
  const statements = find(text).map((statement) => {
    return { ...statement, answer: canonicalOf(statement, comparison) };
  });
  const last = statements.at(-1);
  if (!last || last.answer === undefined) return undefined;
  const agree = statements.every(
    ({ answer }) => answer === undefined || sameForm(answer, last.answer!, comparison),
  );
  return agree ? { ...last, answer: last.answer } : undefined;
}

function canonicalOf({ answer, unit = '', inMath }: Statement, comparison: Comparison): string | undefined {
  const { compare, units } = comparison;
  if (compare !== 'numeric') return canonical(answer, comparison);
  const text = answer.trim();
  if (text === '' || text.length > MAX_ANSWER_LENGTH) return undefined;
  return canonicalQuantity(units && unit !== '' ? `${text} ${unit}` : text, units, inMath);
}

/**
 * The form in which answers are compared. `exact`: the text without surrounding space. `numeric`: the number,
 * and its unit unless that says nothing. `normalised`: see normalised.ts. `math`: a fraction's value, else the text as it stands:
 * such forms are compared by `sameForm`.
 */
export function canonical(answer: string, { compare, units }: Comparison): string | undefined {
  const text = answer.trim();
  if (text === '' || text.length > MAX_ANSWER_LENGTH) return undefined;
  if (compare === 'exact') return text;
  if (compare === 'numeric') return canonicalQuantity(text, units);
  if (compare === 'normalised') return normalised(text);
  const read = readMath(text);
  const fraction = read && fractionOf(read);
  return fraction ? write(fraction.top, fraction.bottom) : read && text;
}

/** Are two canonical forms the same answer? */
export const sameForm = (a: string, b: string, { compare }: Comparison): boolean =>
  a === b || (compare === 'math' && sameMath(a, b));

function byPattern(source: string): Finder {
  // A script that only searches, in a context that has nothing else: unlike a plain call it can be stopped.
  const context = createContext({ source, text: '' });
  const script = new Script(
    `JSON.stringify(Array.from(text.matchAll(new RegExp(source, 'gmu')), (m) => [m[1] ?? null, m.index, m[0].length]))`,
  );
  void new RegExp(source, 'gmu');
  let timeout = PATTERN_MS.most;
  type Match = [string | null, number, number];
  const search = (tries = BUSY_TRIES): Match[] | undefined => {
    const began = process.cpuUsage();
    try {
      return JSON.parse(script.runInContext(context, { timeout })) as Match[];
    } catch (error) {
      // Deeper than the engine's stack, or out of time: on a busy machine perhaps without having had the processor.
      const { user, system } = process.cpuUsage(began);
      const waited = (error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
      const idle = waited && (user + system) / 1000 < timeout / 2;
      return idle && tries > 1 ? search(tries - 1) : undefined;
    }
  };
  return (text) => {
    context['text'] = text;
    const found = search();
    // What could not be read: the next text gets half the time, until one is read.
    timeout = found ? PATTERN_MS.most : Math.max(PATTERN_MS.least, timeout / 2);
    return (
      found?.flatMap(([answer, start, length]) =>
        answer === null ? [] : [{ answer, start, end: start + length }],
      ) ?? TIMED_OUT
    );
  };
}
