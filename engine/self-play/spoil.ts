/** Bad work made of good work: by the task, by altering it, or by a model that is asked to. */
import type { GoodWork, NewTry } from '../../db/queries/self-play.ts';
import { storableText } from '../../db/storable.ts';
import type { ProbeKind } from '../../loop/words.ts';
import { mutate } from '../../tasks/mutate.ts';
import { visibleOf } from '../../tasks/thinking-text.ts';
import { withVisible } from '../../tasks/thinking.ts';
import type { Rewrite } from '../../tasks/task.ts';
import { seedOf, type IterationContext } from '../context.ts';
import { readWork } from '../reading.ts';

/** Good work with the form of its problem that it answers. */
export type Host = GoodWork & { form: Rewrite };

export type Plan = { by: 'mutation' | 'model'; kind: ProbeKind; seed: number };

/** How a try is made: alterations and the model in turn; wrong answers and, where a verification can tell, broken steps in turn. */
export function planOf(
  { task, iteration }: IterationContext,
  { sample, truth }: GoodWork,
  number: number,
): Plan {
  const asks = task.debates !== 'alone';
  const by = asks && number % 2 === 1 ? ('model' as const) : ('mutation' as const);
  const turn = asks ? Math.floor(number / 2) : number;
  const kind = by === 'model' || truth !== null || turn % 2 === 0 ? 'wrong-answer' : 'broken-steps';
  return { by, kind, seed: seedOf(iteration.plan.seed, 'self-play', sample.id, number) };
}

/** Altered work; undefined where none can be made. @param others good work on other problems */
export function spoilt(
  { task }: IterationContext,
  { sample, prompt }: GoodWork,
  { kind, seed }: Plan,
  others: readonly GoodWork[],
): string | undefined {
  const problem = { prompt: { ...prompt, level: prompt.level ?? undefined }, text: sample.request, seed };
  const made = task.probe?.(kind, problem);
  if (made !== undefined) return made;
  const elsewhere = others.filter((one) => one.prompt.id !== prompt.id);
  const other = elsewhere[seed % Math.max(1, elsewhere.length)]?.sample;
  return withVisible(sample.rationale, (visible) =>
    mutate(
      kind,
      task,
      { ...sample, rationale: visible },
      { other: other && { ...other, rationale: visibleOf(other.rationale) }, seed: String(seed) },
    ),
  );
}

/** Spoilt work as it is stored: to be judged where it is in form. */
export function worked(
  { task }: IterationContext,
  { form }: Host,
  text: string,
): Pick<NewTry, 'rationale' | 'answer' | 'outcome' | 'reason'> {
  const rationale = storableText(text);
  const read = readWork(task, form, { text: rationale, finishReason: 'stop', completionTokens: 0 });
  const sound = read.formatOk && read.coherenceOk && read.answer !== null;
  const why = read.formatOk ? read.coherenceReason : read.formatReason;
  return {
    rationale,
    answer: read.answer,
    outcome: sound ? 'made' : 'unfit',
    reason: sound ? 'to be judged' : why,
  };
}
