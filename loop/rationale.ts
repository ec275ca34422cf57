/** How like rationales are: word shingles for near-copies, templates for the same sentences about other numbers. */
import { hash, shingles, signatureOf, type Signature } from './minhash.ts';

/** Longer texts are compared by their beginning. */
const MAX_LENGTH = 50_000;
/** Words per shingle. */
const SHINGLE = 4;
const WORD = /[\p{L}\p{N}]+|[^\s\p{L}\p{N}]/gu;

/** The signature of a rationale's runs of four words; case and spacing don't count. */
export function rationaleSignature(text: string): Signature {
  return signatureOf(shingles(text.slice(0, MAX_LENGTH).toLowerCase().match(WORD) ?? [], SHINGLE));
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
  return `${hash(plain).toString(36)}-${hash(`${plain}/`).toString(36)}-${plain.length.toString(36)}`;
}
