/** An OpenAI-compatible endpoint as a run's input names one. */
import { z } from 'zod';
import { HOLDS_PASSWORD, NO_VARIABLE, VARIABLE, WITH_PASSWORD } from './endpoint-text.ts';

/** What the loop itself sets in each request, so that samples are what it takes them for. */
const SET_BY_THE_LOOP = ['messages', 'model', 'n', 'seed', 'stream'];

/** Further fields of each chat request to a role's endpoint. */
const extraSchema = z
  .record(z.string().min(1), z.json())
  .superRefine((extra, context) => {
    for (const name of SET_BY_THE_LOOP) {
      if (name in extra)
        context.addIssue({ code: 'custom', path: [name], message: `"${name}" is set by the loop itself` });
    }
  })
  .describe(
    'further fields of each chat request, passed on as they are: chat_template_kwargs, reasoning_effort, top_k, …; ' +
      'not messages, model, n, seed or stream, which the loop sets',
  );

/** An OpenAI-compatible endpoint and the model behind it, for one role. */
export const endpointSchema = z.strictObject({
  baseURL: z
    .url({ protocol: /^https?$/, error: 'must be a URL that begins with http:// or https://' })
    .refine((url) => !WITH_PASSWORD.test(url), HOLDS_PASSWORD)
    .optional()
    .describe('OpenAI-compatible base URL ending in /v1; default: MODEL_BASE_URL'),
  model: z
    .string()
    .min(1)
    .optional()
    .describe("model name as the endpoint lists it; default: the task's own"),
  apiKeyEnv: z
    .string()
    .regex(VARIABLE, NO_VARIABLE)
    .optional()
    .describe('environment variable that holds the API key'),
  extra: extraSchema.optional(),
  replicas: z
    .array(
      z
        .url({ protocol: /^https?$/, error: 'must be a URL that begins with http:// or https://' })
        .refine((url) => !WITH_PASSWORD.test(url), HOLDS_PASSWORD),
    )
    .min(1)
    .max(64)
    .optional()
    .describe(
      'base URLs of the servers behind baseURL: adapters are loaded into each, and unloaded from each',
    ),
});
