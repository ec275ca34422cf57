/**
 * Is a text that a model wrote a paraphrase of a prompt? At least it must name the same numbers, as often, and the same
 * names. Covers a number that was changed, dropped or added, whether in digits or as a word, and a name that was. Does not
 * cover a relation that was turned round ("more" for "fewer"): what that changes shows in the vote, as disagreement
 * between rewrites.
 */
import { normalised, tokensOf } from './leaks.ts';

const ONES =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen';
const TENS = 'twenty thirty forty fifty sixty seventy eighty ninety';
const VALUES = new Map([
  ...ONES.split(' ').map((word, i) => [word, String(i)] as const),
  ...TENS.split(' ').map((word, i) => [word, String(20 + 10 * i)] as const),
]);
/** As numbers go they are one each, however a text has them: `half`, `twice`, `dozen`. */
const QUANTITIES = new Set([
  'half',
  'third',
  'quarter',
  'twice',
  'double',
  'triple',
  'dozen',
  'hundred',
  'thousand',
  'million',
]);

/** Longer than so many times the prompt, it is no paraphrase but an answer or a remark. */
const MOST_TIMES_AS_LONG = 3;
const SHORTEST_LIMIT = 200;

/** The numbers of a text in canonical form, sorted; words like "three" are 3. `one` is left out: it is a pronoun too. */
export function numbersOf(text: string): string[] {
  return tokensOf(text)
    .flatMap((token) => {
      if (/\d/.test(token)) return [token];
      if (token === 'one') return [];
      return VALUES.get(token) ?? (QUANTITIES.has(token) ? token : []);
    })
    .sort();
}

const ASKING =
  /[?？؟]|(?:^|[.!:;,]\s+)(?:calculate|compute|count|determine|estimate|evaluate|find|give|name|solve|state|tell|work out)\b/i;

/** Does a text ask something, by a question mark or a sentence such as "Find the …"? */
export const asks = (text: string): boolean => ASKING.test(text.trim());

/** Words that begin a sentence and are no names. Another that does counts as one: rather a paraphrase less than a name. */
const BEGINNINGS = new Set(
  (
    'a about after all also altogether an and another are as assume at because before besides both but by calculate can compute consider ' +
    'determine does during each either every everyone few find finally first for from give given has have he her here his how i if in ' +
    'initially is it its last later let many more most my next no not now of on once one only or other our over per please she show simplify ' +
    'since so solve some still suppose than that the their then there these they this those though to today tomorrow under until was we ' +
    'were what when where which while who whose why will with without write yesterday you your'
  ).split(' '),
);

/**
 * Words with a capital letter, without a possessive ending. One that begins a sentence may be a name.
 *
 * @param beginnings whether those that may be are counted
 */
export function namesOf(text: string, { beginnings = false } = {}): Set<string> {
  const names = new Set<string>();
  for (const sentence of text.split(/(?<=[.!?:;\n])\s+/)) {
    const words = sentence.match(/[\p{L}\p{M}]+(?:['’][\p{L}]+)?/gu) ?? [];
    for (const [i, word] of words.entries()) {
      const name = word.replace(/['’]\p{L}+$/u, '');
      const plain = name.toLowerCase();
      const mayBe =
        i > 0
          ? name !== 'I'
          : beginnings && !BEGINNINGS.has(plain) && !VALUES.has(plain) && !QUANTITIES.has(plain);
      if (/^\p{Lu}/u.test(name) && mayBe) names.add(name);
    }
  }
  return names;
}

const wordsOf = (text: string) =>
  new Set((text.match(/[\p{L}\p{M}]+/gu) ?? []).map((word) => word.toLowerCase()));

/** Undefined when `text` may stand for `prompt`; else what is wrong with it. */
export function notAParaphrase(prompt: string, text: string): string | undefined {
  if (text.trim() === '') return 'it is empty';
  if (normalised(text) === normalised(prompt)) return 'it is the same text';
  const most = Math.max(SHORTEST_LIMIT, MOST_TIMES_AS_LONG * prompt.length);
  if (text.length > most) return `it has ${text.length} characters, more than ${most}`;
  const wanted = numbersOf(prompt);
  const given = numbersOf(text);
  if (wanted.join() !== given.join()) {
    return `its numbers are ${given.join(', ') || 'none'} instead of ${wanted.join(', ') || 'none'}`;
  }
  const words = wordsOf(text);
  const missing = [...namesOf(prompt, { beginnings: true })].filter((name) => !words.has(name.toLowerCase()));
  if (missing.length > 0) return `it does not name ${missing.join(', ')}`;
  const known = wordsOf(prompt);
  const added = [...namesOf(text)].filter((name) => !known.has(name.toLowerCase()));
  return added.length > 0 ? `it names ${added.join(', ')}, which the prompt does not` : undefined;
}
