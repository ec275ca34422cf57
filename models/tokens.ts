/** Counts of tokens, for endpoints that give none. */

/**
 * About how many tokens a text has, rather too many: no tokenizer in use takes more for ordinary text. A token per digit
 * and mark, per three letters of a word, per line break, and two per character that is no ASCII.
 */
export function estimateTokens(text: string): number {
  let tokens = 0;
  for (const [part] of text.matchAll(/[A-Za-z]+|\n+|[ \t\r]+|[\0-\x7f]|[^\0-\x7f]/gu)) {
    const first = part.charCodeAt(0);
    if (/[A-Za-z]/.test(part[0]!)) tokens += Math.ceil(part.length / 3);
    else if (first > 0x7f) tokens += 2;
    // A single blank belongs to the word behind it.
    else if (part[0] === ' ' || part[0] === '\t' || part[0] === '\r')
      tokens += Math.ceil((part.length - 1) / 4);
    else tokens += 1;
  }
  return tokens;
}

/** Tokens that a chat template puts around a message, at most. */
const PER_MESSAGE = 8;

export function estimatePromptTokens(messages: readonly { content: string }[]): number {
  return messages.reduce((sum, { content }) => sum + PER_MESSAGE + estimateTokens(content), PER_MESSAGE);
}

/** A count as an endpoint gave it; 0 where it is none. */
export function tokenCount(given: unknown): number {
  return typeof given === 'number' && Number.isFinite(given) && given > 0 ? Math.round(given) : 0;
}
