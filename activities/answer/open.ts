import { activityInfo } from '@temporalio/activity';
import { digestOf } from '../../process/digest.ts';
import { addAnswer, noteAnswer } from '../../db/queries/answers.ts';
import { baseOfNewestRun } from '../../db/queries/serving.ts';
import { answerInputSchema, type AnswerInput } from '../../loop/answer-input.ts';
import { problemsIn } from '../../loop/input.ts';
import { invalidInput } from '../../engine/invalid-input.ts';
import { readRun, taskOf, type Deps } from '../../engine/context.ts';
import { servedCheckpoint } from '../../engine/serving.ts';

/**
 * Stores a request for an answer with the checkpoint that will give it: the one that the task serves, or the base of its newest
 * run. Reads runs and checkpoints, writes one row of `answers` under the workflow's id; done twice it finds that row.
 *
 * @throws InvalidInput for a prompt or demonstration that the task can't read, or a task without runs
 */
export async function openAnswer({ db }: Deps, input: AnswerInput): Promise<void> {
  const { workflowId } = activityInfo().workflowExecution!;
  const parsed = answerInputSchema.safeParse(input);
  if (!parsed.success) throw invalidInput(problemsIn(parsed.error));
  const settings = parsed.data;
  const checkpoint =
    (await servedCheckpoint(db, settings.task)) ?? (await baseOfNewestRun(db, settings.task));
  if (!checkpoint)
    throw invalidInput([
      `The task ${settings.task} has no run yet, so nothing is known of its model. Start one: ratchet run`,
    ]);
  const task = taskOf(await readRun(db, checkpoint.runId));
  const prompt = task.readPrompt(settings.prompt);
  if (typeof prompt === 'string') throw invalidInput([`The prompt ${prompt}`]);
  for (const [i, { prompt: text, answer }] of settings.adapt.demonstrations.entries()) {
    const read = task.readPrompt(text);
    const problem =
      typeof read === 'string'
        ? read
        : read.key === prompt.key
          ? 'is the very prompt that is asked'
          : task.readAnswer(answer) === undefined
            ? 'has no answer that the task can read'
            : undefined;
    if (problem) throw invalidInput([`Demonstration ${i + 1} ${problem}`]);
  }
  await addAnswer(db, {
    id: workflowId,
    task: settings.task,
    prompt: settings.prompt,
    promptDigest: digestOf(prompt.key),
    settings,
    checkpointId: checkpoint.id,
  });
}

/** What is answered in the end. */
export type Answered = {
  answer: string | null;
  agreement: number;
  rationale: string | null;
  adapted: boolean;
  reason: string;
  trainingSeconds: number | null;
  switchMs: number | null;
};

/** Stores the answer: that of the adapter where it is followed, else that of the checkpoint. Done twice it is the same. */
export async function closeAnswer(
  { db }: Deps,
  { id, answered }: { id: string; answered: Answered },
): Promise<void> {
  const { answer, agreement, rationale, adapted, reason } = answered;
  await noteAnswer(db, id, { answer, agreement, rationale, adapted, reason, finishedAt: new Date() });
}
