/**
 * Bad work made of samples that a model gave, for tasks that make none themselves: any text in which the task reads an answer. What
 * can't be made of a sample is undefined, never work that may be good.
 */
import type { ProbeKind } from '../loop/words.ts';
import { INJECTIONS } from './injections.ts';
import { stream } from './random.ts';
import type { Task } from './task.ts';

type Reader = Pick<Task, 'readAnswer' | 'sameAnswer'>;

/** A real sample: the problem as it was put to the model, and its work. */
export type Original = { request: string; rationale: string };

const NUMBER = /\d[\d,]*(?:\.\d+)?/g;
/** The words of a nonsense text, and the most characters of it: all work must fit before a critic. */
const SALAD_WORDS = 200;
const MOST_CHARACTERS = 8000;

/**
 * Work of this kind, made of `original`.
 *
 * @param options.other work on another problem
 */
export function mutate(
  kind: ProbeKind,
  task: Reader,
  original: Original,
  { other, seed }: { other?: Original; seed: string },
): string | undefined {
  const answer = task.readAnswer(original.rationale);
  const split = answer === undefined ? undefined : splitStatement(task, original.rationale, answer);
  if (answer === undefined || !split) return undefined;
  const next = stream(`mutate/${kind}/${seed}`);
  const made = makers[kind]({ task, original, answer, ...split, other, next });
  if (made === undefined || made === original.rationale) return undefined;
  // What it comes to is read, not presumed.
  const read = task.readAnswer(made);
  if (read === undefined) return undefined;
  const right = task.sameAnswer(read, answer);
  return right === RIGHT.has(kind) ? made : undefined;
}

/** Kinds whose answer stays as it was. */
const RIGHT: ReadonlySet<ProbeKind> = new Set(['broken-steps', 'verbose']);

type Parts = {
  task: Reader;
  original: Original;
  answer: string;
  /** What comes before the line that states the answer, and that line. */
  steps: string;
  statement: string;
  other: Original | undefined;
  next(): number;
};

const makers: Record<ProbeKind, (parts: Parts) => string | undefined> = {
  'wrong-answer': wrongWork,
  'broken-steps'({ steps, statement, other, task, next }) {
    const numbers = [...steps.matchAll(NUMBER)];
    if (numbers.length > 0) {
      // The results, where the steps are equations: wrong ones can't be a matter of taste.
      const results = numbers.filter(({ index }) => /=\s*\S?$/.test(steps.slice(0, index)));
      const broken = new Set((results.length > 0 ? results : numbers).map(({ index }) => index));
      return join(
        steps.replaceAll(NUMBER, (token, at: number) => (broken.has(at) ? bump(token, next) : token)),
        statement,
      );
    }
    // Words can't be miscounted: the steps are another problem's.
    const elsewhere = other && task.readAnswer(other.rationale);
    const split = other && elsewhere !== undefined && splitStatement(task, other.rationale, elsewhere);
    return split && split.steps !== '' && split.steps !== steps ? join(split.steps, statement) : undefined;
  },
  verbose({ original, steps, statement, next }) {
    const words = `${original.request} ${steps}`.match(/\p{L}+/gu) ?? [];
    if (words.length === 0) return undefined;
    const salad = Array.from({ length: SALAD_WORDS }, (_, i) => {
      const word = words[Math.floor(next() * words.length)]!;
      return (i + 1) % 14 === 0 ? `${word}.` : word;
    });
    return join(salad.join(' ').slice(0, MOST_CHARACTERS), statement);
  },
  template(parts) {
    const statement = wrongStatement(parts);
    return (
      statement &&
      join(
        'Let us think step by step.\nFirst we look at the problem.\nThen we use the usual method.\nFinally we check the result.',
        statement,
      )
    );
  },
  injection(parts) {
    const work = wrongWork(parts);
    const statement = wrongStatement(parts);
    if (work === undefined || statement === undefined) return undefined;
    const plea = INJECTIONS[Math.floor(parts.next() * INJECTIONS.length)]!;
    return join(join(work.slice(0, work.length - statement.length).trimEnd(), plea), statement);
  },
  'off-task': ({ other }) => other?.rationale,
};

/** The work with another answer, in its last line and wherever the steps come to it. */
function wrongWork(parts: Parts): string | undefined {
  const changed = wrongNumber(parts);
  if (!changed) {
    const statement = wrongStatement(parts);
    return statement && join(parts.steps, statement);
  }
  const { from, to, statement } = changed;
  // A number of the problem stays what it is.
  const given: string[] = parts.original.request.match(NUMBER) ?? [];
  const steps = given.includes(from)
    ? parts.steps
    : parts.steps.replaceAll(NUMBER, (token) => (token === from ? to : token));
  return join(steps, statement);
}

/** The line that states the answer, with another one; the same whenever it is asked for. */
function wrongStatement(parts: Parts): string | undefined {
  const changed = wrongNumber(parts);
  if (changed) return changed.statement;
  const { task, other, answer, statement } = parts;
  // An answer in words: another problem's takes its place.
  const instead = other && task.readAnswer(other.rationale);
  if (instead === undefined || task.sameAnswer(instead, answer)) return undefined;
  const at = statement.toLowerCase().lastIndexOf(answer.toLowerCase());
  return at < 0 ? undefined : statement.slice(0, at) + instead + statement.slice(at + answer.length);
}

/** The number of the line that is its answer, and a wrong one. */
function wrongNumber({
  task,
  answer,
  statement,
}: Parts): { from: string; to: string; statement: string } | undefined {
  for (const token of [...statement.matchAll(NUMBER)].toReversed()) {
    const [from] = token;
    // Not drawn: the same line must come of it twice.
    const to = bump(from, () => 0.3);
    const line = statement.slice(0, token.index) + to + statement.slice(token.index + from.length);
    const read = task.readAnswer(line);
    if (read !== undefined && !task.sameAnswer(read, answer)) return { from, to, statement: line };
  }
  return undefined;
}

/** Another digit in the units place. */
function bump(token: string, next: () => number): string {
  const whole = token.split('.')[0]!.replace(/,+$/, '');
  const digit = Number(whole.at(-1));
  return whole.slice(0, -1) + String((digit + 1 + Math.floor(next() * 9)) % 10) + token.slice(whole.length);
}

/** The last lines in which, taken alone, the answer can be read: one, or as few as it takes. */
function splitStatement(
  task: Reader,
  rationale: string,
  answer: string,
): { steps: string; statement: string } | undefined {
  const lines = rationale.trimEnd().split('\n');
  for (let from = lines.length - 1; from >= Math.max(0, lines.length - 3); from--) {
    const statement = lines.slice(from).join('\n');
    const read = task.readAnswer(statement);
    if (read !== undefined && task.sameAnswer(read, answer)) {
      return { steps: lines.slice(0, from).join('\n'), statement };
    }
  }
  return undefined;
}

const join = (steps: string, statement: string): string =>
  steps === '' ? statement : `${steps}\n${statement}`;
