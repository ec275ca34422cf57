/** What a correction says is right: its values of the kind that was answered, or the other of yes and no, without the words of protest before. */
import { isNegated } from './negation.ts';
import { canonicalOf, claimsOf, told, type Claims } from './claims.ts';

/** Ways to begin a correction that say only that something is wrong. */
const PROTEST =
  /^\W*(?:(?:no(?:,? no)*|nope|nah|wrong|false|incorrect|sorry|hm+|well|sure|but|actually|in fact|excuse me|are you sure|i (?:do not|don['’]t) think so|not (?:true|right|correct|quite)|please (?:check|correct)(?: that| it)?|(?:i (?:think|believe) )?you(?:['’]re| are| got| must be| may be| seem)[^.,:;!?]{0,30}\b(?:wrong|mistaken|out of date|outdated)|(?:that|this|it)(?:['’]s| is| was| has|n['’]t| can['’]t| cannot)[^.,:;!?]{0,40}\b(?:wrong|right|true|correct|mistake|error|be|changed|rule|incorrect|false|outdated)|since [\p{L}]+|(?:your|the|my)[^.,:;!?]{0,40}\b(?:says?|said|states|reads|tells)(?: (?:otherwise|something else))?)\b[\s.,:;!?–-]+)/iu;

/** Before a bare `no` or `yes` that answers, protest ends: `No, that is wrong: no, you cannot.` */
function withoutProtest(text: string): string {
  let rest = text.trim();
  for (let cut = PROTEST.exec(rest); cut; cut = PROTEST.exec(rest)) {
    // The last word of a text answers, even if it protests as well.
    if (cut[0].length >= rest.length) break;
    const isAnswer =
      /^\W*(?:yes|no)\b/i.test(cut[0]) &&
      rest !== text.trim() &&
      !/^\W*(?:no|nope)\W+(?:that|this|it|you)\b/i.test(rest);
    if (isAnswer) break;
    rest = rest.slice(cut[0].length);
  }
  return rest;
}

/**
 * @param answer what is corrected
 * @returns undefined where it says no more than that the answer is wrong
 */
export function assertedBy(text: string, answer: string, names?: ReadonlySet<string>): Claims | undefined {
  const before = told(claimsOf(answer, names));
  const rest = withoutProtest(text);
  const kinds = new Set(before.claims.map(({ kind }) => kind));
  const bySentence = rest
    .split(/(?<=[.!?;])\s+/)
    .map((sentence) => claimsOf(sentence, names).claims.filter(({ negated }) => !negated));
  // What follows the first statement is talk: a telephone number, a date.
  const ofKind =
    bySentence.map((own) => own.filter(({ kind }) => kinds.has(kind))).find((own) => own.length > 0) ?? [];
  const affirmed = bySentence[0] ?? [];
  if (before.polarity === undefined) {
    if (ofKind.length > 0) return { claims: ofKind };
    const values = affirmed.filter(({ kind }) => kind !== 'name');
    return values.length > 0 ? { claims: values } : undefined;
  }
  // A yes or no that opens a later sentence says more than how the first one is put.
  const stated = /(?:^\W*|[.!?:;]\s+)(?:(yes|yeah|yep)|(no|nope)(?! longer))\b/i.exec(rest);
  const words = rest.match(/\p{L}+/gu)?.length ?? 0;
  const first = rest.split(/[.!?]\s/)[0]!;
  const polarity = stated
    ? stated[1]
      ? 'yes'
      : 'no'
    : words >= 3
      ? isNegated(first)
        ? 'no'
        : 'yes'
      : undefined;
  if (polarity === undefined) return undefined;
  const firm = told({ polarity, claims: affirmed }).claims;
  return { polarity, claims: firm };
}

/** The same in one line, as answers are compared; undefined where nothing is asserted. */
export function assertion(text: string, answer: string, names?: ReadonlySet<string>): string | undefined {
  const found = assertedBy(text, answer, names);
  return found && canonicalOf(found);
}
