/**
 * What comes back from the endpoint, on its way to the client: untouched but for the id (which feedback names) and the
 * fingerprint (which says which checkpoint answered). Streams go on line by line, as they come.
 */
import type { ReadableStreamDefaultReader } from 'node:stream/web';
import { parseKeepingDigits } from './json.ts';

/** What is kept of an answer while it passes by. */
export type Seen = {
  upstreamId?: string;
  fingerprint?: string;
  promptTokens?: number;
  completionTokens?: number;
  /** Text of each choice. */
  replies: string[];
};

export type Mark = { id: string; fingerprintOf(upstream: string | undefined): string };

const MOST_CHOICES = 1024;

function note(seen: Seen, body: Record<string, unknown>): void {
  if (typeof body.id === 'string') seen.upstreamId = body.id;
  if (typeof body.system_fingerprint === 'string') seen.fingerprint = body.system_fingerprint;
  const usage = body.usage as { prompt_tokens?: unknown; completion_tokens?: unknown } | null | undefined;
  if (typeof usage?.prompt_tokens === 'number') seen.promptTokens = Math.round(usage.prompt_tokens);
  if (typeof usage?.completion_tokens === 'number')
    seen.completionTokens = Math.round(usage.completion_tokens);
  if (!Array.isArray(body.choices)) return;
  for (const choice of body.choices as ({ index?: unknown; message?: unknown; delta?: unknown } | null)[]) {
    const index = typeof choice?.index === 'number' ? choice.index : 0;
    const said = (choice?.message ?? choice?.delta) as { content?: unknown } | null | undefined;
    if (!Number.isInteger(index) || index < 0 || index >= MOST_CHOICES) continue;
    const text = typeof said?.content === 'string' ? said.content : '';
    seen.replies[index] = (seen.replies[index] ?? '') + text;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function marked(body: Record<string, unknown>, seen: Seen, mark: Mark): string {
  note(seen, body);
  const fingerprint = mark.fingerprintOf(seen.fingerprint);
  return JSON.stringify({ ...body, id: mark.id, system_fingerprint: fingerprint });
}

/** The body of an answer that came at once; undefined: it is no completion. */
export function markBody(text: string, seen: Seen, mark: Mark): string | undefined {
  let body: unknown;
  try {
    body = parseKeepingDigits(text);
  } catch {
    return undefined;
  }
  return isObject(body) ? marked(body, seen, mark) : undefined;
}

/** One line of a stream. Events that are no JSON object pass as they are. */
function markLine(line: string, seen: Seen, mark: Mark): string {
  const found = /^data:\s*(\{.*\})\s*$/s.exec(line);
  if (!found) return line;
  try {
    const body = parseKeepingDigits(found[1]!);
    // An error in the middle of a stream has no id to mark.
    if (!isObject(body) || 'error' in body) return line;
    return `data: ${marked(body, seen, mark)}`;
  } catch {
    return line;
  }
}

/**
 * Passes a stream of events on, each line as soon as it is whole.
 *
 * @param hooks.piece something came
 * @param hooks.end called once, before the client sees the end; `whole`: it ended by itself
 */
export function markStream(
  body: ReadableStream<Uint8Array>,
  seen: Seen,
  mark: Mark,
  hooks: { piece(): void; end(whole: boolean): Promise<void>; abort(): void },
): ReadableStream<Uint8Array> {
  const reader = body.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  let rest = '';
  let ended: Promise<void> | undefined;
  const end = (whole: boolean) => (ended ??= hooks.end(whole));
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          for (;;) {
            const { done, value } = await reader.read();
            if (done) {
              rest += decoder.decode();
              if (rest) controller.enqueue(encoder.encode(markLine(rest, seen, mark)));
              await end(true);
              controller.close();
              return;
            }
            hooks.piece();
            const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
            rest = lines.pop()!;
            if (lines.length === 0) continue;
            controller.enqueue(
              encoder.encode(lines.map((line) => `${markLine(line, seen, mark)}\n`).join('')),
            );
            return;
          }
        } catch (error) {
          await end(false);
          controller.error(error);
        }
      },
      async cancel() {
        hooks.abort();
        await reader.cancel().catch(() => undefined);
        await end(false);
      },
    },
    { highWaterMark: 0 },
  );
}
