/**
 * The task of the gallery: word problems in files, as a user's task file describes them, with problems of another kind
 * to guard. Their truth is known here alone: no run of the product is told it.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { trueSum } from '../../../tasks/arithmetic/addition.ts';

type Kind = 'target' | 'guard';
export type Question = { kind: Kind; id: number; a: number; b: number; text: string; truth: number };

const HELD_OUT = { target: 60, guard: 30, final: 60 };
const PROMPTS = 200;

function target(id: number): Question {
  const [a, b] = [1100 + 7 * id, 40 + 3 * id];
  const text = `Box number ${id} holds ${a} pens and is given ${b} more. How many pens does it hold then?`;
  return { kind: 'target', id, a, b, text, truth: a + b };
}

function guard(id: number): Question {
  const [a, b] = [12 + id, 5 + (id % 7)];
  const text = `Hall number ${id} has ${a} rows of ${b} seats each. How many people can sit in that hall?`;
  return { kind: 'guard', id, a, b, text, truth: a * b };
}

/** The question that stands in a text, in whatever it is wrapped. */
export function questionIn(text: string): Question | undefined {
  const box = /Box number (\d+)/.exec(text);
  if (box) return target(Number(box[1]));
  const hall = /Hall number (\d+)/.exec(text);
  return hall ? guard(Number(hall[1])) : undefined;
}

/** The true answer to a prompt of the gallery, word problem or sum; undefined for another text. */
export function truthOf(prompt: string): string | undefined {
  const question = questionIn(prompt);
  return question ? String(question.truth) : trueSum(prompt);
}

/** Writes the task's files; `file` is what `improve` is given as its task. */
export function writeTask(): { file: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'ratchet-gallery-'));
  const range = (from: number, count: number, of: (id: number) => Question) =>
    Array.from({ length: count }, (_, i) => of(from + i));
  const write = (name: string, questions: Question[]) =>
    writeFileSync(
      join(folder, name),
      questions
        .map(({ text, truth }) => `${JSON.stringify({ prompt: text, answer: String(truth) })}\n`)
        .join(''),
    );
  write('prompts.jsonl', range(1, PROMPTS, target));
  write('target.jsonl', range(1001, HELD_OUT.target, target));
  write('final.jsonl', range(2001, HELD_OUT.final, target));
  write('guard.jsonl', range(1, HELD_OUT.guard, guard));
  const file = join(folder, 'task.yaml');
  writeFileSync(
    file,
    stringify({
      name: 'boxes',
      prompts: { file: 'prompts.jsonl' },
      benchmarks: (['target', 'guard', 'final'] as const).map((role) => ({
        name: role,
        role,
        file: `${role}.jsonl`,
      })),
      template: '{prompt}\n\nEnd with a line that holds only "#### " and the answer as a number.',
      answer: { read: 'hash', compare: 'numeric' },
      maxTokens: 4000,
    }),
  );
  return { file, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
