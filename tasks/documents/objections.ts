/**
 * What speaks against a question that a model wrote about a passage, as far as that can be told without asking a model: rules of words.
 *
 * Covers: quotes and answers that do not stand where they should, questions that give their answer away, and, in English, those that
 * lean on a passage which nobody has at hand. Does not cover: whether it is worth asking, and whether its words fit another document too.
 */
import { normalised, tokensOf } from '../../loop/leaks.ts';
import { isRefusal } from '../file/normalised.ts';
import { textProblem } from '../jsonl.ts';
import { stemsOf } from '../support/retrieve.ts';
import type { Written } from './ask.ts';
import type { DocumentPassage } from './passages.ts';

/** Why a question is dropped, in the words in which it is counted. */
export const DROPPED = {
  unread: 'the reply about a passage could not be read',
  refused: 'the endpoint refused a passage',
  noQuestion: 'no question, or one of more than 300 characters',
  leans: 'not understood without the passage',
  quote: 'the quote does not stand in the passage',
  answer: 'the answer does not stand in the quote, or has more than 100 characters',
  givesAway: 'it gives its answer away',
  sameFact: 'it asks for what another of its passage asks',
  notFromPassage: 'answered differently, or not at all, from the passage alone',
  known: 'answered without the passage too',
  nearCopy: 'nearly one that was kept',
} as const;
export type Dropped = keyof typeof DROPPED;

const MOST_QUESTION = 300;
const MOST_ANSWER = 100;

/** What is at hand for whoever reads the passage alone. */
const TEXT =
  'passages?|texts?|paragraphs?|excerpts?|extracts?|snippets?|sentences?|authors?|writers?|narrators?|articles?|documents?|sections?|chapters?|quotes?|context|headings?';
const LEANS = [
  new RegExp(
    `\\b(?:the|above|following|given|provided) (?:(?:above|following|given|provided) )?(?:${TEXT})\\b`,
  ),
  new RegExp(`\\baccording to (?:(?:the|a|an) )?(?:${TEXT})\\b`),
  /\b(?:mentioned|described|stated|listed|shown|discussed|outlined|given|quoted) (?:above|below|here|earlier|in it)\b/,
  /\bthis\b|\bthese\b|\bthe (?:former|latter|aforementioned)\b/,
  // Nobody was named yet to whom it could refer.
  /^\w+ \w+ (?:he|she|they|him|her|his|their|its)\b/,
];

/** The form in which answers are compared: case, spacing, punctuation, articles and the way numbers are written don't count. */
export const formOf = (answer: string): string =>
  isRefusal(answer) ? '' : normalised(answer).replace(/^(?:the|an?) /, '');

/** Equal for questions that ask for one thing in nearly one wording: the same answer, and the same words but for their forms and small ones. */
export const factOf = ({ question, answer }: Pick<Written, 'question' | 'answer'>): string =>
  JSON.stringify([formOf(answer), ...stemsOf(question).toSorted()]);

const isIn = (words: string, text: string): boolean => ` ${text} `.includes(` ${words} `);
const wordsOf = (text: string): string => tokensOf(text).join(' ');

/** A quote without the numbers of lines that the passage was shown with. */
const withoutNumbers = (quote: string): string => quote.replaceAll(/^\s*\d+\| ?/gm, '');

/** A question tidied up, or why it is dropped. */
export function checked(
  written: Written,
  { text }: DocumentPassage,
): { value: Written } | { dropped: Dropped } {
  const [question, answer, quote] = [written.question, written.answer, withoutNumbers(written.quote)].map(
    (one) => one.replaceAll(/\s+/g, ' ').trim(),
  ) as [string, string, string];
  if (!/\p{L}.*[?？؟]$/u.test(question) || question.length > MOST_QUESTION) return { dropped: 'noQuestion' };
  if (textProblem('question', question + answer + quote)) return { dropped: 'noQuestion' };
  if (LEANS.some((pattern) => pattern.test(question.toLowerCase()))) return { dropped: 'leans' };
  if (wordsOf(quote) === '' || !isIn(wordsOf(quote), wordsOf(text))) return { dropped: 'quote' };
  const form = formOf(answer);
  if (form === '' || answer.length > MOST_ANSWER || !isIn(form, wordsOf(quote))) return { dropped: 'answer' };
  if (isIn(form, wordsOf(question))) return { dropped: 'givesAway' };
  return { value: { question, answer, quote } };
}
