/** `POST /v1/feedback`: what people say of an answer, and what becomes of it. */
import { z } from 'zod';
import { formAnswered, formsFor, plainForm, readRun, taskOf } from '../engine/context.ts';
import type { Db } from '../db/connect.ts';
import { addFeedback, findCompletion } from '../db/queries/gateway.ts';
import { findStoredPrompt, storePrompt } from '../db/queries/outside.ts';
import { getCheckpoint } from '../db/queries/runs.ts';
import type { Prompt, Task } from '../tasks/task.ts';
import { GatewayError } from './errors.ts';
import type { Redact } from './redact.ts';

const feedbackSchema = z
  .strictObject({
    completion: z.string().min(1).max(200).describe("the answer's id"),
    choice: z.int().min(0).max(1023).default(0).describe('which of n choices'),
    rating: z.enum(['up', 'down']).optional(),
    correction: z
      .string()
      .min(1)
      .max(100_000)
      .optional()
      .describe('the right answer, alone or at the end of a whole rationale as the task writes it'),
    as: z
      .enum(['example', 'regression'])
      .default('example')
      .describe('`example`: trains the next iterations; `regression`: a held-out problem of later runs'),
    prompt: z
      .string()
      .min(1)
      .max(100_000)
      .optional()
      .describe('the problem, for a correction where the prompt itself is not stored'),
    by: z.string().trim().min(1).max(200).describe('who says so'),
    note: z.string().max(2000).optional(),
  })
  .refine((given) => given.rating !== undefined || given.correction !== undefined, {
    error: 'give a rating, a correction or both',
  });

export type FeedbackAnswer = {
  id: number;
  object: 'feedback';
  completion: string;
  task: string;
  checkpoint: number;
  /** Was it sent before, in the same words? Then nothing was added. */
  known: boolean;
  becomes: 'rating' | 'example' | 'regression';
  message: string;
};

type Read = { answer: string; rationale?: string };

/**
 * A correction is an answer alone, or a whole rationale that leads to it.
 *
 * @throws GatewayError for what the task can't read
 */
function readCorrection(task: Task, prompt: Prompt, given: string): Read {
  const text = given.trim();
  const refuse = (why: string) => new GatewayError(400, `The correction ${why}.`, { param: 'correction' });
  const plain = plainForm(prompt, formsFor(task, prompt, 0));
  const stated = task.readAnswer(text);
  if (stated !== undefined && !task.sameAnswer(stated, text)) {
    const form = formAnswered(task, prompt, text);
    if (!form) {
      const asked = plain?.text ?? prompt.text;
      const format = task.checkFormat(asked, text);
      if (!format.ok) throw refuse(`is not in the task's form: ${format.reason}`);
      throw refuse(`does not hang together: ${task.checkCoherence(asked, text, stated).reason}`);
    }
    const answer = form.mapBack(stated);
    if (answer === undefined) throw refuse('leads to no answer to this problem');
    return { answer, rationale: text };
  }
  if (/\n/.test(text) || text.length > 1000)
    throw refuse('has no answer that the task can read: give the answer alone, or a rationale in its form');
  const answer = stated ?? text;
  if (plain && plain.mapBack(answer) === undefined) throw refuse('is no answer to this problem');
  if (!task.sameAnswer(answer, answer)) throw refuse('is no answer of this task');
  return { answer };
}

/**
 * @param given the body as it came
 * @throws GatewayError naming what is wrong
 */
export async function takeFeedback(
  db: Db,
  redact: Redact,
  given: unknown,
): Promise<{ answer: FeedbackAnswer; rating: 'up' | 'down' | undefined }> {
  const parsed = feedbackSchema.safeParse(given);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) =>
      path.length > 0 ? `${path.join('.')}: ${message}` : message,
    );
    throw new GatewayError(400, problems.join('; '), {
      param: parsed.error.issues[0]?.path.map(String).join('.') || undefined,
    });
  }
  const { completion: id, choice, rating, correction, as, by } = parsed.data;
  const completion = await findCompletion(db, id);
  if (!completion)
    throw new GatewayError(404, `There is no answer ${id}. Give the id that came with it.`, {
      code: 'not_found',
      param: 'completion',
    });
  const { task: name, checkpointId } = completion;

  async function clean(text: string, param: string): Promise<string> {
    const found = await redact(text, { task: name, part: 'feedback' });
    if ('refused' in found) throw new GatewayError(422, `Not stored: ${found.refused}.`, { param });
    return found.text;
  }
  const note = parsed.data.note === undefined ? undefined : await clean(parsed.data.note, 'note');
  const stored = {
    completionId: id,
    task: name,
    choice,
    rating,
    note,
    by,
  };
  const answer = { object: 'feedback' as const, completion: id, task: name, checkpoint: checkpointId };
  if (correction === undefined) {
    const { feedback, known } = await addFeedback(db, stored);
    return {
      answer: { id: feedback.id, ...answer, known, becomes: 'rating', message: 'The rating is stored.' },
      rating,
    };
  }

  const task = taskOf(await readRun(db, (await getCheckpoint(db, checkpointId)).runId));
  const text =
    parsed.data.prompt === undefined
      ? completion.storedPromptId === null
        ? undefined
        : (await findStoredPrompt(db, completion.storedPromptId))!.text
      : await clean(parsed.data.prompt, 'prompt');
  if (text === undefined) {
    const why = completion.notPooled
      ? `its prompt ${completion.notPooled}`
      : 'prompts of this task are not stored';
    throw new GatewayError(400, `A correction needs the problem, and ${why}: send it as \`prompt\`.`, {
      param: 'prompt',
    });
  }
  const prompt = task.readPrompt(text);
  if (typeof prompt === 'string') throw new GatewayError(400, `The prompt ${prompt}.`, { param: 'prompt' });
  const cleaned = await clean(correction, 'correction');
  const read = readCorrection(task, prompt, cleaned);
  const believed = task.believes?.(prompt, read.answer);
  if (believed && !believed.ok)
    throw new GatewayError(422, `The correction is not taken: ${believed.reason}.`, { param: 'correction' });
  const storedPromptId = await storePrompt(db, { ...prompt, task: name, source: 'gateway', origin: id });
  const { feedback, known } = await addFeedback(db, {
    ...stored,
    storedPromptId,
    correction: cleaned,
    ...read,
    use: as,
  });
  const message =
    as === 'regression'
      ? `It is a held-out problem of all later runs of ${name}.`
      : `It becomes a reviewed example in the next iteration of ${name}${read.rationale === undefined ? ', once a sample leads to the answer in sound steps' : ''}.`;
  return { answer: { id: feedback.id, ...answer, known, becomes: as, message }, rating };
}
