/**
 * What self-training does to the way a model writes, measured without any label: rationales get longer, repeat
 * themselves, fall into one template, give one answer, or move away from how the run began. Diversity lost over rounds
 * of training on one's own output is how it ends (Shumailov et al. 2024, "AI models collapse when trained on recursively
 * generated data"; Shafayat et al. 2025, arXiv 2505.21444).
 */

/** One rationale. */
export type DriftText = {
  text: string;
  /** Length in tokens, as the endpoint counted. */
  tokens: number;
  /** The answer read from it; null where none could be read. */
  answer: string | null;
};

export type DriftMeasures = {
  /** Rationales measured. */
  texts: number;
  /** Mean length in tokens. */
  tokens: number;
  /** Distinct words, and pairs of words, over all of them, 0…1 (distinct-n; Li et al. 2016, arXiv 1510.03055). */
  distinct1: number;
  distinct2: number;
  /** Shannon entropy of the templates of steps, in bits; 0: every step has one form. */
  templateEntropy: number;
  /** Bytes over deflated bytes: the more the texts repeat themselves and each other, the higher (Shaib et al. 2024, arXiv 2403.00553). */
  compression: number;
  /** Share of rationales without a readable answer. */
  unreadable: number;
  /** Share of the most frequent answer among those that were read; 0 where none was. */
  topAnswer: number;
  /** Shannon entropy of the answers that were read, in bits. */
  answerEntropy: number;
  /** Jensen–Shannon divergence of the words from the reference, 0…1 (base 2; Lin 1991). Undefined without a reference. */
  distance?: number;
};

/**
 * Distinct-n, entropy and compression depend on how much text there is. They are means over blocks of so many rationales,
 * so that iterations that accepted more or less can be compared.
 */
const TEXTS_PER_BLOCK = 8;

/** Longer rationales are measured by their beginning, in characters; all but their length. */
const MAX_LENGTH = 20_000;

const WORD = /[\p{L}\p{M}\p{N}'’]+|[^\s\p{L}\p{M}\p{N}]/gu;
/** After masking: words, and the placeholders of numbers and names, and single signs. */
const MASKED_WORD = /[\p{L}\p{M}'’]+|[^\s\p{L}\p{M}]/gu;

const words = (text: string): string[] => text.slice(0, MAX_LENGTH).toLowerCase().match(WORD) ?? [];

/** The steps of a rationale: its lines, or the sentences of a line of prose. */
export function stepsOf(text: string): string[] {
  return text
    .slice(0, MAX_LENGTH)
    .split(/\n+|(?<=[.!?])\s+(?=\p{Lu})/u)
    .map((step) => step.trim())
    .filter((step) => step !== '');
}

/** A step without what belongs to its problem: numbers are `#`, capitalised words `@`. */
export function stepTemplate(step: string): string {
  return step
    .replaceAll(/\d+(?:[.,]\d+)*/g, '#')
    .replaceAll(/\p{Lu}[\p{L}\p{M}'’]*/gu, '@')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/@(?: @)+/g, '@')
    .trim();
}

function counts(keys: Iterable<string>): Map<string, number> {
  const found = new Map<string, number>();
  for (const key of keys) found.set(key, (found.get(key) ?? 0) + 1);
  return found;
}

/** Shannon entropy of counts, in bits. */
export function entropy(of: Iterable<number>): number {
  const values = [...of].filter((n) => n > 0);
  const total = values.reduce((sum, n) => sum + n, 0);
  const bits = values.reduce((sum, n) => sum - (n / total) * Math.log2(n / total), 0);
  // One kind has none: not even −0.
  return Math.max(0, bits);
}

/** Distinct runs of `n` words over all of them; 1 where there is none, since nothing is said twice. */
export function distinct(texts: readonly string[], n: number): number {
  const seen = new Set<string>();
  let all = 0;
  for (const text of texts) {
    const own = words(text);
    for (let i = 0; i + n <= own.length; i++) seen.add(own.slice(i, i + n).join(' '));
    all += Math.max(0, own.length - n + 1);
  }
  return all === 0 ? 1 : seen.size / all;
}

/** How often each masked word stands in the texts: what distances are between. */
export function wordCounts(texts: readonly string[]): Map<string, number> {
  return counts(
    texts.flatMap((text) =>
      stepsOf(text).flatMap((step) => stepTemplate(step).toLowerCase().match(MASKED_WORD) ?? []),
    ),
  );
}

/**
 * Jensen–Shannon divergence of two count distributions, base 2: 0 for equal ones, 1 for disjoint ones. Two empty ones are
 * equal; an empty one is disjoint from any other.
 */
export function divergence(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): number {
  const total = (of: ReadonlyMap<string, number>) => [...of.values()].reduce((sum, n) => sum + n, 0);
  const [totalA, totalB] = [total(a), total(b)];
  if (totalA === 0 || totalB === 0) return totalA === totalB ? 0 : 1;
  let bits = 0;
  for (const key of new Set([...a.keys(), ...b.keys()])) {
    const p = (a.get(key) ?? 0) / totalA;
    const q = (b.get(key) ?? 0) / totalB;
    const middle = (p + q) / 2;
    if (p > 0) bits += (p / 2) * Math.log2(p / middle);
    if (q > 0) bits += (q / 2) * Math.log2(q / middle);
  }
  return Math.min(1, Math.max(0, bits));
}

/** Whole blocks of texts; what is left over counts only where it is all there is. */
function blocksOf(texts: readonly string[]): string[][] {
  const whole = Math.floor(texts.length / TEXTS_PER_BLOCK);
  if (whole === 0) return texts.length === 0 ? [] : [[...texts]];
  return Array.from({ length: whole }, (_, i) => texts.slice(i * TEXTS_PER_BLOCK, (i + 1) * TEXTS_PER_BLOCK));
}

const mean = (values: readonly number[]) =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * @param texts in a fixed order: blocks are made of neighbours
 * @param deflatedBytes size of a text when deflated, in bytes; given, since this room has no compressor
 * @param reference words of the rationales to compare with, by `wordCounts`
 */
export function measureDrift(
  texts: readonly DriftText[],
  deflatedBytes: (text: string) => number,
  reference?: ReadonlyMap<string, number>,
): DriftMeasures {
  const readable = texts.filter(({ answer }) => answer !== null);
  const written = readable.map(({ text }) => text.slice(0, MAX_LENGTH));
  const blocks = blocksOf(written);
  const perBlock = (measure: (block: string[]) => number) => mean(blocks.map(measure));
  const read = readable.map(({ answer }) => answer!);
  const answers = [...counts(read).values()];
  return {
    texts: texts.length,
    tokens: mean(texts.map(({ tokens }) => tokens)),
    distinct1: perBlock((block) => distinct(block, 1)),
    distinct2: perBlock((block) => distinct(block, 2)),
    templateEntropy: perBlock((block) =>
      entropy(counts(block.flatMap((text) => stepsOf(text).map(stepTemplate))).values()),
    ),
    compression: perBlock((block) => {
      const joined = block.join('\n');
      return new TextEncoder().encode(joined).length / Math.max(1, deflatedBytes(joined));
    }),
    unreadable: texts.length === 0 ? 0 : 1 - read.length / texts.length,
    topAnswer: read.length === 0 ? 0 : Math.max(...answers) / read.length,
    answerEntropy: entropy(answers),
    ...(reference ? { distance: divergence(wordCounts(written), reference) } : {}),
  };
}
