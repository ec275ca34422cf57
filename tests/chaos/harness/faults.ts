/** What an endpoint can do wrong, over real HTTP. */
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

export const ANSWER_FAULTS = [
  '429 with Retry-After',
  '429 without Retry-After',
  '500',
  'hang',
  'cut connection',
  'truncated body',
  'malformed body',
  'more choices than asked for',
  'the same choice twice',
] as const;

export type AnswerFault = (typeof ANSWER_FAULTS)[number];

export type Fault =
  /** The completions of these ordinals (1: the run's first) go wrong. */
  | { kind: AnswerFault; at: number[] }
  /** Every completion from this ordinal on is refused until the fault is taken away. */
  | { kind: 'insufficient_quota'; from: number }
  /** The model is unknown, with `reload` until it is loaded with /v1/load_lora_adapter. */
  | { kind: 'evicted'; model: string; reload: boolean };

/** A client that is not told how long to wait must not be left waiting for ever. */
const HANG_MS = 15_000;

export function refuse(
  response: ServerResponse,
  status: number,
  message: string,
  code: string | null = null,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify({ error: { message, type: 'error', param: null, code } }));
}

type Choice = { index: number };

/** Changes the text that the response is ended with. */
function rewrite(response: ServerResponse, change: (text: string) => string): void {
  const end = response.end.bind(response);
  response.end = ((text: string) => end(change(text))) as ServerResponse['end'];
}

const withChoices = (change: (choices: Choice[]) => Choice[]) => (text: string) => {
  const body = JSON.parse(text) as { choices: Choice[] };
  return JSON.stringify({ ...body, choices: change(body.choices) });
};

const half = (text: string) => text.slice(0, Math.ceil(text.length / 2));

/** Does the fault to this response; false when the true answer is still to be given (and will be spoilt). */
export async function inject(kind: AnswerFault, response: ServerResponse): Promise<boolean> {
  switch (kind) {
    case '429 with Retry-After':
      refuse(response, 429, 'Rate limit reached', 'rate_limit_exceeded', { 'retry-after': '2' });
      return true;
    case '429 without Retry-After':
      refuse(response, 429, 'Rate limit reached', 'rate_limit_exceeded');
      return true;
    case '500':
      refuse(response, 500, 'The server had an error');
      return true;
    case 'hang':
      await sleep(HANG_MS);
      response.destroy();
      return true;
    case 'cut connection':
      response.destroy();
      return true;
    case 'truncated body': {
      const end = response.end.bind(response);
      response.end = ((text: string) =>
        response.write(half(text), () => {
          response.destroy();
          end();
        })) as unknown as ServerResponse['end'];
      return false;
    }
    case 'malformed body':
      rewrite(response, half);
      return false;
    case 'more choices than asked for':
      rewrite(
        response,
        withChoices((choices) => [...choices, { ...choices[0]!, index: choices.length }]),
      );
      return false;
    case 'the same choice twice':
      rewrite(
        response,
        withChoices((choices) => [choices[0]!, ...choices]),
      );
      return false;
  }
}
