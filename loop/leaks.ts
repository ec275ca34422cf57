/**
 * Is a text one of the held-out problems? Exactly: the same problem by the task's key, or the same text but
 * for case, spacing, punctuation, width of characters and the way numbers are written. Nearly: most pairs of
 * neighbouring words are shared. That is the near-duplicate of Lee et al. 2022 (arXiv 2107.06499), with their threshold of
 * 0.8 and pairs instead of runs of five, since one edited word touches five runs and a problem has thirty. Of 1,800
 * GSM8K questions none is that near to one of 1,200 others; the nearest, 0.63, ask for another quantity.
 *
 * Covers copies and light edits. Does not cover a paraphrase in other words, a translation, or the same text with
 * many other numbers, which is another problem.
 */
import { createBandIndex, estimate, jaccard, shingles, signatureOf, type Signature } from './minhash.ts';

export type HeldOut = { key: string; text: string; benchmark: string };

type Leak = {
  kind: 'exact' | 'near';
  /** Jaccard similarity of the pairs of neighbouring words; 1 where the hit is exact. */
  similarity: number;
  heldOut: HeldOut;
};

export type LeakIndex = {
  find(prompt: { key?: string; text: string }): Leak | undefined;
  add(item: HeldOut): void;
};

const SHINGLE_WORDS = 2;

/** Shorter texts have too few pairs: one that shares all but two may be quite another problem. */
const LEAST_TOKENS = 10;

/** Estimates this far below the threshold are not compared in full: three and a half standard errors. */
const SLACK = 0.15;

/**
 * A text as words, numbers and the signs of arithmetic. `1,000`, `1000.0` and `01000` are one number; `345+678` keeps its
 * sign, since 345-678 is another problem.
 */
export function tokensOf(text: string): string[] {
  const plain = text
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/['’ʼ]/g, '')
    .replaceAll(/[−–—]/g, '-')
    .replaceAll('×', '*')
    .replaceAll('÷', '/')
    .replaceAll(/\d{1,3}(?:,\d{3})+(?![\d,])/g, (digits) => digits.replaceAll(',', ''));
  const tokens = plain.match(/\d+(?:\.\d+)?|\.\d+|[\p{L}\p{M}]+|[+*/^=<>%]|-(?=\s*(?:\.?\d|\())/gu) ?? [];
  return tokens.map((token) => (/\d/.test(token) ? plainNumber(token) : token));
}

function plainNumber(digits: string): string {
  const [whole = '', fraction = ''] = digits.split('.');
  const decimals = fraction.replace(/0+$/, '');
  return (whole.replace(/^0+/, '') || '0') + (decimals && `.${decimals}`);
}

/** Equal for texts that differ in case, spacing, punctuation and the way numbers are written only. */
export function normalised(text: string): string {
  const tokens = tokensOf(text);
  // A text of other signs alone has no tokens; it is its own form.
  return tokens.length > 0 ? tokens.join(' ') : text.normalize('NFKC').trim();
}

type Entry = { heldOut: HeldOut; pairs: Set<string>; signature: Signature };

/**
 * Holds the held-out problems alone, so that any number of prompts can be put to it one by one.
 *
 * @param similarity least Jaccard similarity of a near hit
 */
export function createLeakIndex(items: Iterable<HeldOut>, similarity: number): LeakIndex {
  const byKey = new Map<string, HeldOut>();
  const byText = new Map<string, HeldOut>();
  const entries: Entry[] = [];
  const bands = createBandIndex();

  function add(heldOut: HeldOut): void {
    byKey.set(heldOut.key, heldOut);
    byText.set(normalised(heldOut.text), heldOut);
    const tokens = tokensOf(heldOut.text);
    if (tokens.length < LEAST_TOKENS) return;
    const pairs = shingles(tokens, SHINGLE_WORDS);
    const signature = signatureOf(pairs);
    bands.add(entries.length, signature);
    entries.push({ heldOut, pairs, signature });
  }
  for (const item of items) add(item);

  function nearest(text: string): Leak | undefined {
    const tokens = tokensOf(text);
    if (tokens.length < LEAST_TOKENS || entries.length === 0) return undefined;
    const pairs = shingles(tokens, SHINGLE_WORDS);
    const signature = signatureOf(pairs);
    let best: Leak | undefined;
    for (const id of bands.candidates(signature)) {
      const entry = entries[id]!;
      if (estimate(signature, entry.signature) < similarity - SLACK) continue;
      const found = jaccard(pairs, entry.pairs);
      if (found >= similarity && found > (best?.similarity ?? 0))
        best = { kind: 'near', similarity: found, heldOut: entry.heldOut };
    }
    return best;
  }

  return {
    add,
    find({ key, text }) {
      const exact = (key === undefined ? undefined : byKey.get(key)) ?? byText.get(normalised(text));
      return exact ? { kind: 'exact', similarity: 1, heldOut: exact } : nearest(text);
    },
  };
}
