/**
 * How many practice items repair a learner that is a model: the built-in adder is trained to make one misconception's errors, diagnosed by
 * what it answers, and then taught with right work, once on items that the misconception gets wrong and once on random items of the same
 * level. Each set of items is taught from the same faulty adapter for as many steps. Repaired: at least 90 % right on held-out items that
 * the misconception gets wrong. docs/tutor.md quotes it.
 *
 *   npx node bench/tutor/repair.ts --url http://127.0.0.1:8100/v1 [--misconceptions no-carry,…] [--seeds 1,2,3] [--level 3]
 *     [--planting ITEMS] [--planting-steps STEPS]
 */
import { parseArgs } from 'node:util';
import { percent } from '../../process/text.ts';
import { roundRobin } from '../../tasks/arithmetic/generator.ts';
import { fastStream } from '../../tasks/random.ts';
import { catalogueOf, skillOf } from '../../tasks/tutor/catalogue.ts';
import { diagnose, nextItem, type Answered } from '../../tasks/tutor/diagnose.ts';
import { rich, telling, verified } from '../../tasks/tutor/practice.ts';
import type { Item, Misconception } from '../../tasks/tutor/skill.ts';
import { ruleOf } from '../../tasks/tutor/skills/addition.ts';
import { answersOf, endpointAt, MODEL, teach } from './model-learner.ts';

const { values } = parseArgs({
  options: {
    url: { type: 'string' },
    misconceptions: { type: 'string', default: 'no-carry,carry-lost-at-nine,carries-once' },
    seeds: { type: 'string', default: '1,2,3' },
    level: { type: 'string', default: '3' },
    planting: { type: 'string', default: '240' },
    'planting-steps': { type: 'string', default: '100' },
  },
});
const endpoint = endpointAt(values.url);
const level = Number(values.level);
const catalogue = catalogueOf();
const { draw, truth } = skillOf('addition');

/** Numbers of items to practise that are tried. */
const SIZES = [4, 8, 16, 32, 64, 128, 256];
const HELD_OUT = 40;
const REPAIRED = 0.9;
const ANSWERS = 5;

function* random(next: () => number, exclude: (text: string) => boolean): Generator<Item> {
  const given = new Set<string>();
  for (;;) {
    const item = draw(level, next);
    if (given.has(item.text) || exclude(item.text)) continue;
    given.add(item.text);
    verified(item);
    yield item;
  }
}
const take = <T>(items: Iterable<T>, count: number): T[] => [...roundRobin([items], count)];

const shareOf = async (
  model: string,
  items: readonly Item[],
  expected: (item: Item) => string,
): Promise<number> => {
  const answers = await answersOf(endpoint, model, items);
  return answers.filter((answer, i) => answer === expected(items[i]!)).length / items.length;
};

/** Asks the model items one by one, as a learner would be. */
async function diagnosed(
  model: string,
  next: () => number,
): Promise<{ finding: string | null; answers: number }> {
  const answers: Answered[] = [];
  let diagnosis = diagnose('addition', answers, catalogue);
  while (answers.length < ANSWERS && diagnosis.finding === null) {
    const item = nextItem('addition', level, answers, catalogue, next);
    const [answer] = await answersOf(endpoint, model, [item]);
    answers.push({ item, answer: answer! });
    diagnosis = diagnose('addition', answers, catalogue);
  }
  return { finding: diagnosis.finding, answers: answers.length };
}

/** The least number of the list that repairs, found by bisection: more items are taken to repair no worse. */
async function itemsNeeded(
  faulty: string,
  items: readonly Item[],
  heldOut: readonly Item[],
  seed: number,
): Promise<{ needed: number | undefined; course: string }> {
  const found = new Map<number, number>();
  let [low, high] = [0, SIZES.length];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const size = SIZES[middle]!;
    const taught = await teach(endpoint, items.slice(0, size), { on: faulty, seed });
    const right = await shareOf(taught.model, heldOut, truth);
    await taught.forget();
    found.set(size, right);
    console.error(`  ${size} items: ${percent(right, 0)} right`);
    if (right >= REPAIRED) high = middle;
    else low = middle + 1;
  }
  const course = [...found]
    .toSorted(([x], [y]) => x - y)
    .map(([size, right]) => `${size}: ${percent(right, 0)}`);
  return { needed: SIZES[low], course: course.join(', ') };
}

async function repair(misconception: Misconception, seed: number) {
  const rule = ruleOf(misconception)!;
  const name = (what: string) => fastStream(`repair/${seed}/${misconception.name}/${what}`);
  const held = take(telling(misconception, level, name('held out')), HELD_OUT);
  const heldTexts = new Set(held.map(({ text }) => text));
  const apart = (text: string) => heldTexts.has(text);
  const rest = take(
    random(name('untouched'), (text) => apart(text)),
    4 * HELD_OUT,
  )
    .filter((item) => misconception.answer(item) === truth(item))
    .slice(0, HELD_OUT);

  // Telling items and others in equal parts: what the rare misconceptions do must be learnt as surely as the common ones.
  const planting = Number(values.planting);
  const lessons = [
    ...take(telling(misconception, level, name('planting'), apart), planting / 2),
    ...take(random(name('planting others'), apart), planting / 2),
  ];
  const faulty = await teach(endpoint, lessons, {
    on: MODEL,
    rule,
    seed,
    steps: Number(values['planting-steps']),
  });
  const planted = await shareOf(faulty.model, held, (item) => misconception.answer(item));
  const untouched = await shareOf(faulty.model, rest, truth);
  console.error(`  planted ${percent(planted, 0)}, others right ${percent(untouched, 0)}`);
  const { finding, answers } = await diagnosed(faulty.model, name('interview'));
  const most = SIZES.at(-1)!;
  const targeted = await itemsNeeded(
    faulty.model,
    take(rich(misconception, level, name('targeted'), apart), most),
    held,
    seed,
  );
  const atRandom = await itemsNeeded(faulty.model, take(random(name('random'), apart), most), held, seed);
  await faulty.forget();
  console.log(
    `${misconception.name}, seed ${seed}: planted in ${faulty.seconds} s (${percent(planted, 0)} of held-out items answered as it says, ${percent(untouched, 0)} of others right); ` +
      `diagnosed as ${finding ?? 'nothing'} by ${answers} answers; targeted ${targeted.needed ?? `more than ${most}`} items (${targeted.course}); ` +
      `random ${atRandom.needed ?? `more than ${most}`} (${atRandom.course})`,
  );
  return { name: misconception.name, targeted: targeted.needed, random: atRandom.needed };
}

for (const name of values.misconceptions.split(',')) {
  const misconception = catalogue.named(name);
  if (!misconception || !ruleOf(misconception))
    throw new Error(`--misconceptions: ${name} is no column rule of addition`);
  for (const seed of values.seeds.split(',').map(Number)) await repair(misconception, seed);
}
