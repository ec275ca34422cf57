/** Can a text that a model wrote stand as a rule? It must be short, and tell nothing of the very problems that it was made of. */
import { tokensOf } from './leaks.ts';

/** Longer rules are no rules, and every prompt pays for them. */
const MOST_CHARACTERS = 600;

const numbersIn = (text: string): string[] => tokensOf(text).filter((token) => /\d/.test(token));

/**
 * @param sources problems and solutions that it was made of
 * @returns what is wrong; undefined: nothing
 */
export function heuristicProblem(text: string, sources: readonly string[]): string | undefined {
  if (text.length > MOST_CHARACTERS)
    return `it has ${text.length} characters, a rule has ${MOST_CHARACTERS} at most`;
  const told = new Set(sources.flatMap(numbersIn));
  const number = numbersIn(text).find((one) => told.has(one));
  return number === undefined
    ? undefined
    : `it names ${number}, a number of the problems that it was made of`;
}
