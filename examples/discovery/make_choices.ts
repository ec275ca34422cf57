/**
 * Makes the problems of choices.ts, of a study in memory for each family of laws: choices.jsonl of families of laws that may be trained on, choices-target.jsonl and
 * choices-final.jsonl of those that may not.
 *
 *     npx node examples/discovery/make_choices.ts [--seed 1]
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { choicesOf, choiceText } from '../../tasks/discovery/choices.ts';
import { LAWS, SEEN_FAMILIES } from '../../tasks/discovery/laws.ts';

const { values } = parseArgs({ options: { seed: { type: 'string', default: '1' } } });
const seed = Number(values.seed);

/** Experiments of a study, and problems that are drawn after each. */
const [BUDGET, EACH] = [9, 32];

const found: Record<'choices' | 'choices-target' | 'choices-final', Set<string>> = {
  choices: new Set(),
  'choices-target': new Set(),
  'choices-final': new Set(),
};
let held = 0;
// Three quantities have thousands of hypotheses, and say nothing new of a choice.
const small = LAWS.filter(({ parts }) => parts.length === 2);
for (const { name, family } of small.filter(
  (one, i) => small.findIndex((law) => law.family === one.family) === i,
)) {
  const file = SEEN_FAMILIES.includes(family)
    ? 'choices'
    : held++ % 2 === 0
      ? 'choices-target'
      : 'choices-final';
  for (const choice of await choicesOf(name, seed, BUDGET, EACH)) found[file].add(choiceText(choice));
  console.error(`${name}: ${found[file].size} in ${file}.jsonl`);
}
for (const [file, texts] of Object.entries(found))
  writeFileSync(
    new URL(`${file}.jsonl`, import.meta.url),
    [...texts].map((text) => `${JSON.stringify({ text })}\n`).join(''),
  );
