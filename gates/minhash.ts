/**
 * Likeness of texts by MinHash (Broder 1997, "On the resemblance and containment of documents"): the share of equal
 * places of two signatures estimates the Jaccard likeness of the texts' word shingles, within about
 * 1/√hashes. Pure integer arithmetic: the same on every machine.
 */

export type MinHashOptions = {
  /** Words per shingle. */
  shingle?: number;
  /** Places of a signature. */
  hashes?: number;
  seed?: number;
};

/** Longer texts are compared by their beginning. */
const MAX_LENGTH = 50_000;
const WORD = /[\p{L}\p{N}]+|[^\s\p{L}\p{N}]/gu;

/** The signature of a text; case and spacing don't count. */
export function signature(text: string, options: MinHashOptions = {}): Uint32Array {
  const { shingle = 4, hashes = 64, seed = 1 } = options;
  const words = (text.slice(0, MAX_LENGTH).toLowerCase().match(WORD) ?? []).map(hashText);
  const places = new Uint32Array(hashes).fill(0xffffffff);
  const salts = saltsOf(hashes, seed);
  const seen = new Set<number>();
  const last = words.length === 0 ? -1 : Math.max(0, words.length - shingle);
  for (let start = 0; start <= last; start++) {
    let value = 0x9e3779b9;
    for (const word of words.slice(start, start + shingle)) value = mix(Math.imul(value, 31) ^ word);
    if (seen.has(value)) continue;
    seen.add(value);
    for (let i = 0; i < hashes; i++) {
      const hashed = mix(value ^ salts[i]!);
      if (hashed < places[i]!) places[i] = hashed;
    }
  }
  return places;
}

/** Estimated Jaccard likeness, 0…1, of two texts by their signatures, which must be of one kind. */
export function similarity(a: Uint32Array, b: Uint32Array): number {
  if (a.length !== b.length)
    throw new RangeError(`signatures of ${a.length} and ${b.length} places can't be compared`);
  let equal = 0;
  for (let i = 0; i < a.length; i++) if (a[i] === b[i]) equal++;
  return equal / a.length;
}

/**
 * What a rationale has in common with others of its kind: numbers and capitalised words (names, and the first word of
 * a sentence) are placeholders, case and spacing don't count. A digest: equal templates have equal ones.
 */
export function templateOf(text: string): string {
  const plain = text
    .slice(0, MAX_LENGTH)
    .replaceAll(/\d+(?:[.,]\d+)*/g, '#')
    .replaceAll(/\p{Lu}[\p{L}\p{M}'’]*/gu, '@')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .replaceAll(/@(?: @)+/g, '@');
  return `${hashText(plain).toString(36)}-${hashText(`${plain}/`).toString(36)}-${plain.length.toString(36)}`;
}

function saltsOf(count: number, seed: number): Uint32Array {
  const salts = new Uint32Array(count);
  let state = mix(seed ^ 0x85ebca6b);
  for (let i = 0; i < count; i++) {
    state = (state + 0x9e3779b9) >>> 0;
    salts[i] = mix(state);
  }
  return salts;
}

/** FNV-1a over UTF-16 code units, finished. */
function hashText(text: string): number {
  let h = 2166136261;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 16777619);
  return mix(h);
}

/** The finisher of MurmurHash3. */
function mix(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 2246822507);
  h = Math.imul(h ^ (h >>> 13), 3266489909);
  return (h ^ (h >>> 16)) >>> 0;
}
