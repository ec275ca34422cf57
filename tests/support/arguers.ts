/**
 * A task for debates, in a file: products of two numbers that are asked in a chat, with known answers to calibrate on. And what a scripted
 * model sees of a request in a debate.
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resolveTask, type TaskSpec } from '../../tasks/index.ts';
import type { ScriptedRequest } from './scripted-endpoint.ts';

const jsonl = (rows: object[]) => rows.map((row) => JSON.stringify(row)).join('\n');
const problem = (i: number) => ({ prompt: `What is ${i} times ${i + 3}?`, answer: String(i * (i + 3)) });

/** @param count prompts, and as many problems to calibrate on */
export async function productsTask(count: number): Promise<TaskSpec> {
  const folder = mkdtempSync(join(tmpdir(), 'ratchet-debate-'));
  const file = (name: string, rows: object[]) => {
    writeFileSync(join(folder, name), jsonl(rows));
    return name;
  };
  const from = (first: number) => Array.from({ length: count }, (_, i) => problem(first + i));
  const answered = { answerField: 'answer' };
  const task = {
    name: 'products',
    prompts: {
      file: file(
        'prompts.jsonl',
        from(100).map(({ prompt }) => ({ prompt })),
      ),
    },
    answer: { read: 'last-number' },
    calibration: { file: file('known.jsonl', from(300)), ...answered },
    benchmarks: [{ name: 'target', role: 'target', file: file('target.jsonl', from(500)), ...answered }],
    maxTokens: 64,
  };
  // Every JSON document is YAML.
  writeFileSync(join(folder, 'task.yaml'), JSON.stringify(task));
  return resolveTask(join(folder, 'task.yaml'));
}

export type Heard = {
  /** The true answer of the problem that is asked. */
  truth: number;
  /** A critic is asked about this work. */
  work?: string;
  /** It is to name the first bad line, too. */
  points: boolean;
  /** Work of others, in a later turn. */
  others: string[];
  own?: string;
  /** What the critic says of it. */
  faulted: boolean;
};

/** What a request in a run of that task asks, as far as a scripted model needs to know. */
export function heard({ messages }: ScriptedRequest): Heard {
  const texts = messages.map(({ content }) => content);
  const [, a, b] = /What is (\d+) times (\d+)\?/.exec(texts.join('\n'))!;
  const fenced = (name: RegExp) =>
    [
      ...texts
        .at(-1)!
        .matchAll(new RegExp(`(===== ${name.source} [0-9a-f]{16} =====)\\n([\\s\\S]*?)\\n\\1`, 'g')),
    ].map((match) => match[2]!.replaceAll(/^\d+\| /gm, ''));
  const critic =
    messages[0]!.role === 'system' && messages[0]!.content.startsWith('You check worked answers');
  return {
    truth: Number(a) * Number(b),
    ...(critic ? { work: fenced(/WORK/)[0]! } : {}),
    points: texts.at(-1)!.includes('first_bad_line'),
    others: critic ? [] : fenced(/WORK \d+/),
    own: messages.find(({ role }) => role === 'assistant')?.content,
    faulted: texts.at(-1)!.includes('A critic rejects your work'),
  };
}

/** What a critic says: that the work holds, or the line where it does not. */
export const verdict = (line: number, { points }: Pick<Heard, 'points'>): string =>
  JSON.stringify({
    first_error: line > 0 ? 'the product is wrong' : '',
    ...(points ? { first_bad_line: line } : {}),
    verdict: line > 0 ? 'fails' : 'holds',
    confidence: 1,
  });

export const work = (answer: number) => `They are multiplied.\nThe answer is ${answer}`;

/** Split at first; who sees the others' work, or hears the critic, finds the answer. Its critic always tells. */
export const persuadable = (one: Heard, { seed }: ScriptedRequest): string => {
  const { truth, work: shown, others, faulted } = one;
  if (shown !== undefined) return verdict(shown.includes(`is ${truth}`) ? 0 : 2, one);
  return work(others.length > 0 || faulted || seed % 2 === 0 ? truth : truth + 1 + (seed % 3));
};
