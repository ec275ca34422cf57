/** A log of what learners answered: lines of JSON with learner, item and answer. Right answers belong into it as well as wrong ones. */
import { collectProblems } from '../errors.ts';
import { readJsonl, textProblem } from '../jsonl.ts';
import { readItem, skillOf } from './catalogue.ts';
import type { Answered } from './diagnose.ts';

const MAX_NAME = 100;
const MAX_ANSWER = 200;

/** Answers of each learner, in the order of the file. */
export type Log = Map<string, Answered[]>;

/** @throws InvalidInputError naming every line that can't be used */
export async function readLog(path: string): Promise<Log> {
  const problems = collectProblems();
  const log: Log = new Map();
  for await (const { line, value, problem } of readJsonl('log', path)) {
    const read = problem ?? readLine(value);
    if (typeof read === 'string') {
      problems.add(`log ${path}, line ${line} ${read}`);
      continue;
    }
    const own = log.get(read.learner) ?? [];
    log.set(read.learner, own);
    own.push(read.answered);
  }
  if (log.size === 0 && problems.count === 0) problems.add(`log ${path}: has no answers`);
  problems.throwIfAny();
  return log;
}

function readLine(value: Record<string, unknown>): { learner: string; answered: Answered } | string {
  const { learner, item: text, answer } = value;
  if (typeof learner !== 'string' || learner.trim() === '')
    return 'has no "learner", which is a name or a number of theirs in quotes';
  if (learner.length > MAX_NAME)
    return `has a "learner" of ${learner.length} characters, more than ${MAX_NAME}`;
  if (typeof text !== 'string') return 'has no "item", such as "503-278"';
  if (typeof answer !== 'string' && typeof answer !== 'number' && answer !== null)
    return 'has no "answer": give a text, a number, or null where the learner gave none';
  const written = answer === null ? '' : String(answer);
  if (written.length > MAX_ANSWER)
    return `has an "answer" of ${written.length} characters, more than ${MAX_ANSWER}`;
  const odd = textProblem('learner', learner) ?? textProblem('item', text) ?? textProblem('answer', written);
  if (odd) return odd;
  const item = readItem(text);
  if (typeof item === 'string') return item;
  // What is no answer of this kind is one that nothing explains.
  return { learner, answered: { item, answer: skillOf(item.skill).readAnswer(written) ?? null } };
}
