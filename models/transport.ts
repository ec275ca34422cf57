/** Longest part of a body that is quoted in an error. */
const QUOTED_CHARACTERS = 200;

/**
 * `fetch` that takes an answer for one only when it is whole: a 2xx whose body breaks off or is no JSON throws,
 * so that the client sees a broken connection (which may be tried again) and not a parser's SyntaxError or a
 * stream's TypeError (which look like bugs of ours). Every route used here answers JSON.
 */
export async function fetchJson(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  const response = await fetch(input, init);
  if (!response.ok || response.status === 204) return response;
  const text = await response.text();
  try {
    JSON.parse(text);
  } catch {
    const start = text.slice(0, QUOTED_CHARACTERS).replaceAll(/\s+/g, ' ');
    throw new Error(`status ${response.status} with a body that is no JSON: ${start || '(empty)'}`);
  }
  const { status, statusText } = response;
  const headers = new Headers(response.headers);
  // The text is decoded already, and its length in bytes is no longer the header's.
  for (const name of ['content-encoding', 'content-length']) headers.delete(name);
  headers.set('content-type', 'application/json');
  return new Response(text, { status, statusText, headers });
}
