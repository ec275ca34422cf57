/**
 * Near-duplicates of texts by MinHash: the share of equal entries of two signatures estimates the Jaccard
 * similarity of the sets they were made of (Broder 1997, On the resemblance and containment of documents).
 * Bands of a signature as hash keys find similar sets without comparing all of them (Indyk & Motwani 1998;
 * Leskovec, Rajaraman & Ullman, Mining of Massive Datasets, ch. 3). The same on every machine: integers only.
 */

const BANDS = 32;
const ROWS = 4;
/** Standard error of an estimate: at most 1 / (2 · √128) = 0.044. */
export const SIGNATURE_LENGTH = BANDS * ROWS;

export type Signature = Uint32Array;

/** Runs of `size` neighbouring tokens; all tokens as one run where there are fewer. */
export function shingles(tokens: readonly string[], size: number): Set<string> {
  const runs = new Set<string>();
  if (tokens.length > 0 && tokens.length < size) runs.add(tokens.join(' '));
  for (let i = 0; i + size <= tokens.length; i++) runs.add(tokens.slice(i, i + size).join(' '));
  return runs;
}

/** Odd multipliers and offsets of the hash functions, from a fixed generator (splitmix32). */
const [MULTIPLIERS, OFFSETS] = (() => {
  let state = 0x5eed;
  const next = () => {
    state = (state + 0x9e3779b9) | 0;
    return mix(state);
  };
  const draw = () => Uint32Array.from({ length: SIGNATURE_LENGTH }, next);
  return [draw().map((value) => value | 1), draw()];
})();

function mix(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** FNV-1a over UTF-16 units, finished as in MurmurHash3. */
export function hash(text: string): number {
  let h = 2166136261;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 16777619);
  return mix(h);
}

/** The least value of each hash function over the set. Two empty sets have equal signatures. */
export function signatureOf(set: Iterable<string>): Signature {
  const signature = new Uint32Array(SIGNATURE_LENGTH).fill(0xffffffff);
  for (const element of set) {
    const h = hash(element);
    for (let i = 0; i < SIGNATURE_LENGTH; i++) {
      const value = mix((Math.imul(h, MULTIPLIERS[i]!) + OFFSETS[i]!) | 0);
      if (value < signature[i]!) signature[i] = value;
    }
  }
  return signature;
}

/** Estimated Jaccard similarity, 0…1. */
export function estimate(a: Signature, b: Signature): number {
  let equal = 0;
  for (let i = 0; i < SIGNATURE_LENGTH; i++) if (a[i] === b[i]) equal += 1;
  return equal / SIGNATURE_LENGTH;
}

/** Shared elements as a share of all elements, 0…1; 1 for two empty sets. */
export function jaccard(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let shared = 0;
  for (const element of a) if (b.has(element)) shared += 1;
  const all = a.size + b.size - shared;
  return all === 0 ? 1 : shared / all;
}

/**
 * Finds the entries whose signature shares a band with one: of those with Jaccard similarity 0.8 all but 5 in
 * 10⁸, with 0.5 all but 13 %, with 0.2 one in twenty.
 */
export function createBandIndex(): {
  add(id: number, signature: Signature): void;
  candidates(signature: Signature): Set<number>;
} {
  const bands = Array.from({ length: BANDS }, () => new Map<string, number[]>());
  const keyOf = (signature: Signature, band: number) =>
    String.fromCharCode(
      ...Array.from(signature.subarray(band * ROWS, (band + 1) * ROWS), (value) => [
        value & 0xffff,
        value >>> 16,
      ]).flat(),
    );
  return {
    add(id, signature) {
      bands.forEach((band, i) => {
        const key = keyOf(signature, i);
        const ids = band.get(key);
        if (ids) ids.push(id);
        else band.set(key, [id]);
      });
    },
    candidates(signature) {
      return new Set(bands.flatMap((band, i) => band.get(keyOf(signature, i)) ?? []));
    },
  };
}
