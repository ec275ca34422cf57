/** Held-out requests with their answers: rows of JSON with `prompt` and `answer`. */
import { readJsonl, textProblem } from '../jsonl.ts';
import { keyOf, promptProblem, type BadRow } from '../file/rows.ts';
import type { BenchmarkItem } from '../task.ts';
import { canonical } from './claims.ts';
import type { Library } from './library.ts';
import type { CorrectionRow } from './rows.ts';
import type { SupportTask } from './schema.ts';

export async function* readHeldOut(
  { name, file }: SupportTask['benchmarks'][number],
  { names, common }: Pick<Library, 'names' | 'common'>,
): AsyncGenerator<(BenchmarkItem & { line: number }) | BadRow> {
  const what = `benchmark ${name}: file`;
  for await (const { line, value, problem } of readJsonl(what, file)) {
    const bad = (why: string): BadRow => ({ problem: `${what} ${file}, line ${line} ${why}` });
    const { prompt, answer } = value ?? {};
    if (problem !== undefined) yield bad(problem);
    else if (typeof prompt !== 'string' || typeof answer !== 'string')
      yield bad('needs "prompt" and "answer" as texts');
    else {
      const odd = promptProblem('prompt', prompt) ?? textProblem('answer', answer);
      const right = canonical(answer, names, common);
      if (odd) yield bad(odd);
      else if (right === undefined)
        yield bad('has an answer that claims nothing: no value, no name, no yes or no');
      else yield { key: keyOf(prompt), text: prompt, answer: right, line };
    }
  }
}

/** Those that `resolveSupportTask` has looked at: each can be used. */
export async function* heldOut(
  benchmark: SupportTask['benchmarks'][number],
  library: Pick<Library, 'names' | 'common'>,
): AsyncGenerator<BenchmarkItem> {
  for await (const row of readHeldOut(benchmark, library))
    if (!('problem' in row)) yield { key: row.key, text: row.text, answer: row.answer };
}

/** The guard of corrections that are held out because they were learnt in other words. It grows with what users correct. */
export const RELAPSES = 'relapses';

export async function* relapses(
  { benchmarks }: SupportTask,
  rows: readonly CorrectionRow[],
  library: Pick<Library, 'names' | 'common'>,
): AsyncGenerator<BenchmarkItem> {
  const seen = new Set<string>();
  for (const benchmark of benchmarks) for await (const { key } of heldOut(benchmark, library)) seen.add(key);
  for (const { fate, request, answer } of rows) {
    const key = keyOf(request);
    if (fate !== 'hold' || answer === undefined || seen.has(key)) continue;
    seen.add(key);
    yield { key, text: request, answer };
  }
}
