import { Agent } from 'undici';

/**
 * Node's fetch gives up after five minutes without headers, whatever time the client grants (RATCHET_REQUEST_TIMEOUT_MS): a slow
 * endpoint's answer would be paid for, lost, and asked for again. The client's limit is the only one.
 */
const patient = new Agent({ headersTimeout: 0, bodyTimeout: 0 });

/** Longest part of a body that is quoted in an error. */
const QUOTED_CHARACTERS = 200;

/** Longest part of an error's body that is read for what it says. */
const ERROR_CHARACTERS = 20_000;

/**
 * `fetch` that takes an answer for one only when it is whole: a 2xx whose body breaks off or is no JSON throws,
 * so that the client sees a broken connection (which may be tried again) and not a parser's SyntaxError or a
 * stream's TypeError (which look like bugs of ours). Every route used here answers JSON. A stream, which nobody asked
 * for, is an error that no second try mends. Errors of any server come in OpenAI's shape.
 */
export async function fetchJson(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  const response = await fetch(input, { ...init, dispatcher: patient } as RequestInit);
  if (response.status === 204 || (response.status >= 300 && response.status < 400)) return response;
  if (!response.ok) return inOneShape(response);
  const text = await response.text();
  try {
    JSON.parse(text);
  } catch {
    const start = text.slice(0, QUOTED_CHARACTERS).replaceAll(/\s+/g, ' ');
    if (/^\s*(data|event):/.test(text)) return unaskedStream();
    throw new Error(`status ${response.status} with a body that is no JSON: ${start || '(empty)'}`);
  }
  return answered(response, response.status, text);
}

function answered(response: Response, status: number, text: string): Response {
  const headers = new Headers(response.headers);
  // The text is decoded already, and its length in bytes is no longer the header's.
  for (const name of ['content-encoding', 'content-length']) headers.delete(name);
  headers.set('content-type', 'application/json');
  return new Response(text, { status, statusText: response.statusText, headers });
}

function unaskedStream(): Response {
  const message = 'The endpoint answers with a stream although "stream": false was asked for.';
  return new Response(JSON.stringify({ error: { message, type: 'unasked_stream' } }), {
    status: 501,
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
