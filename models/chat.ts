import { APIError } from 'openai';
import type OpenAI from 'openai';
import { adapterFields, forgetAdapters } from './adapters.ts';
import { distinctChoices, readChoice, type ReadChoice } from './choices.ts';
import type { Endpoint } from './endpoint.ts';
import { errorInBody, errorOfBody, NoCompletion } from './errors.ts';
import { bodyOf, refusedForm, unwelcome, type Body, type Form } from './forms.ts';
import { inSpan, traceHeaders } from './span.ts';
import { estimatePromptTokens, estimateTokens, tokenCount } from './tokens.ts';
import { ForeignBody } from './transport.ts';

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

/** `characters`: of all choices that came, those too that are left out. */
type Answer = { raw: OpenAI.ChatCompletion; choices: ReadChoice[]; characters: number; body: Body };

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
    const named = await adapterFields(endpoint, signal);
    const body = { ...bodyOf(request, endpoint, new Set(unwelcome(endpoint))), ...named };
    try {
      return await post(endpoint, body, signal);
    } catch (error) {
      forgetAdapters(endpoint);
      const form = refusedForm(error, body, endpoint);
      if (form === undefined || signal?.aborted) throw error;
      unwelcome(endpoint).add(form);
      onRefusedForm?.(form, error);
    }
  }
}

/** Bad answers of an endpoint that never gave a completion, after which it is held to be none. Calls come several at once. */
const BAD_ANSWERS = 6;

/** By endpoint and model: answers that were no completions, until the first that was one (then -Infinity). */
const badAnswers = new Map<string, number>();
const idOf = ({ baseURL, model }: Endpoint) => JSON.stringify([baseURL, model]);

function noCompletion(endpoint: Endpoint, message: string, cause?: Error): NoCompletion {
  const id = idOf(endpoint);
  const bad = (badAnswers.get(id) ?? 0) + 1;
  badAnswers.set(id, bad);
  return new NoCompletion({ message, cause, hopeless: bad >= BAD_ANSWERS });
}

async function post(endpoint: Endpoint, body: Body, signal: AbortSignal | undefined): Promise<Answer> {
  let received: { raw: OpenAI.ChatCompletion; headers: Headers };
  try {
    received = await send(endpoint, body, signal);
  } catch (error) {
    const { cause, message } = error as Error;
    throw cause instanceof ForeignBody ? noCompletion(endpoint, message, cause) : error;
  }
  const { raw, headers } = received;
  const answer = { raw, ...choicesOf(endpoint, raw, body, headers), body };
  badAnswers.set(idOf(endpoint), -Infinity);
  return answer;
}

function send(
  endpoint: Endpoint,
  body: Body,
  signal: AbortSignal | undefined,
): Promise<{ raw: OpenAI.ChatCompletion; headers: Headers }> {
  return inSpan('chat', endpoint, async (span) => {
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
}

function choicesOf(
  endpoint: Endpoint,
  raw: unknown,
  body: Body,
  headers: Headers,
): Pick<Answer, 'choices' | 'characters'> {
  // Typed as the API promises it; what came may be anything.
  const { choices: given, error } = (raw ?? {}) as { choices?: unknown; error?: unknown };
  if (!Array.isArray(given) || given.length === 0) {
    const failed = errorOfBody(raw);
    if (failed) throw errorInBody(failed, headers);
    const lacks = Array.isArray(given) ? 'an empty list of choices' : 'no list of choices';
    const start = (JSON.stringify(raw) ?? '').slice(0, 200);
    throw noCompletion(endpoint, `The answer has ${lacks}: ${start}`);
  }
  // Some routers put an empty choice beside the error.
  if (error && given.every((choice) => readChoice(choice).text === '')) throw errorInBody(error, headers);
  const wanted = typeof body.n === 'number' ? body.n : 1;
  const read = distinctChoices(given as ({ index?: number } | null)[], wanted).map(readChoice);
  const whole = read.filter(({ failed }) => failed === undefined);
  if (whole.length === 0) throw errorInBody(read[0]!.failed, headers);
  const characters = given.reduce((sum: number, one: unknown) => sum + readChoice(one).text.length, 0);
  return { choices: whole, characters };
}

function replyOf(answers: Answer[], request: ChatRequest, latencyMs: number): ChatReply {
  let estimated = false;
  const choices: ChatChoice[] = [];
  let [promptTokens, completionTokens] = [0, 0];
  for (const { raw, choices: own, characters, body } of answers) {
    const prompt = tokenCount(raw.usage?.prompt_tokens);
    const given = tokenCount(raw.usage?.completion_tokens);
    const guess = given === 0 && characters > 0;
    estimated ||= prompt === 0 || guess;
    promptTokens += prompt || estimatePromptTokens(body.messages);
    for (const { text, finishReason, refused } of own) {
      // The API counts tokens per request; with n choices they are apportioned by length. No text has none.
      const least = text === '' ? 0 : 1;
      const tokens = guess
        ? Math.min(estimateTokens(text), Math.max(1, request.maxTokens))
        : Math.max(least, Math.round(characters ? (given * text.length) / characters : 0));
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
