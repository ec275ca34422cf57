import { dispatcherFor } from '../process/proxy.ts';

/** Longest part of a body that is quoted in an error. */
const QUOTED_CHARACTERS = 200;

/** Longest part of an error's body that is read for what it says. */
const ERROR_CHARACTERS = 20_000;

/** The body of a 2xx that is no JSON and no beginning of any: a page, most often. */
export class ForeignBody extends Error {}

/** Servers and proxies that moved say so a few times at most. */
const MAX_REDIRECTS = 5;

/**
 * `fetch` that takes an answer for one only when it is whole: a 2xx whose body breaks off or is no JSON throws,
 * so that the client sees a broken connection (which may be tried again) and not a parser's SyntaxError or a
 * stream's TypeError (which look like bugs of ours). Every route used here answers JSON. A stream, which nobody asked
 * for, is an error that no second try mends; so is a redirect that would turn the question into another. Errors of any
 * server come in OpenAI's shape.
 */
export async function fetchJson(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  const response = await follow(input, init);
  if (response.status === 204 || (response.status >= 300 && response.status < 400)) return response;
  if (!response.ok) return inOneShape(response);
  const text = await response.text();
  try {
    JSON.parse(text);
  } catch {
    if (isStream(response, text)) {
      const message = 'The endpoint answers with a stream although "stream": false was asked for.';
      return hopeless(501, message, 'unasked_stream');
    }
    const start = text.slice(0, QUOTED_CHARACTERS).replaceAll(/\s+/g, ' ');
    const what = `status ${response.status} with a body that is no JSON: ${start || '(empty)'}`;
    throw /^\s*[{[]/.test(text) ? new Error(what) : new ForeignBody(what);
  }
  return answered(response, response.status, text);
}

/**
 * A redirect on the same host and port that keeps method and body (a slash), or to its https, is followed. Any other is an answer:
 * after a 302 a POST becomes a GET, which some page answers, and a key goes to no host that nobody named.
 */
async function follow(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  const method = (init?.method ?? 'GET').toUpperCase();
  let url = input instanceof Request ? input.url : String(input);
  for (let hop = 0; ; hop++) {
    const options = { ...init, redirect: 'manual', dispatcher: dispatcherFor(url) } as RequestInit;
    const response = await fetch(hop === 0 ? input : url, options);
    const location = response.headers.get('location');
    if (response.status < 300 || response.status >= 400 || location === null) return response;
    const from = new URL(url);
    const target = URL.canParse(location, url) ? new URL(location, url) : undefined;
    const keeps = method === 'GET' || response.status === 307 || response.status === 308;
    const upgrade =
      from.protocol === 'http:' && target?.protocol === 'https:' && from.port === '' && target.port === '';
    const safe = target?.origin === from.origin || (upgrade && target.hostname === from.hostname);
    await response.body?.cancel();
    if (!target || !keeps || !safe || hop === MAX_REDIRECTS) {
      const where = target ? `${target.origin}${target.pathname}` : 'nowhere';
      return hopeless(
        421,
        `${from.origin} answers with a redirect (${response.status}) to ${where}.`,
        'redirect',
      );
    }
    url = target.href;
  }
}

/** Server-sent events, or one JSON object a line. */
function isStream(response: Response, text: string): boolean {
  if (/event-stream|ndjson/.test(response.headers.get('content-type') ?? '')) return true;
  if (/^\s*(?:(?:data|event|id|retry):|: )/.test(text)) return true;
  const [first = '', ...others] = text.split('\n', 3);
  try {
    return others.some((line) => line.trim().startsWith('{')) && Boolean(JSON.parse(first));
  } catch {
    return false;
  }
}

function answered(response: Response, status: number, text: string): Response {
  const headers = new Headers(response.headers);
  // The text is decoded already, and its length in bytes is no longer the header's.
  for (const name of ['content-encoding', 'content-length']) headers.delete(name);
  headers.set('content-type', 'application/json');
  return new Response(text, { status, statusText: response.statusText, headers });
}

/** An error that no second try mends. */
function hopeless(status: number, message: string, type: string): Response {
  return new Response(JSON.stringify({ error: { message, type } }), {
    status,
    headers: { 'content-type': 'application/json', 'x-should-retry': 'false' },
  });
}

/**
 * The client reads `{"error": {"message", "param", "code"}}`. FastAPI says `{"detail": …}`, older vLLM `{"message", "param"}` at
 * the top, others `{"error": "…"}`: what they say would be lost, the field that they refuse among it.
 */
async function inOneShape(response: Response): Promise<Response> {
  const text = (await response.text().catch(() => '')).slice(0, ERROR_CHARACTERS);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return answered(
      response,
      response.status,
      JSON.stringify({
        error: { message: text.replaceAll(/\s+/g, ' ').trim().slice(0, 500) || response.statusText },
      }),
    );
  }
  const given = Array.isArray(body) ? { detail: body } : (body as Record<string, unknown> | null);
  if (typeof given !== 'object' || given === null) return answered(response, response.status, text);
  const { error, detail, message, param, code, type } = given;
  if (typeof error === 'object' && error !== null && 'message' in error)
    return answered(response, response.status, text);
  const said =
    typeof error === 'string'
      ? { message: error, param, code, type }
      : typeof message === 'string'
        ? { message, param, code, type }
        : detail === undefined
          ? undefined
          : ofDetail(detail);
  return answered(response, response.status, said ? JSON.stringify({ error: said }) : text);
}

/** FastAPI's and pydantic's `[{"loc": ["body", "n"], "msg": "…", "type": "extra_forbidden"}]`. */
function ofDetail(detail: unknown): { message: string; param?: string; code?: string } {
  const [first] = Array.isArray(detail) ? (detail as { loc?: unknown; msg?: unknown; type?: unknown }[]) : [];
  if (typeof first !== 'object' || typeof first.msg !== 'string')
    return { message: typeof detail === 'string' ? detail : JSON.stringify(detail) };
  const place = Array.isArray(first.loc) ? first.loc.filter((part) => part !== 'body').join('.') : '';
  return {
    message: place === '' ? first.msg : `'${place}': ${first.msg}`,
    ...(place === '' ? {} : { param: place }),
    ...(typeof first.type === 'string' ? { code: first.type } : {}),
  };
}
