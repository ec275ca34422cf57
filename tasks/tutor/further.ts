/**
 * Misconceptions of a user's own: a YAML file with rules. What comes out is plain JSON, which a run stores, and misconceptions like the
 * built-in ones. A rule that is right on every item, gives no answers, or says what another says already is refused by name.
 */
import { resolve } from 'node:path';
import { Fraction } from 'fraction.js';
import { z } from 'zod';
import { collectProblems } from '../errors.ts';
import { fastStream } from '../random.ts';
import { parseAs, readYaml } from '../yaml.ts';
import { catalogueOf, SKILLS, skillOf } from './catalogue.ts';
import { evaluate, parseRule, RuleError, type Tree } from './rule.ts';
import type { Item, Misconception } from './skill.ts';
import { byColumns } from './skills/addition.ts';
import { fractionText } from './skills/fractions.ts';

const text = z.string().min(1).max(300);
const expression = z.string().min(1).max(500);
/** Answers that are one number, which an expression can make. */
const EXTENSIBLE = SKILLS.map(({ name }) => name).filter((name) => name !== 'decimal-order');

const entry = z
  .strictObject({
    name: z.string().regex(/^[a-z][a-z0-9-]{1,63}$/, 'must be of small letters, digits and hyphens'),
    skill: z.enum(EXTENSIBLE as [string, ...string[]]),
    title: text.describe('what the learner does, going on from "the learner": "adds the tens first"'),
    hint: text.regex(/^\D*$/, 'must have no digits: it stands with every item'),
    answer: z
      .union([expression, z.record(z.string().min(3).max(40), expression)])
      .optional()
      .describe(
        'what the learner answers, by the numbers a, b, … of the item; or one expression for each form, as "a*b+c"',
      ),
    columns: z
      .strictObject({ write: expression, carry: expression })
      .optional()
      .describe('of addition: what is written below a column and carried out of it, by a, b, carry, place'),
  })
  .refine(
    ({ answer, columns }) => (answer === undefined) !== (columns === undefined),
    'needs either answer or columns',
  )
  .refine(({ columns, skill }) => columns === undefined || skill === 'addition', {
    path: ['columns'],
    message: 'are of addition only',
  });

const fileSchema = z.strictObject({ misconceptions: z.array(entry).min(1).max(200) });

/** A misconception as it is stored: its rules as trees. */
export type Further = {
  name: string;
  skill: string;
  title: string;
  hint: string;
  rules: { forms: Record<string, Tree> } | { every: Tree } | { columns: { write: Tree; carry: Tree } };
};

const LETTERS = ['a', 'b', 'c', 'd', 'e'];
const COLUMN_NAMES = ['a', 'b', 'carry', 'place'];

/** @throws InvalidInputError naming every entry that can't be taken */
export async function readFurther(path: string): Promise<Further[]> {
  const what = 'catalogue';
  const { misconceptions } = parseAs(fileSchema, await readYaml(resolve(path), what), what);
  const problems = collectProblems();
  const read: Further[] = [];
  for (const one of misconceptions) {
    const bad = (why: string) => problems.add(`${what} ${path}: ${one.name}: ${why}`);
    const taken = catalogueOf(read.map(misconceptionOf)).named(one.name);
    if (taken) bad('there is a misconception of this name already');
    const rules = await rulesOf(one, bad);
    if (!rules || taken) continue;
    const { name, skill, title, hint } = one;
    const further = { name, skill, title, hint, rules };
    const problem = problemOf(misconceptionOf(further), catalogueOf(read.map(misconceptionOf)).of(skill));
    if (problem) bad(problem);
    else read.push(further);
  }
  problems.throwIfAny();
  return read;
}

async function rulesOf(
  { answer, columns, skill }: z.output<typeof entry>,
  bad: (why: string) => void,
): Promise<Further['rules'] | undefined> {
  const parsed = async (where: string, rule: string, names: readonly string[]): Promise<Tree | undefined> => {
    try {
      return await parseRule(rule, names);
    } catch (error) {
      if (!(error instanceof RuleError)) throw error;
      bad(`${where}: the expression ${JSON.stringify(rule)} ${error.message}`);
      return undefined;
    }
  };
  if (columns) {
    const write = await parsed('columns.write', columns.write, COLUMN_NAMES);
    const carry = await parsed('columns.carry', columns.carry, COLUMN_NAMES);
    return write && carry && { columns: { write, carry } };
  }
  if (typeof answer === 'string') {
    const every = await parsed('answer', answer, lettersOf(formsOf(skill)));
    return every && { every };
  }
  const forms: Record<string, Tree> = {};
  let whole = true;
  for (const [form, rule] of Object.entries(answer!)) {
    if (!formsOf(skill).includes(form))
      bad(`answer: ${skill} has no form ${JSON.stringify(form)}; it has ${formsOf(skill).join(', ')}`);
    const tree = await parsed(`answer ${form}`, rule, lettersOf([form]));
    if (tree) forms[form] = tree;
    whole &&= tree !== undefined && formsOf(skill).includes(form);
  }
  return whole ? { forms } : undefined;
}

/** The same items whenever they are looked at, of all levels of a skill. */
function probes(name: string): Item[] {
  const { levels, draw } = skillOf(name);
  return levels.flatMap((level) => {
    const next = fastStream(`probes/${name}/${level}`);
    return Array.from({ length: 80 }, () => draw(level, next));
  });
}

const formsOf = (skill: string): string[] => [...new Set(probes(skill).map(({ form }) => form))];
/** The letters that all of these forms have. */
const lettersOf = (forms: readonly string[]): string[] =>
  LETTERS.filter((letter) => forms.every((form) => form.includes(letter)));

function problemOf(own: Misconception, others: readonly Misconception[]): string | undefined {
  const items = probes(own.skill);
  const { truth } = skillOf(own.skill);
  const shown = items.filter((item) => own.answer(item) !== truth(item));
  if (shown.length === 0)
    return `gives the right answer, or none that can be written, to all of ${items.length} items: it is no misconception`;
  const twin = others.find((other) => items.every((item) => other.answer(item) === own.answer(item)));
  return twin && `answers every one of ${items.length} items as ${twin.name} does`;
}

/** A stored misconception as one that answers. */
export function misconceptionOf({ rules, ...about }: Further): Misconception {
  const { truth } = skillOf(about.skill);
  if ('columns' in rules) {
    const { write, carry } = rules.columns;
    return byColumns({
      ...about,
      rule(column) {
        const values = Object.fromEntries(
          (['a', 'b', 'carry', 'place'] as const).map((name) => [name, new Fraction(column[name])]),
        );
        // A column has room for what is a digit; what a rule makes beyond that can't be written there.
        const digit = (tree: Tree) => Number(evaluate(tree, values)?.floor().mod(10).abs() ?? 0);
        return { write: digit(write), carry: digit(carry) };
      },
    });
  }
  return {
    ...about,
    answer(item) {
      const tree = 'every' in rules ? rules.every : rules.forms[item.form];
      const values = Object.fromEntries(item.numbers.map((number, i) => [LETTERS[i]!, new Fraction(number)]));
      const value = tree && evaluate(tree, values);
      return (value && written(about.skill, value)) ?? truth(item);
    },
  };
}

/** A value as an answer of the skill; undefined where it is none. */
function written(skill: string, value: Fraction): string | undefined {
  if (skill === 'fractions') return fractionText(value);
  const text = value.d === 1n ? value.toFraction() : value.toString();
  // What does not end is written with brackets, and can't be read back.
  return skillOf(skill).readAnswer(text);
}
