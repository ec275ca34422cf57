/**
 * Worked examples (few-shot, Brown et al. 2020, arXiv 2005.14165): turns of user and assistant between the system message and
 * the question. They come first and are the same for every question of a way of asking, so that a server that keeps a common
 * beginning reads it once.
 */
import type { ChatMessage, Prompt, Strategy, Task, WorkedExample } from './task.ts';

type Ask = (text: string) => ChatMessage[];

function withTurns(ask: Ask, examples: WorkedExample[]): Ask {
  const turns = examples.flatMap(({ prompt, answer }): ChatMessage[] => [
    ...ask(prompt).filter((one) => one.role !== 'system'),
    { role: 'assistant', content: answer },
  ]);
  return (text) => {
    const asked = ask(text);
    const isSystem = (one: ChatMessage) => one.role === 'system';
    return [...asked.filter(isSystem), ...turns, ...asked.filter((one) => !isSystem(one))];
  };
}

/** The task with its worked examples put where they stand; one without any is given back as it is. */
export function withExamples(task: Task): Task {
  const { examples, examplesIn = 'everywhere' } = task;
  if (!examples || examples.length === 0) return task;
  const shown = (strategy: Strategy): Strategy => {
    if (strategy.examples === 'never') return strategy;
    return { ...strategy, messages: withTurns((text) => strategy.messages(text), examples) };
  };
  const askShown = withTurns((text) => task.ask(text), examples);
  // Made from the task, not copied: what it has may be methods of a class.
  return Object.assign(Object.create(task) as Task, {
    strategies: task.strategies.map(shown),
    ...(task.alternatives ? { alternatives: task.alternatives.map(shown) } : {}),
    ...(examplesIn === 'everywhere'
      ? { ask: askShown }
      : { ask: (text: string) => task.ask(text), askWithExamples: askShown }),
  });
}

/** What was asked without the task's own worked examples, where it begins with them. */
export function withoutExamples<M extends { role: string; content: string }>(task: Task, asked: M[]): M[] {
  const count = (task.examples?.length ?? 0) * 2;
  if (count === 0) return asked;
  const first = asked.findIndex((one) => one.role !== 'system' && one.role !== 'developer');
  const own = (task.askWithExamples ?? ((text: string) => task.ask(text)))('').filter(
    (one) => one.role !== 'system',
  );
  const same = own.slice(0, count).every(({ role, content }, i) => {
    const one = first < 0 ? undefined : asked[first + i];
    return one?.role === role && one.content.trim() === content.trim();
  });
  return same ? [...asked.slice(0, first), ...asked.slice(first + count)] : asked;
}

/** Keys of the problems that the model is shown with their answers: no prompt may be one of them. */
export function exampleKeys(task: Task): Set<string> {
  const keys = new Set<string>();
  for (const { prompt } of task.examples ?? []) {
    const read = task.readPrompt(prompt);
    if (typeof read !== 'string') keys.add(read.key);
  }
  return keys;
}

/**
 * What is wrong with a task's worked examples: each must be a problem of the task with an answer that the task itself reads,
 * none twice, and none may be a held-out problem.
 *
 * @param heldOutIn the benchmark in which a problem stands, exactly or nearly; undefined: in none
 */
export function exampleProblems(task: Task, heldOutIn: (prompt: Prompt) => string | undefined): string[] {
  const problems: string[] = [];
  const seen = new Map<string, number>();
  (task.examples ?? []).forEach(({ prompt, answer }, i) => {
    const bad = (why: string) => problems.push(`examples.${i}: ${why}`);
    const read = task.readPrompt(prompt);
    if (typeof read === 'string') {
      bad(`its prompt ${read}`);
      return;
    }
    if (task.readAnswer(answer) === undefined)
      bad("its answer can't be read by the task's own rule, so it would teach the wrong form");
    const earlier = seen.get(read.key);
    if (earlier !== undefined) bad(`asks the same as examples.${earlier}`);
    seen.set(read.key, i);
    const benchmark = heldOutIn(read);
    if (benchmark !== undefined)
      bad(`is a held-out problem of ${benchmark}, which would be shown with its answer`);
  });
  return problems;
}
