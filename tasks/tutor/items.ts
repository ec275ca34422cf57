/** The items of a tutoring task: which are practised, which are held out, and which must not be forgotten. Nothing stands in two sets. */
import { roundRobin } from '../arithmetic/generator.ts';
import { fastStream } from '../random.ts';
import { skillOf, type Catalogue } from './catalogue.ts';
import { telling, tellingLevel } from './practice.ts';
import type { Target } from './resolve.ts';
import type { Item, Misconception } from './skill.ts';

/** A target whose items are at the learners' level, or the nearest that has some. */
export type Aim = Target & { own: Misconception };

const SEED = 'tutor, version 1';
/** Of a skill that has few items, so many of each kind are left to practise on. */
const HELD_SHARE = 0.5;

export function aimsOf(targets: readonly Target[], catalogue: Catalogue): Aim[] {
  const aims = new Map<string, Aim>();
  for (const target of targets) {
    const own = catalogue.named(target.misconception)!;
    const level = tellingLevel(own, target.level, fastStream(`${SEED}/level/${own.name}`));
    if (level !== undefined) aims.set(`${own.name}/${level}`, { ...target, level, own });
  }
  return [...aims.values()];
}

/** Items on which one of the misconceptions shows, as many of each. */
export const tellingItems = (
  aims: readonly Aim[],
  seed: string,
  count: number,
  exclude: (text: string) => boolean,
): Generator<Item> =>
  roundRobin(
    aims.map(({ own, level }) => telling(own, level, fastStream(`${seed}/${own.name}/${level}`), exclude)),
    count,
  );

/** Held-out items: target and final take turns, so that both are of all kinds. */
export function heldOutItems(
  aims: readonly Aim[],
  size: number,
): { target: Item[]; final: Item[]; guard: Item[] } {
  const each = Math.ceil((2 * size) / aims.length);
  const perAim = aims.map(({ own, level }) => {
    const most = Math.round(each / HELD_SHARE);
    const items = [...roundRobin([telling(own, level, fastStream(`${SEED}/${own.name}/${level}`))], most)];
    return items.slice(0, Math.min(each, Math.floor(items.length * HELD_SHARE)));
  });
  const taken = new Map<string, Item>();
  for (const item of roundRobin(perAim, 2 * size)) taken.set(item.text, item);
  const items = [...taken.values()];
  return {
    target: items.filter((_, i) => i % 2 === 0),
    final: items.filter((_, i) => i % 2 === 1),
    guard: guardItems(aims, size),
  };
}

/** What the learners can do already: items of the same kind on which none of their misconceptions shows. */
function guardItems(aims: readonly Aim[], size: number): Item[] {
  const kinds = [...new Set(aims.map(({ skill, level }) => `${skill} ${level}`))];
  const each = Math.ceil(size / kinds.length);
  const found = kinds.map((kind) => {
    const [skill, level] = kind.split(' ') as [string, string];
    const { draw, truth } = skillOf(skill);
    const own = aims.filter((aim) => aim.skill === skill);
    const next = fastStream(`${SEED}/guard/${kind}`);
    const items = new Map<string, Item>();
    for (let tries = 0; tries < 50 * each && items.size < each; tries++) {
      const item = draw(Number(level), next);
      if (own.every(({ own: one }) => one.answer(item) === truth(item))) items.set(item.text, item);
    }
    return items.values();
  });
  return [...roundRobin(found, size)];
}
