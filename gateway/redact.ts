/**
 * Takes out of a text what should not be stored: what process/redact.ts knows, and whatever the user's own module takes out. A text that
 * the module fails on is not stored.
 */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { storableText } from '../db/storable.ts';
import { errorText } from '../models/errors.ts';
import { redactText, type RedactedKind } from '../process/redact.ts';

type RedactContext = {
  task: string;
  /** What the text is. */
  part: 'prompt' | 'answer' | 'feedback';
};

/** A user's own redaction, the export `redact` of a module. Null: this text must not be stored at all. */
export type RedactHook = (text: string, context: RedactContext) => string | null | Promise<string | null>;

type Redacted =
  /** `counts`: how often each kind was taken out. */
  { text: string; counts: Record<string, number> } | { refused: string };

export type Redact = (text: string, context: RedactContext) => Promise<Redacted>;

/** @throws Error when the module can't be loaded or has no function `redact` */
export async function loadHook(path: string): Promise<RedactHook> {
  const file = resolve(path);
  let loaded: Record<string, unknown>;
  try {
    loaded = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (error) {
    throw new Error(`The redaction module ${file} can't be loaded: ${errorText(error)}`);
  }
  if (typeof loaded.redact !== 'function')
    throw new Error(`The redaction module ${file} has no function \`redact\`: export one.`);
  return loaded.redact as RedactHook;
}

export function createRedact(kinds: readonly RedactedKind[], hook?: RedactHook): Redact {
  return async (given, context) => {
    const { text, counts } = redactText(storableText(given), kinds);
    if (!hook) return { text, counts };
    try {
      const own: unknown = await hook(text, context);
      if (own === null) return { refused: 'the redaction module refused it' };
      if (typeof own !== 'string') return { refused: 'the redaction module gave no text' };
      if (own !== text) counts.module = (counts.module ?? 0) + 1;
      return { text: own, counts };
    } catch {
      return { refused: 'the redaction module failed' };
    }
  };
}
