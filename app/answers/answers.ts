/** Asking for one answer: by a task's served checkpoint, adapted to the prompt first where that is wanted. */
import { randomUUID } from 'node:crypto';
import { ApplicationFailure, type Client } from '@temporalio/client';
import type { Answered } from '../../activities/answer/open.ts';
import type { AnswerInput, Demonstration } from '../../loop/answer-input.ts';
import { FAILURE } from '../../loop/failures.ts';
import { UsageError } from '../../process/errors.ts';
import { readJsonl, textProblem } from '../../tasks/jsonl.ts';
import { innermost, mainQueue } from '../temporal.ts';
import { WORKFLOW } from '../../workflows/names.ts';

/** The prompt, or a demonstration, can't be read by the task, or the task has no runs: the message says which and why. */
export class AnswerRefused extends Error {}

/** Workflow ids of answers begin with this. */
const PREFIX = 'answer-';

/**
 * Starts the workflow `answer` and waits for it. Whoever stops waiting cancels it, so that nothing is trained for nobody.
 *
 * @throws AnswerRefused, or Error with what failed
 */
export async function askForAnswer(
  client: Client,
  input: AnswerInput,
  signal?: AbortSignal,
): Promise<Answered & { id: string }> {
  const id = `${PREFIX}${randomUUID()}`;
  const handle = await client.workflow.start(WORKFLOW.answer, {
    workflowId: id,
    taskQueue: mainQueue(),
    // Somebody waits for it.
    priority: { priorityKey: 1 },
    args: [input],
    staticSummary: `An answer of ${input.task}`,
  });
  const cancel = () => void handle.cancel().catch(() => undefined);
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    return { id, ...((await handle.result()) as Answered) };
  } catch (error) {
    signal?.throwIfAborted();
    const cause = innermost(error);
    if (cause instanceof ApplicationFailure && cause.type === FAILURE.invalidInput)
      throw new AnswerRefused(cause.message);
    throw cause ?? error;
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
}

/** Demonstrations of a file: JSONL, `{"prompt": "…", "answer": "…"}` a line. @throws UsageError naming the line */
export async function readDemonstrations(path: string): Promise<Demonstration[]> {
  const demonstrations: Demonstration[] = [];
  for await (const { line, value, problem } of readJsonl('demonstrations file', path)) {
    const { prompt, answer, ...more } = value ?? {};
    const unknown = Object.keys(more)[0];
    const wrong =
      problem ??
      (typeof prompt !== 'string' || prompt === ''
        ? 'has no "prompt"'
        : typeof answer !== 'string' || answer === ''
          ? 'has no "answer"'
          : (textProblem('prompt', prompt) ?? textProblem('answer', answer)));
    if (wrong) throw new UsageError(`Line ${line} of ${path} ${wrong}.`);
    if (unknown !== undefined)
      throw new UsageError(
        `Line ${line} of ${path} has a field that means nothing here: ${unknown.slice(0, 40)}.`,
      );
    demonstrations.push({ prompt: prompt as string, answer: answer as string });
  }
  return demonstrations;
}
