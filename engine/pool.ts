/** Which prompts of an iteration's pool are in use, and how often and in which ways each is asked. */
import type { Db } from '../db/connect.ts';
import { samplesOf, type Sample } from '../db/queries/prompts.ts';
import { judgesBehaviour, type Rewrite, type Strategy, type Task } from '../tasks/task.ts';
import type { IterationContext } from './context.ts';

/** Rehearsal prompts are easy: fewer samples show whether the model still agrees with itself on them. */
const REHEARSAL_SAMPLES = 4;

/** K for a prompt; of one that is solved by its parts, K of each part. */
export function samplesFor(
  context: Pick<IterationContext, 'settings' | 'task'>,
  prompt: { purpose: string },
): number {
  if (climbs(context, prompt)) return context.settings.strategy.ladder.samples;
  const k = context.settings.sampling.samples;
  return prompt.purpose === 'rehearse' ? Math.min(k, REHEARSAL_SAMPLES) : k;
}

/** Can the task say what the parts of its prompts are? */
const splits = ({ decompose, recombine }: Task): boolean =>
  decompose !== undefined && recombine !== undefined;

/** What is wrong with splitting the prompts of a task as the settings want it. */
export function ladderProblems({ settings, task }: Pick<IterationContext, 'settings' | 'task'>): string[] {
  if (settings.strategy.ladder.mode === 'off' || climbs({ settings, task }, { purpose: 'learn' })) return [];
  return [
    judgesBehaviour(task)
      ? `strategy.ladder.mode: is on, but the answers of the task ${task.name} are programs, which are not put together of parts`
      : `strategy.ladder.mode: is on, but the task ${task.name} can't say what the parts of its prompts are: let the model propose them (strategy.ladder.parts: model), or give it decompose and recombine in code`,
  ];
}

/** Is a prompt of this purpose solved by way of its parts? */
export function climbs(
  { settings, task }: Pick<IterationContext, 'settings' | 'task'>,
  { purpose }: { purpose: string },
): boolean {
  const { mode, parts } = settings.strategy.ladder;
  return (
    mode === 'on' && purpose !== 'rehearse' && (parts === 'model' ? !judgesBehaviour(task) : splits(task))
  );
}

/** How many prompts there are of each purpose. */
type PromptCounts = { learn: number; rehearse: number; calibrate: number };

/** Of so many prompts, those that are solved by way of their parts, and the samples of all others. */
export function drawsOf(
  context: Pick<IterationContext, 'settings' | 'task'>,
  counts: PromptCounts,
): { trees: number; samples: number } {
  const found = { trees: 0, samples: 0 };
  for (const purpose of ['learn', 'rehearse', 'calibrate'] as const) {
    if (climbs(context, { purpose })) found.trees += counts[purpose];
    else found.samples += counts[purpose] * samplesFor(context, { purpose });
  }
  return found;
}

/** May a prompt of this purpose be argued about, where its samples disagree? */
export const debatable = (
  context: Pick<IterationContext, 'settings' | 'task'>,
  prompt: { purpose: string },
): boolean =>
  context.settings.strategy.debate.mode === 'on' &&
  prompt.purpose !== 'rehearse' &&
  !climbs(context, prompt) &&
  !judgesBehaviour(context.task);

/** All ways of asking that a task has, those among them that it keeps for more diversity. */
const allStrategies = (task: Pick<Task, 'strategies' | 'alternatives'>): Strategy[] => [
  ...task.strategies,
  ...(task.alternatives ?? []),
];

/** What is wrong with these names of ways of asking. */
export function unknownStrategies(task: Task, names: readonly string[]): string[] {
  const known = allStrategies(task).map(({ name }) => name);
  return names
    .filter((name) => !known.includes(name))
    .map(
      (name) =>
        `${JSON.stringify(name)} is no way of asking of the task ${task.name}; it has ${known.join(', ')}`,
    );
}

/** What is wrong with the names of ways of asking in a run's settings. */
export function strategyProblems({ task, settings }: Pick<IterationContext, 'task' | 'settings'>): string[] {
  const names = settings.sampling.strategyNames ?? [];
  return names.flatMap((name, i) => {
    const at = `sampling.strategyNames.${i}: `;
    const [unknown] = unknownStrategies(task, [name]);
    if (unknown !== undefined) return [`${at}${unknown}`];
    return names.indexOf(name) < i ? [`${at}${JSON.stringify(name)} stands there twice`] : [];
  });
}

/** Can further ways of asking be taken in? Not where they were named one by one. */
export const keepsAlternatives = ({ task, settings }: Pick<IterationContext, 'task' | 'settings'>): boolean =>
  (task.alternatives?.length ?? 0) > 0 && settings.sampling.strategyNames === undefined;

/** Each way as it is first, so that few samples are not all noisy. What is trained on is the plain question all the same. */
const withNoise = (asked: readonly Strategy[], noises: Task['noise'] = []): Strategy[] =>
  [undefined, ...noises].flatMap((noise) =>
    asked.map(({ name, messages }) =>
      noise
        ? { name: `${name}+${noise.name}`, messages: (text: string) => messages(noise.apply(text)) }
        : { name, messages },
    ),
  );

/** The way of asking that a sample's row names, whatever the settings are now; undefined where the task has none of that name any more. */
export const strategyNamed = (task: Task, name: string): Strategy | undefined =>
  withNoise(allStrategies(task), task.noise).find((strategy) => strategy.name === name);

/** As `strategyNamed`. @throws Error where the task has none of that name any more */
export function wayOf(task: Task, name: string): Strategy {
  const strategy = strategyNamed(task, name);
  if (!strategy)
    throw new Error(`The task ${task.name} has no way of asking named ${JSON.stringify(name)} any more.`);
  return strategy;
}

/** The ways of asking that are in use. @throws Error where one that was chosen by name is gone from the task */
export function strategiesOf({ task, settings }: Pick<IterationContext, 'task' | 'settings'>): Strategy[] {
  const { strategies, strategyNames, noise } = settings.sampling;
  const chosen = strategyNames?.map((name) => wayOf(task, name));
  // More diversity is no use where it leaves out the examples that a small model knows the form of an answer from.
  const more =
    strategies === 'all' ? (task.alternatives ?? []).filter(({ examples }) => examples !== 'never') : [];
  return withNoise(chosen ?? [...task.strategies, ...more], noise ? task.noise : []);
}

/** One way in which a problem is put to the model, and the indices of the samples wanted of it. */
export type Draw = { form: Rewrite; strategy: Strategy; indices: number[] };

/** K samples, spread over the forms and the ways of asking in turn. Equal requests are one call with n choices. */
export function spread(forms: Rewrite[], strategies: Strategy[], k: number): Draw[] {
  const draws = new Map<string, Draw>();
  for (let index = 0; index < k; index++) {
    const form = forms[index % forms.length]!;
    const strategy = strategies[index % strategies.length]!;
    const id = `${form.key} ${strategy.name}`;
    const same = draws.get(id);
    if (same) same.indices.push(index);
    else draws.set(id, { form, strategy, indices: [index] });
  }
  return [...draws.values()];
}

/**
 * Prompts that are in use: all, unless the budget took some away after they were drawn. Those to learn from come
 * first in the pool.
 */
export function inUse<P extends { purpose: string; position: number }>(
  { settings }: IterationContext,
  prompts: P[],
): P[] {
  return prompts.filter((one) => one.purpose !== 'learn' || one.position < settings.pool.prompts);
}

/** The samples of prompts, by prompt, in the order of their indices; `round`: of this round alone. */
export async function samplesByPrompt(
  db: Db,
  prompts: readonly { id: number }[],
  round?: number,
): Promise<Map<number, Sample[]>> {
  const ids = prompts.map(({ id }) => id);
  return Map.groupBy(await samplesOf(db, ids, round), ({ promptId }) => promptId);
}
