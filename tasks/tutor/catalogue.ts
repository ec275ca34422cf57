/** The skills there are and the misconceptions that are known of each: the built-in ones, and those of a user's file. */
import type { Item, Misconception, Skill } from './skill.ts';
import { addition } from './skills/addition.ts';
import { decimalOrder, decimalSums } from './skills/decimals.ts';
import { fractions } from './skills/fractions.ts';
import { multiplication } from './skills/multiplication.ts';
import { order } from './skills/order.ts';
import { signs } from './skills/signs.ts';
import { subtraction } from './skills/subtraction.ts';

export const SKILLS: Skill[] = [
  addition,
  subtraction,
  multiplication,
  fractions,
  decimalOrder,
  decimalSums,
  order,
  signs,
];

const byName = new Map(SKILLS.map((skill) => [skill.name, skill]));

/** @throws Error for a name that is not in the list */
export function skillOf(name: string): Skill {
  const skill = byName.get(name);
  if (!skill) throw new Error(`there is no skill ${name}`);
  return skill;
}

export type Catalogue = {
  all: Misconception[];
  of(skill: string): Misconception[];
  named(name: string): Misconception | undefined;
};

/** @param further a user's own, with names that are not taken */
export function catalogueOf(further: readonly Misconception[] = []): Catalogue {
  const all = [...SKILLS.flatMap(({ misconceptions }) => misconceptions), ...further];
  const bySkill = Map.groupBy(all, ({ skill }) => skill);
  const byOwnName = new Map(all.map((one) => [one.name, one]));
  return { all, of: (skill) => bySkill.get(skill) ?? [], named: (name) => byOwnName.get(name) };
}

/** Longer texts are no items of ours. */
const MAX_TEXT = 200;

/** As people write them: `503 − 278 =`, `4 × 7`, `2 · 3`. */
const tidy = (text: string): string =>
  text
    .replace(/=\s*\??\s*$/, '')
    .replaceAll(/[−–]/g, '-')
    .replaceAll(/[×·x]/g, '*')
    .replaceAll(/\s/g, '');

/** The item that a text states; a string says why it is none. */
export function readItem(text: string): Item | string {
  if (text.length > MAX_TEXT) return `has an item of ${text.length} characters, more than ${MAX_TEXT}`;
  const tidied = tidy(text);
  for (const skill of SKILLS) {
    const item = skill.read(tidied);
    if (item) return item;
  }
  return 'has an item of no known skill: a sum such as 47+38, 503-278, 23*45, 1/2+1/3, 0.3+0.25, 2+3*4, 5-(-3), or decimals to put in order such as 0.35, 0.4';
}
