/**
 * Practice for one misconception: items on which a learner with it goes wrong, each answer worked out in two ways that agree, with hints
 * that never show the answer.
 */
import { skillOf } from './catalogue.ts';
import { shows } from './hints.ts';
import type { Item, Misconception, Worked } from './skill.ts';
import { addColumn, columnsOf, ruleOf } from './skills/addition.ts';

export type PracticeItem = Item & {
  misconception: string;
  answer: string;
  /** What the misconception gives. */
  wrong: string;
  worked: Worked;
  hints: string[];
};

/** An item on which a misconception shows. */
type TellingItem = Item & { answer: string; wrong: string; worked: Worked };

/** Draws in a row without an item after which a level is taken to have none left. */
const MAX_REJECTED = 3_000;

/** The right answer, where two ways of working it out agree and the text says the same item. @throws Error otherwise */
export function verified(item: Item): { answer: string; worked: Worked } {
  const { truth, worked, read } = skillOf(item.skill);
  const answer = truth(item);
  const steps = worked(item);
  const again = read(item.text.replaceAll(' ', ''));
  if (steps.answer !== answer || !again || truth(again) !== answer)
    throw new Error(`${item.text}: ${answer} by its value and ${steps.answer} step by step`);
  return { answer, worked: steps };
}

/**
 * Different items of a level on which the misconception shows, without end where there are so many.
 *
 * @param exclude texts that are not wanted
 */
export function* telling(
  misconception: Misconception,
  level: number,
  next: () => number,
  exclude: (text: string) => boolean = () => false,
): Generator<TellingItem> {
  const { draw, truth } = skillOf(misconception.skill);
  const given = new Set<string>();
  for (let rejected = 0; rejected < MAX_REJECTED; rejected++) {
    const item = draw(level, next);
    if (given.has(item.text) || exclude(item.text)) continue;
    const wrong = misconception.answer(item);
    if (wrong === truth(item)) continue;
    const { answer, worked } = verified(item);
    given.add(item.text);
    rejected = -1;
    yield { ...item, answer, wrong, worked };
  }
}

/** So many are compared for each that is given. */
const COMPARED = 12;

/**
 * The same, and of several items the one that has most to practise: for rules of columns those on which the misconception shows that were not
 * practised yet, or least; else the places at which the wrong answer differs.
 */
export function* rich(...given: Parameters<typeof telling>): ReturnType<typeof telling> {
  const [misconception] = given;
  const practised = new Map<string, number>();
  const items = telling(...given);
  const waiting: { item: TellingItem; shown: string[] }[] = [];
  for (;;) {
    while (waiting.length < COMPARED) {
      const next = items.next();
      if (next.done) break;
      waiting.push({ item: next.value, shown: shownIn(misconception, next.value) });
    }
    if (waiting.length === 0) return;
    const worth = ({ shown }: { shown: string[] }) =>
      shown.reduce((sum, one) => sum + 1 / (1 + (practised.get(one) ?? 0)), 0);
    const best = waiting.reduce((x, y) => (worth(y) > worth(x) ? y : x));
    waiting.splice(waiting.indexOf(best), 1);
    for (const one of best.shown) practised.set(one, (practised.get(one) ?? 0) + 1);
    yield best.item;
  }
}

/** Where in an item a misconception shows. */
function shownIn(misconception: Misconception, { numbers, answer, wrong }: TellingItem): string[] {
  const rule = ruleOf(misconception);
  if (rule)
    return columnsOf(numbers, addColumn)
      .filter((column) => {
        const own = rule(column);
        return own.write !== column.write || own.carry !== column.out;
      })
      .map(({ a, b, carry }) => `${a}+${b}+${carry}`);
  const length = Math.max(answer.length, wrong.length);
  const [right, other] = [answer, wrong].map((text) => text.padStart(length)) as [string, string];
  return Array.from(right, (digit, place) => (digit === other[place] ? [] : [String(length - place)])).flat();
}

/** The learner's level, or the next above it, or below it, on which the misconception shows at all. */
export function tellingLevel(
  misconception: Misconception,
  level: number,
  next: () => number,
): number | undefined {
  const { levels } = skillOf(misconception.skill);
  const above = levels.filter((one) => one >= level);
  const under = levels.filter((one) => one < level).toReversed();
  return [...above, ...under].find((one) => !telling(misconception, one, next).next().done);
}

/** So many items, fewer where the skill has no more, at the learner's level or the nearest with such items. */
export function practice(
  misconception: Misconception,
  { level, count, next }: { level: number; count: number; next: () => number },
): PracticeItem[] {
  const at = tellingLevel(misconception, level, next);
  if (at === undefined) return [];
  const items: PracticeItem[] = [];
  for (const item of rich(misconception, at, next)) {
    if (items.length === count) break;
    items.push({ ...item, misconception: misconception.name, hints: hintsFor(misconception, item, next) });
  }
  return items;
}

/** Always true, of every item, and without a number. */
const LAST_RESORT = 'Work it again slowly and write down every step.';

/**
 * From the vaguest to the plainest: what to think about, where to look, and another item done right and done wrong. None shows the
 * answer or a step that makes it.
 */
function hintsFor(
  misconception: Misconception,
  item: Item & { answer: string; wrong: string },
  next: () => number,
): string[] {
  const hints = [misconception.hint, whereToLook(item), anotherItem(misconception, item, next)];
  const clean = hints.filter((hint): hint is string => hint !== undefined && !shows(hint, item.answer));
  return clean.length > 0 ? clean : [LAST_RESORT];
}

const PLACES = ['ones', 'tens', 'hundreds', 'thousands'];

/** The lowest place at which the wrong answer goes wrong. */
function whereToLook({ answer, wrong }: { answer: string; wrong: string }): string | undefined {
  if (!/^\d+$/.test(answer) || !/^\d+$/.test(wrong)) return undefined;
  const [right, other] = [answer, wrong].map((text) => text.split('').toReversed()) as [string[], string[]];
  const place = right.findIndex((digit, i) => digit !== other[i]);
  return PLACES[place] === undefined
    ? undefined
    : `Look again at the ${PLACES[place]}, and at what comes into them.`;
}

/** A few are tried until one shows nothing of the answer. */
const TRIES = 5;

function anotherItem(
  misconception: Misconception,
  item: Item & { answer: string },
  next: () => number,
): string | undefined {
  let tries = 0;
  for (const other of telling(misconception, item.level, next, (text) => text === item.text)) {
    const hint = `${other.text} makes ${other.answer}. Whoever ${misconception.title} gets ${other.wrong}. Why?`;
    if (!shows(hint, item.answer)) return hint;
    if ((tries += 1) === TRIES) return undefined;
  }
  return undefined;
}
