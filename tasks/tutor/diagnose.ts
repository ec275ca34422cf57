/**
 * Which misconception explains a learner's answers in one skill. Bayes' rule over the misconceptions of the skill, over none of them
 * (all right but for slips), and over errors that the catalogue does not explain. Who answers otherwise than expected has slipped: often to
 * the right answer, seldom to what another misconception would give, mostly to anything.
 *
 * It abstains where one answer is all there is to show it, and where two explain the answers about as well.
 */
import { skillOf, type Catalogue } from './catalogue.ts';
import type { Item, Misconception } from './skill.ts';

/** One answer of a learner: canonical; null where what was written is no answer. */
export type Answered = { item: Item; answer: string | null };

export const NONE = 'none';
export const UNKNOWN = 'unknown';

/** An explanation with its probability. */
export type Explained = { name: string; probability: number };

export type Diagnosis = {
  skill: string;
  answers: number;
  right: number;
  /** Name of a misconception, `none`, or `unknown` (errors that none explains); null: it abstains. */
  finding: string | null;
  /** Why it abstains, or what the finding rests on. */
  reason: string;
  /** All explanations, the likeliest first. */
  explained: Explained[];
};

/** Share of answers that are no deliberate ones. */
const SLIPS = 0.1;
/** What a slip gives: the right answer, what some misconception gives, any one of other answers. */
const SLIP_TO = { right: 0.3, known: 0.03, other: 0.01 };
const PRIOR = { none: 0.2, unknown: 0.05 };

/** Least probability of a finding. */
export const SURE = 0.95;
/** Least number of answers that show a misconception: one such answer may be a slip. */
export const SHOWN = 2;
/** Least number of answers for a finding that there is none, or none that is known: both rest on what is not there. */
export const SEEN = 3;

type Likelihoods = ReadonlyMap<string, number>;

/** What is expected of an item: P(answer | explanation) for each explanation, and all answers that one of them expects. */
function expectedOf(item: Item, misconceptions: readonly Misconception[]) {
  const truth = skillOf(item.skill).truth(item);
  const expected = misconceptions.map((one) => [one.name, one.answer(item)] as const);
  const known = new Set([truth, ...expected.map(([, own]) => own)]);
  const likelihoods = (answer: string | null): Likelihoods => {
    const kind = answer === truth ? 'right' : answer !== null && known.has(answer) ? 'known' : 'other';
    const of = (own: string) => (answer === own ? 1 - SLIPS : SLIPS * SLIP_TO[kind]);
    return new Map([
      ...expected.map(([name, own]) => [name, of(own)] as const),
      [NONE, of(truth)],
      // Somebody whose errors have a cause that the catalogue does not have: every answer looks like a slip.
      [UNKNOWN, SLIP_TO[kind]],
    ]);
  };
  return { known, likelihoods };
}

/** Probabilities of all explanations, in the catalogue's order, before or after answers. */
export function posterior(
  answers: readonly Answered[],
  misconceptions: readonly Misconception[],
): Explained[] {
  const each = (1 - PRIOR.none - PRIOR.unknown) / Math.max(1, misconceptions.length);
  const weights = new Map<string, number>([
    ...misconceptions.map(({ name }) => [name, Math.log(each)] as const),
    [NONE, Math.log(PRIOR.none)],
    [UNKNOWN, Math.log(PRIOR.unknown)],
  ]);
  for (const { item, answer } of answers)
    for (const [name, likelihood] of expectedOf(item, misconceptions).likelihoods(answer))
      weights.set(name, weights.get(name)! + Math.log(likelihood));
  const most = Math.max(...weights.values());
  const scaled = [...weights].map(([name, weight]) => ({ name, weight: Math.exp(weight - most) }));
  const total = scaled.reduce((sum, { weight }) => sum + weight, 0);
  return scaled.map(({ name, weight }) => ({ name, probability: weight / total }));
}

/** @param answers of one skill */
export function diagnose(skill: string, answers: readonly Answered[], catalogue: Catalogue): Diagnosis {
  const misconceptions = catalogue.of(skill);
  const { truth } = skillOf(skill);
  const explained = posterior(answers, misconceptions).toSorted((x, y) => y.probability - x.probability);
  const right = answers.filter(({ item, answer }) => answer === truth(item)).length;
  const best = explained[0]!;
  const found = { skill, answers: answers.length, right, explained };
  // Rounded, so that what explains all answers alike counts as equal whatever the order of the sums.
  const alike = explained.filter(({ probability }) => probability > best.probability / 2);
  if (alike.length > 1 && best.probability < SURE)
    return {
      ...found,
      finding: null,
      reason: `${listed(alike.map(({ name }) => name))} explain the answers about as well`,
    };
  if (best.probability < SURE)
    return {
      ...found,
      finding: null,
      reason: `the likeliest is ${best.name}, with no more than ${percent(best.probability)}`,
    };
  const own = misconceptions.find(({ name }) => name === best.name);
  if (!own && answers.length < SEEN)
    return {
      ...found,
      finding: null,
      reason: `${answers.length} answers are too few to say that no misconception shows`,
    };
  if (!own) return { ...found, finding: best.name, reason: reasonOf(best.name, answers.length, right) };
  const telling = answers.filter(({ item }) => own.answer(item) !== truth(item));
  const shown = telling.filter(({ item, answer }) => answer === own.answer(item)).length;
  if (shown < SHOWN)
    return { ...found, finding: null, reason: `a single answer shows ${best.name}: it may be a slip` };
  return {
    ...found,
    finding: best.name,
    reason: `${shown} of ${telling.length} answers that it would change`,
  };
}

const reasonOf = (finding: string, answers: number, right: number): string =>
  finding === NONE
    ? `${right} of ${answers} right, and no misconception explains the others`
    : `${answers - right} of ${answers} wrong, in a way that no misconception of the catalogue explains`;

const percent = (share: number): string => `${Math.round(100 * share)} %`;
const listed = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;

/** So many are drawn and compared. */
const CANDIDATES = 40;

/**
 * The item whose answer is expected to say most (mutual information between explanation and answer), of a few random ones at a level.
 *
 * @param next gives the same item for the same numbers
 */
export function nextItem(
  skill: string,
  level: number,
  answers: readonly Answered[],
  catalogue: Catalogue,
  next: () => number,
): Item {
  const { draw } = skillOf(skill);
  const misconceptions = catalogue.of(skill);
  const now = posterior(answers, misconceptions);
  const asked = new Set(answers.map(({ item }) => item.text));
  const drawn = Array.from({ length: CANDIDATES }, () => draw(level, next));
  const fresh = drawn.filter(({ text }) => !asked.has(text));
  const candidates = fresh.length > 0 ? fresh : drawn;
  let best = { item: candidates[0]!, bits: -1 };
  for (const item of candidates) {
    const bits = information(item, now, misconceptions);
    if (bits > best.bits + 1e-9) best = { item, bits };
  }
  return best.item;
}

/** Expected bits that the answer to an item tells about the explanation. */
export function information(
  item: Item,
  now: readonly Explained[],
  misconceptions: readonly Misconception[],
): number {
  const { known, likelihoods } = expectedOf(item, misconceptions);
  // Every answer that somebody is expected to give, and one for all others.
  const tables = [...known, null].map(likelihoods);
  const totals = new Map(
    now.map(({ name }) => [name, tables.reduce((sum, table) => sum + table.get(name)!, 0)] as const),
  );
  let bits = 0;
  for (const table of tables) {
    const share = (name: string) => table.get(name)! / totals.get(name)!;
    const likely = now.reduce((sum, { name, probability }) => sum + probability * share(name), 0);
    for (const { name, probability } of now) {
      const joint = probability * share(name);
      if (joint > 0) bits += joint * Math.log2(share(name) / likely);
    }
  }
  return bits;
}
