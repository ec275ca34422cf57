/**
 * Replies of a model, kept in a file by what was asked: what stands there is not asked again, after a `kill -9` as well. One line for
 * each reply, only ever added to; a line that was cut off counts for nothing.
 */
import { appendFileSync, closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { dirname } from 'node:path';
import { attempt } from '../../engine/attempts.ts';
import { extraKey } from '../../engine/cache.ts';
import { chat, type ChatRequest } from '../../models/chat.ts';
import type { Endpoint } from '../../models/endpoint.ts';
import { errorText, isRefusal } from '../../models/errors.ts';
import { limiterOf } from '../../models/limiter.ts';
import { digestOf } from '../../process/digest.ts';
import { makeFolder } from '../../process/folder.ts';
import { jsonLine, readJsonl } from '../../tasks/jsonl.ts';

export type Replies = {
  /** What the model replies, or why the endpoint refuses this one request. @throws as `chat`, once trying again did not help */
  ask(request: ChatRequest): Promise<{ text: string } | { refused: string }>;
  /** Since it was opened: requests that were made, the tokens of both sides, and replies that stood in the file. */
  spent: { requests: number; tokens: number; kept: number };
};

/** @throws InvalidInputError where the file can't be read */
export async function openReplies(file: string, endpoint: Endpoint, signal: AbortSignal): Promise<Replies> {
  const known = new Map<string, string>();
  if (existsSync(file))
    for await (const { value } of readJsonl('replies file', file))
      if (typeof value?.key === 'string' && typeof value.text === 'string') known.set(value.key, value.text);
  makeFolder(dirname(file));
  if (!endsWithLine(file)) appendFileSync(file, '\n');
  const spent = { requests: 0, tokens: 0, kept: 0 };
  const { baseURL, model } = endpoint;
  return {
    spent,
    async ask(request) {
      const key = digestOf(JSON.stringify([baseURL, model, request, ...extraKey(endpoint)]));
      const before = known.get(key);
      if (before !== undefined) {
        spent.kept += 1;
        return { text: before };
      }
      try {
        const reply = await attempt(() => chat(endpoint, request, signal), limiterOf(endpoint), signal);
        const text = reply.choices[0]?.text ?? '';
        spent.requests += reply.requests;
        spent.tokens += reply.promptTokens + reply.completionTokens;
        known.set(key, text);
        appendFileSync(file, `${jsonLine({ key, model, text })}\n`);
        return { text };
      } catch (error) {
        if (signal.aborted || !isRefusal(error)) throw error;
        return { refused: errorText(error) };
      }
    },
  };
}

/** Is there nothing that the next line would be added to? */
function endsWithLine(file: string): boolean {
  if (!existsSync(file)) return true;
  const open = openSync(file, 'r');
  try {
    const { size } = fstatSync(open);
    const last = Buffer.alloc(1);
    return size === 0 || (readSync(open, last, 0, 1, size - 1) === 1 && last[0] === 0x0a);
  } finally {
    closeSync(open);
  }
}
