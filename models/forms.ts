/**
 * The forms that a request can take. The usual one has all fields; where an endpoint refuses a field by name, the
 * request is made again in the next plainer form, and later ones to the same endpoint and model begin there. Learnt
 * once per process: each form costs the calls that were in flight when it was refused, and those cost no tokens.
 *
 * Only a refusal that names the field counts, and only of a field that the loop itself set: what a user set in
 * `models.ROLE.extra` is sent or the call fails. A value out of range is no refusal of the field.
 */
import { APIError } from 'openai';
import type { ChatMessage, ChatRequest } from './chat.ts';
import type { Endpoint } from './endpoint.ts';

const FORMS = [
  'json_schema',
  'json_object',
  'n',
  'seed',
  'logprobs',
  'top_p',
  'temperature',
  'max_tokens',
  'system',
] as const;
/** What an endpoint does not take, named for the field or, of `response_format`, for its type. */
export type Form = (typeof FORMS)[number];

/** What is done in place of what was refused. */
export const INSTEAD: Record<Form, string> = {
  json_schema: 'the schema is told in the prompt, with response_format json_object',
  json_object: 'the schema is told in the prompt alone',
  n: 'samples are asked for one by one',
  seed: 'requests go without seed, so that draws can’t be repeated',
  logprobs: 'requests go without logprobs',
  top_p: 'requests go without top_p',
  temperature: 'requests go without temperature, at the model’s own',
  max_tokens: 'max_completion_tokens is sent',
  system: 'the system message stands at the head of the first user message',
};

export type Body = Record<string, unknown> & { messages: ChatMessage[] };

const known = new Map<string, Set<Form>>();

/** What the endpoint is known not to take for this model. It grows as it is learnt. */
export function unwelcome({ baseURL, model }: Pick<Endpoint, 'baseURL' | 'model'>): Set<Form> {
  const id = JSON.stringify([baseURL, model]);
  const found = known.get(id) ?? new Set<Form>();
  known.set(id, found);
  return found;
}

/** The request as it is sent to an endpoint that does not take `without`. */
export function bodyOf(request: ChatRequest, endpoint: Endpoint, without: ReadonlySet<Form>): Body {
  const { response_format: format, ...asked } = request.extra ?? {};
  const extra = endpoint.extra ?? {};
  const takes = (form: Form) => !without.has(form);
  const told = extra.response_format === undefined && format !== undefined && !takes('json_schema');
  const shaped =
    format === undefined || takes('json_schema')
      ? format
      : takes('json_object')
        ? { type: 'json_object' }
        : undefined;
  const messages = told ? withSchema(request.messages, format) : request.messages;
  const body: Body = {
    messages: takes('system') ? messages : folded(messages),
    model: endpoint.model,
    [takes('max_tokens') ? 'max_tokens' : 'max_completion_tokens']: request.maxTokens,
    temperature: takes('temperature') ? request.temperature : undefined,
    top_p: takes('top_p') ? request.topP : undefined,
    n: takes('n') ? request.n : undefined,
    seed: takes('seed') ? request.seed : undefined,
    stream: false,
    ...asked,
    ...(shaped === undefined ? {} : { response_format: shaped }),
  };
  if (!takes('logprobs')) for (const name of ['logprobs', 'top_logprobs']) delete body[name];
  // One limit only: a user's own takes the place of ours under either name.
  if (extra.max_tokens !== undefined || extra.max_completion_tokens !== undefined) {
    delete body.max_tokens;
    delete body.max_completion_tokens;
  }
  return { ...body, ...extra };
}

/** A schema in words, at the end: the last word is ours. */
function withSchema(messages: readonly ChatMessage[], format: unknown): ChatMessage[] {
  const { json_schema: given } = format as { json_schema?: { schema?: unknown } };
  const follows =
    given?.schema === undefined ? '' : ` that follows this JSON schema: ${JSON.stringify(given.schema)}`;
  const last = messages.findLastIndex(({ role }) => role === 'user');
  return messages.map((message, i) =>
    i === last
      ? {
          ...message,
          content: `${message.content}\n\nAnswer with one JSON object and nothing else${follows}`,
        }
      : message,
  );
}

/** System messages at the head of the first user message, for templates that know no such role. */
export function folded(messages: readonly ChatMessage[]): ChatMessage[] {
  const system = messages.filter(({ role }) => role === 'system').map(({ content }) => content);
  if (system.length === 0) return [...messages];
  const others = messages.filter(({ role }) => role !== 'system');
  const first = others.findIndex(({ role }) => role === 'user');
  if (first === -1) return [{ role: 'user', content: system.join('\n\n') }, ...others];
  return others.map((message, i) =>
    i === first ? { ...message, content: [...system, message.content].join('\n\n') } : message,
  );
}

type Refusal = { param: string; text: string };

/** `messages[0].role`, and as pydantic has it: `messages.0.role`. */
const FIRST_ROLE = /\bmessages(?:\[0\]|\.0)\.role\b/;

const UNSUPPORTED =
  /\bun(?:supported|known|recogni[sz]ed|expected)|\bnot (?:yet |currently )?(?:be )?(?:supported|allowed|permitted|possible|available|implemented|recogni[sz]ed|accepted|enabled|defined)|(?:\bdo(?:es)?|\bcan) ?(?:n['’]t|not) (?:support|accept|allow|take|handle)|\bextra[_ ](?:inputs?|fields?|keys?|forbidden)|\bcannot both\b|\bno longer\b|\bdeprecated\b|\bdisabled\b/i;
const ODD_VALUE = /\binvalid\b|\b(?:must|should) be\b|\bexpected\b|\bone of\b/i;
const ONE_CHOICE =
  /\b(?:at most|only|exactly|equal to|be) (?:1|one|a single)\b|[≤<]=? ?1\b|\bn ?(?:>|!=|≠) ?1\b|\bmultiple (?:choices|completions|candidates)\b/i;
/** A limit that was passed says nothing against the field. */
const TOO_MUCH =
  /\bcontext (?:length|window|size)\b|\btoo (?:long|large|many|big|high)\b|\bexceed|\bmaximum\b/i;

/** Is a field named, as `field`, 'field.part' or by the error's `param`? */
function names({ param, text }: Refusal, field: string): boolean {
  if (param === field || param.startsWith(`${field}.`) || param.startsWith(`${field}[`)) return true;
  // A single letter is a name in quotes only, or where something is compared with it.
  const found =
    field.length > 1
      ? `(?<![\\w-])${field}(?![\\w-])`
      : `["'\`‘“]${field}["'\`’”]|\\b${field} ?(?:[=<>≤]|!=|(?:is|must|should|parameter)\\b)|\\bparameter:? ${field}\\b`;
  return new RegExp(found).test(text);
}

const says = (refusal: Refusal, ...patterns: RegExp[]) =>
  patterns.some((pattern) => pattern.test(refusal.text));

const refusesSystem = (refusal: Refusal) =>
  (says(
    refusal,
    /\b(?:system|developer)['"’]?[ -](?:role|message|prompt|instruction)|\brole:? ['"`‘]?system\b|['"`]system['"`]/i,
  ) &&
    says(refusal, UNSUPPORTED, ODD_VALUE)) ||
  // The first message's role is named, and with one there it is the system's.
  (FIRST_ROLE.test(`${refusal.param} ${refusal.text}`) && says(refusal, UNSUPPORTED, ODD_VALUE)) ||
  says(
    refusal,
    /\broles must alternate\b|\bonly user(?: and |, |\/)(?:assistant|model)\b.*\broles\b|\bfirst message must be (?:from |of )?(?:the |a )?['"`]?user\b/i,
  );

const formatType = (body: Body) => (body.response_format as { type?: unknown } | undefined)?.type;
const refusesFormat = (refusal: Refusal) =>
  (names(refusal, 'response_format') ||
    says(refusal, /\bjson[_ ](?:schema|object|mode)\b|\bstructured outputs?\b/i)) &&
  says(refusal, UNSUPPORTED, ODD_VALUE);
const plainly = (field: string) => (refusal: Refusal) => names(refusal, field) && says(refusal, UNSUPPORTED);

/** By form: is it in the request, and is this a refusal of it? In the order in which they are given up. */
const REFUSALS: Record<Form, { used(body: Body): boolean; refused(refusal: Refusal): boolean }> = {
  json_schema: { used: (body) => formatType(body) === 'json_schema', refused: refusesFormat },
  json_object: { used: (body) => formatType(body) === 'json_object', refused: refusesFormat },
  n: {
    used: ({ n }) => typeof n === 'number',
    refused: (refusal) =>
      (names(refusal, 'n') && says(refusal, UNSUPPORTED, ONE_CHOICE)) ||
      says(
        refusal,
        /\bonly one (?:completion|choice|candidate)\b|\bmultiple (?:completions|choices) (?:are|is) not\b/i,
      ),
  },
  seed: { used: ({ seed }) => seed !== undefined, refused: plainly('seed') },
  logprobs: {
    used: ({ logprobs, top_logprobs: top }) => logprobs !== undefined || top !== undefined,
    refused: (refusal) => ['logprobs', 'top_logprobs'].some((field) => plainly(field)(refusal)),
  },
  top_p: { used: ({ top_p: topP }) => topP !== undefined, refused: plainly('top_p') },
  temperature: { used: ({ temperature }) => temperature !== undefined, refused: plainly('temperature') },
  max_tokens: {
    used: (body) => body.max_tokens !== undefined,
    refused: (refusal) =>
      plainly('max_tokens')(refusal) &&
      (!says(refusal, TOO_MUCH) || /use\W+max_completion_tokens/i.test(refusal.text)),
  },
  system: {
    used: ({ messages }) => messages.some(({ role }) => role === 'system'),
    refused: (refusal) => !says(refusal, TOO_MUCH) && refusesSystem(refusal),
  },
};

/** Statuses of a refusal. 501: llama.cpp; 500 where a chat template raised. */
const isRefusing = ({ status, message }: APIError): boolean =>
  status === 400 ||
  status === 422 ||
  status === 501 ||
  (status === 500 && /\bjinja\b|chat template|\bTemplateError\b/i.test(message));

/**
 * The form that an error refuses, of those that the body has and the user did not set; undefined where it names none.
 */
export function refusedForm(error: unknown, body: Body, endpoint: Endpoint): Form | undefined {
  if (!(error instanceof APIError) || !isRefusing(error)) return undefined;
  const { param, code, message } = error;
  const refusal = {
    param: typeof param === 'string' ? param : '',
    text: `${typeof code === 'string' ? code : ''} ${message}`,
  };
  const own = endpoint.extra ?? {};
  return FORMS.find((form) => {
    const field = form === 'json_schema' || form === 'json_object' ? 'response_format' : form;
    return own[field] === undefined && REFUSALS[form].used(body) && REFUSALS[form].refused(refusal);
  });
}
