import { APIConnectionError, APIError } from 'openai';
import type OpenAI from 'openai';
import { distinctChoices, readChoice, type ReadChoice } from './choices.ts';
import type { Endpoint } from './endpoint.ts';
import { errorInBody } from './errors.ts';
import { bodyOf, refusedForm, unwelcome, type Body, type Form } from './forms.ts';
import { inSpan, traceHeaders } from './span.ts';
import { estimatePromptTokens, estimateTokens, tokenCount } from './tokens.ts';

export type ChatMessage = { role: 'system' | 'user' | 'assistant'; content: string };

export type ChatRequest = {
  messages: ChatMessage[];
  maxTokens: number;
  temperature: number;
  topP?: number;
  n?: number;
  seed?: number;
  /** Fields beyond the common ones, e.g. `response_format` or a server's extensions. */
  extra?: Record<string, unknown>;
};

/** `text`: thinking and answer as the model wrote them; `refused`: why there is no answer, in the endpoint's words. */
export type ChatChoice = { text: string; finishReason: string; completionTokens: number; refused?: string };

export type ChatReply = {
  choices: ChatChoice[];
  model: string;
  fingerprint: string | undefined;
  promptTokens: number;
  completionTokens: number;
  /** The endpoint gave no count of some tokens: they are our own estimate, rather too many. */
  estimated: boolean;
  /** Requests that were answered: more than one where the endpoint gives samples one by one. */
  requests: number;
  latencyMs: number;
  raw: OpenAI.ChatCompletion;
};

/** Told of each form that the endpoint refused, before the request is made again without it. */
export type OnRefusedForm = (form: Form, error: unknown) => void;

type Answer = { raw: OpenAI.ChatCompletion; choices: ReadChoice[]; body: Body };

/**
 * One chat completion, in the plainest form that the endpoint asks for (models/forms.ts). Samples that an endpoint gives
 * only one by one are asked for so, each under its own seed; fewer than asked for come back where a later one failed.
 *
 * A malformed answer is data: missing content is empty text. Only faults of transport and API errors throw (as the
 * client's own error classes): a body without choices is one (whatever answered was no model), so is an error in a body
 * of status 200, and a choice that failed on its way. Of several choices those that failed are left out.
 */
export async function chat(
  endpoint: Endpoint,
  request: ChatRequest,
  signal?: AbortSignal,
  onRefusedForm?: OnRefusedForm,
): Promise<ChatReply> {
  const began = performance.now();
  const wanted = request.n ?? 1;
  const without = unwelcome(endpoint);
  const answers: Answer[] = [];
  for (let place = 0; place < wanted;) {
    const rest = wanted - place;
    const seed = request.seed === undefined ? undefined : request.seed + place;
    let answer: Answer;
    try {
      const part = place === 0 ? request : { ...request, n: rest, seed };
      answer = await ask(endpoint, part, signal, onRefusedForm);
    } catch (error) {
      // What came is paid for; whoever wants more asks again.
      if (place > 0 && error instanceof APIError && !signal?.aborted) break;
      throw error;
    }
    answers.push(answer);
    place += answer.choices.length;
    const sent = answer.body.n ?? 1;
    if (typeof sent === 'number' && sent > 1) {
      if (answer.raw.choices.length > 1) break;
      without.add('n');
    }
  }
  return replyOf(answers, request, Math.round(performance.now() - began));
}

/** Asks once, and again for each form that is refused. Each time there is one form less, so it ends. */
async function ask(
  endpoint: Endpoint,
  request: ChatRequest,
  signal: AbortSignal | undefined,
  onRefusedForm: OnRefusedForm | undefined,
): Promise<Answer> {
  for (;;) {
    // Others may learn meanwhile: what was refused is told by what was sent.
    const body = bodyOf(request, endpoint, new Set(unwelcome(endpoint)));
    try {
      return await post(endpoint, body, signal);
    } catch (error) {
      const form = refusedForm(error, body, endpoint);
      if (form === undefined || signal?.aborted) throw error;
      unwelcome(endpoint).add(form);
      onRefusedForm?.(form, error);
    }
  }
}

async function post(endpoint: Endpoint, body: Body, signal: AbortSignal | undefined): Promise<Answer> {
  const { raw, headers } = await inSpan('chat', endpoint, async (span) => {
    const { data, response } = await endpoint.client.chat.completions
      .create(body as unknown as OpenAI.ChatCompletionCreateParamsNonStreaming, {
        signal,
        headers: traceHeaders(),
      })
      .withResponse();
    span.setAttributes({
      'gen_ai.usage.input_tokens': tokenCount(data?.usage?.prompt_tokens),
      'gen_ai.usage.output_tokens': tokenCount(data?.usage?.completion_tokens),
    });
    return { raw: data, headers: response.headers };
  });
  return { raw, choices: choicesOf(raw, body, headers), body };
}

function choicesOf(raw: unknown, body: Body, headers: Headers): ReadChoice[] {
  // Typed as the API promises it; what came may be anything.
  const { choices: given, error } = (raw ?? {}) as { choices?: unknown; error?: unknown };
  if (!Array.isArray(given) || given.length === 0) {
    if (error) throw errorInBody(error, headers);
    const lacks = Array.isArray(given) ? 'an empty list of choices' : 'no list of choices';
    const start = (JSON.stringify(raw) ?? '').slice(0, 200);
    throw new APIConnectionError({ message: `The answer has ${lacks}: ${start}` });
  }
  const wanted = typeof body.n === 'number' ? body.n : 1;
  const read = distinctChoices(given as ({ index?: number } | null)[], wanted).map(readChoice);
  const whole = read.filter(({ failed }) => failed === undefined);
  if (whole.length === 0) throw errorInBody(read[0]!.failed, headers);
  return whole;
}

function replyOf(answers: Answer[], request: ChatRequest, latencyMs: number): ChatReply {
  let estimated = false;
  const choices: ChatChoice[] = [];
  let [promptTokens, completionTokens] = [0, 0];
  for (const { raw, choices: own, body } of answers) {
    const prompt = tokenCount(raw.usage?.prompt_tokens);
    const given = tokenCount(raw.usage?.completion_tokens);
    const characters = own.reduce((sum, { text }) => sum + text.length, 0);
    const guess = given === 0 && characters > 0;
    estimated ||= prompt === 0 || guess;
    promptTokens += prompt || estimatePromptTokens(body.messages);
    for (const { text, finishReason, refused } of own) {
      // The API counts tokens per request; with n choices they are apportioned by length.
      const tokens = guess
        ? Math.min(estimateTokens(text), Math.max(1, request.maxTokens))
        : Math.round(characters ? (given * text.length) / characters : 0);
      if (guess) completionTokens += tokens;
      choices.push({ text, finishReason, completionTokens: tokens, ...(refused ? { refused } : {}) });
    }
    completionTokens += given;
  }
  const [first] = answers;
  return {
    choices,
    model: first!.raw.model,
    fingerprint: first!.raw.system_fingerprint ?? undefined,
    promptTokens,
    completionTokens,
    estimated,
    requests: answers.length,
    latencyMs,
    raw: first!.raw,
  };
}
