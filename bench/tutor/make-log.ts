/**
 * Makes the log of examples/tutor: thirty simulated learners. Most have one misconception, two have one in each of two skills, three have
 * none, two make errors of no kind that the catalogue knows, and three have answered too little to tell.
 *
 *   npx node bench/tutor/make-log.ts > examples/tutor/answers.jsonl
 */
import { catalogueOf, skillOf } from '../../tasks/tutor/catalogue.ts';
import { jsonLine } from '../../tasks/jsonl.ts';
import { below, type Item } from '../../tasks/tutor/skill.ts';
import { fastStream } from '../../tasks/random.ts';
import { learnerWith } from './learners.ts';

const NAMES =
  'ada ben cleo dev eli fay gus hana ivo jun kai lea mia noa ole pia quin ravi sol tia uma vic wyn xia yan zoe amir bea cai dina'.split(
    ' ',
  );
const HAVE =
  'no-carry carry-lost-at-nine carries-once no-carry smaller-from-larger borrows-across-zero zero-becomes-nine zero-minus-is-digit stops-at-zero place-shift-forgotten times-no-carry times-zero-is-digit adds-both-parts takes-larger-denominator longer-is-larger shorter-is-larger aligned-right parts-added-apart left-to-right addition-before-subtraction minus-minus-is-minus first-sign-for-all'.split(
    ' ',
  );
const LEVELS: Record<string, number> = {
  fractions: 2,
  'decimal-order': 2,
  'decimal-sums': 2,
  order: 2,
  signs: 2,
};
const ANSWERS = 8;
const FEW = 2;

const catalogue = catalogueOf();
const next = fastStream('examples/tutor');

function answers(learner: string, skill: string, count: number, answer: (item: Item) => string): void {
  const { draw, levels } = skillOf(skill);
  const level = LEVELS[skill] ?? Math.min(3, levels.at(-1)!);
  for (let i = 0; i < count; i++) {
    const item = draw(level, next);
    console.log(jsonLine({ learner, item: item.text, answer: answer(item) }));
  }
}

function withMisconception(learner: string, name: string, count: number): void {
  const own = catalogue.named(name)!;
  const one = learnerWith(own, own.skill, 1, { slips: 0.1, catalogue, next });
  answers(learner, own.skill, count, one.answer);
}

const [none, odd, few] = [NAMES.slice(22, 25), NAMES.slice(25, 27), NAMES.slice(27)];
for (const [i, name] of HAVE.entries()) withMisconception(NAMES[i]!, name, ANSWERS);
withMisconception(NAMES[0]!, 'keeps-numerators', ANSWERS);
withMisconception(NAMES[4]!, 'sign-dropped', ANSWERS);
for (const learner of none)
  answers(
    learner,
    'subtraction',
    ANSWERS,
    learnerWith(undefined, 'subtraction', 3, { slips: 0.1, catalogue, next }).answer,
  );
for (const learner of odd) answers(learner, 'multiplication', ANSWERS, () => String(1 + below(999, next)));
for (const learner of few) withMisconception(learner, 'stops-at-zero', FEW);
