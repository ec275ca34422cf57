import { APIConnectionError } from 'openai';
import type OpenAI from 'openai';
import { distinctChoices } from './choices.ts';
import type { Endpoint } from './endpoint.ts';
import { inSpan, traceHeaders } from './span.ts';

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
 * One chat completion. A malformed answer is data: a list of no choices comes back as one, missing content as
 * empty text. Only transport and API errors throw (as the client's own error classes), and a body without a
 * list of choices is one of transport: whatever answered was no model.
 */
export async function chat(
  endpoint: Endpoint,
  request: ChatRequest,
  signal?: AbortSignal,
): Promise<ChatReply> {
  const began = performance.now();
  const raw = await inSpan('chat', endpoint, async (span) => {
    const completion = await endpoint.client.chat.completions.create(
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
      { signal, headers: traceHeaders() },
    );
    span.setAttributes({
      'gen_ai.usage.input_tokens': tokenCount(completion?.usage?.prompt_tokens),
      'gen_ai.usage.output_tokens': tokenCount(completion?.usage?.completion_tokens),
    });
    return completion;
  });
  // Typed as the API promises it; what came may be anything.
  const choices = (raw as Partial<OpenAI.ChatCompletion> | null)?.choices as
    | (Partial<OpenAI.ChatCompletion.Choice> | null)[]
    | undefined;
  if (!Array.isArray(choices)) {
    const start = JSON.stringify(raw).slice(0, 200);
    throw new APIConnectionError({ message: `The answer has no list of choices: ${start}` });
  }
  const given = distinctChoices(choices);
  const texts = given.map((choice) => {
    const content: unknown = choice?.message?.content;
    return typeof content === 'string' ? content : '';
  });
  const completionTokens = tokenCount(raw.usage?.completion_tokens);
  // The API counts tokens per request; with n choices they are apportioned by length.
  const characters = texts.reduce((sum, text) => sum + text.length, 0);
  return {
    choices: given.map((choice, i) => ({
      text: texts[i]!,
      finishReason: choice?.finish_reason ?? 'unknown',
      completionTokens: Math.round(characters ? (completionTokens * texts[i]!.length) / characters : 0),
    })),
    model: raw.model,
    fingerprint: raw.system_fingerprint ?? undefined,
    promptTokens: tokenCount(raw.usage?.prompt_tokens),
    completionTokens,
    latencyMs: Math.round(performance.now() - began),
    raw,
  };
}

function tokenCount(given: unknown): number {
  return typeof given === 'number' && Number.isFinite(given) && given > 0 ? Math.round(given) : 0;
}
