/**
 * The policy passage that a request is about: BM25 over sentences and their headings (MiniSearch), words by their stems. One passage or
 * none: where the request shares too little with the best, nothing is said of it.
 */
import MiniSearch from 'minisearch';
import { stemmer } from 'stemmer';
import { claimsOf, withoutClaims, type ClaimKind } from './claims.ts';
import type { Passage } from './policies.ts';

/** Words that say nothing of what a question is about. */
const STOP = new Set(
  `a about all am an and any are as at be been but by can could did do does doing done for from get give had has have how i if in into is it
   its just many may me might more most much must my no not of off on one or our out please shall should so some than that the their them then
   there they this to too until up us want was we were what when where which while who whom will with would yes you your yours
   hello hi hey thanks thank quick question wonder wondering know tell need like long far often possible take takes taken`
    .trim()
    .split(/\s+/),
);

/** Stems of the words that matter, each once. */
export function stemsOf(text: string): string[] {
  const words =
    text
      .toLowerCase()
      .replaceAll('’', "'")
      .match(/\p{L}+(?:'\p{L}+)?|\d+/gu) ?? [];
  return [
    ...new Set(words.filter((word) => !STOP.has(word)).map((word) => stemmer(word.replace(/'s$/, '')))),
  ];
}

type Retrieved = {
  passage: Passage;
  score: number;
  /** Share of the words that stand in it: of the request's, or of request and answer together. */
  shared: number;
};

/** @param answer what was answered, where that is known: its words, apart from its values, say what the request meant */
export type Retrieve = (request: string, answer?: string) => Retrieved | undefined;

/** Fewer of the words of a request, or of request and answer together, and a passage is about something else. */
const LEAST_SHARED = 0.4;
/** A passage that has what is asked for comes before one that only shares words. */
const ANSWERS = 1.5;
const MOST_CHARACTERS = 2000;

/** What kinds of values a question asks for; none where it asks for yes or no. */
const ASKS: [RegExp, ClaimKind[]][] = [
  [
    /\bhow (?:much|little|large|big|high)\b|\b(?:price|cost|charge|amount|value|fee|pay)\b/i,
    ['money', 'share', 'count'],
  ],
  [/\bpercent/i, ['share']],
  [/\bhow (?:many|old)\b|\bnumber\b/i, ['count', 'duration']],
  [
    /\bhow (?:long|fast|soon|quick)|\bwhen\b|\b(?:un)?til\b|\btime\b|\b(?:days|weeks|months|years|hours|minutes)\b/i,
    ['duration', 'time', 'weekday'],
  ],
  [/\bwh(?:o|om|ere|ich)\b/i, ['name', 'weekday']],
];
const askedFor = (request: string): Set<ClaimKind> =>
  new Set(ASKS.flatMap(([pattern, kinds]) => (pattern.test(request) ? kinds : [])));

export function createRetrieve(passages: readonly Passage[]): Retrieve {
  const stems = passages.map(({ heading, text }) => new Set(stemsOf(`${heading} ${text}`)));
  const kinds = passages.map(({ text }) => new Set(claimsOf(text).claims.map(({ kind }) => kind)));
  const index = new MiniSearch<Passage & { key: number }>({
    idField: 'key',
    fields: ['text', 'heading'],
    tokenize: (text) => stemsOf(text),
    processTerm: (term) => term,
    searchOptions: { boost: { text: 2, heading: 1 } },
  });
  index.addAll(passages.map((one, key) => ({ ...one, key })));
  return (given, answer) => {
    const request = given.slice(0, MOST_CHARACTERS);
    const asked = stemsOf(request);
    const said = answer === undefined ? '' : withoutClaims(answer.slice(0, MOST_CHARACTERS));
    const wanted = askedFor(request);
    const both = [...new Set([...asked, ...stemsOf(said)])];
    const share = (words: readonly string[], key: number) =>
      words.filter((stem) => stems[key]!.has(stem)).length / words.length;
    // The answer may help to tell what a request means; it can't stand for it.
    const shared = (key: number) =>
      share(asked, key) > 0 ? Math.max(share(asked, key), share(both, key)) : 0;
    const [best] = index.search(`${request} ${said}`, {
      filter: ({ id }) => shared(id as number) >= LEAST_SHARED,
      boostDocument: (id) => ([...wanted].some((kind) => kinds[id as number]!.has(kind)) ? ANSWERS : 1),
    });
    return (
      best && { passage: passages[best.id as number]!, score: best.score, shared: shared(best.id as number) }
    );
  };
}
