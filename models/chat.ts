import type OpenAI from 'openai';
import { distinctChoices } from './choices.ts';
import type { Endpoint } from './endpoint.ts';

export type ChatRequest = {
  messages: { role: 'system' | 'user' | 'assistant'; content: string }[];
  maxTokens: number;
  temperature: number;
  topP?: number;
  n?: number;
  seed?: number;
  /** Fields beyond the common ones, e.g. `response_format` or a server's extensions. */
  extra?: Record<string, unknown>;
};

export type ChatChoice = { text: string; finishReason: string; completionTokens: number };

export type ChatReply = {
  choices: ChatChoice[];
  model: string;
  fingerprint: string | undefined;
  promptTokens: number;
  completionTokens: number;
  latencyMs: number;
  raw: OpenAI.ChatCompletion;
};

/**
 * One chat completion. A malformed answer is data: missing choices come back as an empty list, missing
 * content as empty text; only transport and API errors throw (as the client's own error classes).
 */
export async function chat(
  endpoint: Endpoint,
  request: ChatRequest,
  signal?: AbortSignal,
): Promise<ChatReply> {
  const began = performance.now();
  const raw = await endpoint.client.chat.completions.create(
    {
      model: endpoint.model,
      messages: request.messages,
      max_tokens: request.maxTokens,
      temperature: request.temperature,
      top_p: request.topP,
      n: request.n,
      seed: request.seed,
      stream: false,
      ...request.extra,
    },
    { signal },
  );
  const given = distinctChoices(Array.isArray(raw.choices) ? raw.choices : []);
  const texts = given.map((choice) =>
    typeof choice.message?.content === 'string' ? choice.message.content : '',
  );
  const completionTokens = raw.usage?.completion_tokens ?? 0;
  // The API counts tokens per request; with n choices they are apportioned by length.
  const characters = texts.reduce((sum, text) => sum + text.length, 0);
  return {
    choices: given.map((choice, i) => ({
      text: texts[i]!,
      finishReason: choice.finish_reason ?? 'unknown',
      completionTokens: Math.round(characters ? (completionTokens * texts[i]!.length) / characters : 0),
    })),
    model: raw.model,
    fingerprint: raw.system_fingerprint ?? undefined,
    promptTokens: raw.usage?.prompt_tokens ?? 0,
    completionTokens,
    latencyMs: Math.round(performance.now() - began),
    raw,
  };
}
