/** Is a sentence turned round? `no` before a noun does it, as in `no warranty`. */
export const NEGATION = /\b(?:not|cannot|never|without|neither|nor|nobody|none)\b|n['’]t\b|\bno\b/i;

export const isNegated = (sentence: string): boolean =>
  NEGATION.test(sentence.replaceAll(/\bno (?:later|more|less|fewer) than\b/gi, ''));
