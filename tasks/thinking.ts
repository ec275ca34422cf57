/**
 * Tasks and thinking: a task sees what stands behind a model's thinking and nothing else, whoever wrote the task. What is
 * thought may name answers that were given up, and steps that were taken back.
 */
import { partThinking, visibleOf } from './thinking-text.ts';
import type { Task } from './task.ts';

/** The task with its answers, form, steps and verification read behind the thinking only. */
export function behindThinking(task: Task): Task {
  const { verify, verifyAll } = task;
  // Made from the task, not copied: what it has may be methods of a class.
  return Object.assign(Object.create(task) as Task, {
    readAnswer: (rationale: string) => task.readAnswer(visibleOf(rationale)),
    ...(task.unreadable ? { unreadable: (rationale: string) => task.unreadable!(visibleOf(rationale)) } : {}),
    checkFormat(promptText: string, rationale: string) {
      const { visible, unfinished } = partThinking(rationale);
      return unfinished
        ? { ok: false, reason: `it ends in mid-thought (${rationale.length} characters)` }
        : task.checkFormat(promptText, visible);
    },
    checkCoherence: (promptText: string, rationale: string, answer: string) =>
      task.checkCoherence(promptText, visibleOf(rationale), answer),
    ...(verify
      ? {
          verify: (prompt, sample) =>
            verify.call(task, prompt, { ...sample, rationale: visibleOf(sample.rationale) }),
        }
      : {}),
    ...(verifyAll
      ? {
          verifyAll: (of, signal) =>
            verifyAll.call(
              task,
              of.map(({ prompt, sample }) => ({
                prompt,
                sample: { ...sample, rationale: visibleOf(sample.rationale) },
              })),
              signal,
            ),
        }
      : {}),
  } satisfies Partial<Task>);
}

/** What a sample teaches: all that the model wrote, or what stands behind its thinking. */
export const taughtOf = ({ thinking }: Pick<Task, 'thinking'>, rationale: string): string =>
  thinking === 'strip' ? visibleOf(rationale) : rationale;

/** A rationale whose visible part is changed, its thinking left as it is. */
export function withVisible(
  rationale: string,
  change: (visible: string) => string | undefined,
): string | undefined {
  const { thinking, visible } = partThinking(rationale);
  const changed = change(visible);
  if (changed === undefined || thinking === '') return changed;
  return `${thinking}\n\n${changed}`;
}

/** Fields of every request of a task that asks its model not to think (chat templates of Qwen3 and those after it). */
export const NO_THINKING = { chat_template_kwargs: { enable_thinking: false } } as const;
