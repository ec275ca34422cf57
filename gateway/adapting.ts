/** `TASK+ttt` as the model: the answer of the task's checkpoint, adapted to the prompt first where its samples disagree. */
import type { Client } from '@temporalio/client';
import type { Context } from 'hono';
import { AnswerRefused, askForAnswer } from '../app/answers/answers.ts';
import { answerInputSchema } from '../loop/answer-input.ts';
import type { GatewayEnv } from './asked.ts';
import { GatewayError } from './errors.ts';
import { messageTexts, promptIn } from './prompt.ts';
import type { Route } from './routes.ts';

const SUFFIX = '+ttt';

/** The task that a model's name asks to adapt; undefined: the name is of another kind. */
export const adaptingTask = (model: unknown): string | undefined =>
  typeof model === 'string' && model.endsWith(SUFFIX) ? model.slice(0, -SUFFIX.length) : undefined;

/** Fields of a request that mean something here; others are refused, as an answer that ignores them is another one. */
const TAKEN = new Set(['model', 'messages', 'n', 'stream', 'user', 'metadata', 'adapt']);

/**
 * @param connect opens Temporal, where the workflows run; undefined where the gateway knows none
 * @throws GatewayError
 */
export function createAdapting(connect: (() => Promise<Client>) | undefined) {
  return async (c: Context<GatewayEnv>, route: Route, body: Record<string, unknown>): Promise<Response> => {
    if (!connect)
      throw new GatewayError(501, `Models with ${SUFFIX} need Temporal: give the gateway TEMPORAL_ADDRESS.`, {
        code: 'not_configured',
        param: 'model',
      });
    const { target } = route;
    if (typeof target === 'string') throw new GatewayError(503, `The task can't be served: ${target}`);
    const refused = Object.keys(body).find((name) => !TAKEN.has(name));
    if (refused !== undefined || body.stream === true || (body.n ?? 1) !== 1) {
      const field = refused ?? (body.stream === true ? 'stream' : 'n');
      throw new GatewayError(
        400,
        `${SUFFIX} gives one whole answer by the task's own settings: leave out ${field}.`,
        {
          param: field,
        },
      );
    }
    const prompt = promptIn(target.task, messageTexts(body.messages));
    if (typeof prompt === 'string')
      throw new GatewayError(400, `The prompt ${prompt}.`, { param: 'messages' });
    const parsed = answerInputSchema.safeParse({
      task: route.task,
      prompt: prompt.text,
      ...(body.adapt === undefined ? {} : { adapt: body.adapt }),
    });
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      throw new GatewayError(400, `${issue!.path.join('.')}: ${issue!.message}`, {
        param: issue!.path.join('.'),
      });
    }
    const { checkpoint } = target;
    Object.assign(c.get('asked'), { task: route.task, checkpoint: checkpoint.id });
    try {
      const answered = await askForAnswer(await connect(), parsed.data, c.req.raw.signal);
      return c.json(completion(route.task, answered), 200, {
        'x-ratchet-task': encodeURIComponent(route.task),
        'x-ratchet-checkpoint': String(checkpoint.id),
        'x-ratchet-adapted': String(answered.adapted),
      });
    } catch (error) {
      if (error instanceof AnswerRefused) throw new GatewayError(400, error.message, { param: 'messages' });
      throw error;
    }
  };
}

function completion(
  task: string,
  { id, rationale, answer, ...facts }: Awaited<ReturnType<typeof askForAnswer>>,
) {
  return {
    id: `chatcmpl-${id}`,
    object: 'chat.completion',
    created: Math.floor(Date.now() / 1000),
    model: `${task}${SUFFIX}`,
    choices: [{ index: 0, message: { role: 'assistant', content: rationale ?? '' }, finish_reason: 'stop' }],
    /** What stands behind the answer: the vote, and whether the model adapted for it. */
    ratchet: { answer, ...facts },
  };
}
