/**
 * How often the diagnosis is right: simulated learners, each with one misconception of the catalogue in turn and some with none, asked at
 * most five items that are chosen by what they answered before. docs/tutor.md quotes it.
 *
 *   npx node bench/tutor/diagnosis.ts [--learners 200] [--without 50] [--slips 0.1] [--answers 5] [--seed 1]
 */
import { parseArgs } from 'node:util';
import { wilson } from '../../loop/interval.ts';
import { percent } from '../../process/text.ts';
import { catalogueOf, SKILLS, skillOf } from '../../tasks/tutor/catalogue.ts';
import { NONE } from '../../tasks/tutor/diagnose.ts';
import { below } from '../../tasks/tutor/skill.ts';
import { fastStream } from '../../tasks/random.ts';
import { interview, learnerWith, openLevel } from './learners.ts';

const { values } = parseArgs({
  options: {
    learners: { type: 'string', default: '200' },
    without: { type: 'string', default: '50' },
    slips: { type: 'string', default: '0.1' },
    answers: { type: 'string', default: '5' },
    seed: { type: 'string', default: '1' },
  },
});
const [learners, without, slips, most] = [values.learners, values.without, values.slips, values.answers].map(
  Number,
) as [number, number, number, number];

const catalogue = catalogueOf();
const lowest = new Map(SKILLS.map(({ name }) => [name, openLevel(name, catalogue)]));

type Outcome = { name: string; skill: string; first: string; finding: string | null; answers: number };

function outcomeOf(i: number): Outcome {
  const next = fastStream(`learner/${values.seed}/${i}`);
  const misconception = i < learners ? catalogue.all[i % catalogue.all.length] : undefined;
  const skill = misconception?.skill ?? SKILLS[i % SKILLS.length]!.name;
  const open = skillOf(skill).levels.filter((level) => level >= lowest.get(skill)!);
  const level = open[below(open.length, next)]!;
  const learner = learnerWith(misconception, skill, level, { slips, catalogue, next });
  const { answers, diagnosis } = interview(learner, { most, catalogue, next });
  const { explained, finding } = diagnosis;
  return {
    name: misconception?.name ?? NONE,
    skill,
    first: explained[0]!.name,
    finding,
    answers: answers.length,
  };
}

const outcomes = Array.from({ length: learners + without }, (_, i) => outcomeOf(i));

function say(title: string, all: readonly Outcome[]): void {
  if (all.length === 0) return;
  const count = (of: (one: Outcome) => boolean) => all.filter(of).length;
  const right = count(({ first, name }) => first === name);
  const { low, high } = wilson(right, all.length);
  const asked = all.reduce((sum, { answers }) => sum + answers, 0) / all.length;
  console.log(
    `${title}: right first for ${right} of ${all.length} (${percent(right / all.length)}, 95 % interval ${percent(low)}–${percent(high)}), ` +
      `${count(({ finding }) => finding === null)} abstained, ${count(({ finding, name }) => finding !== null && finding !== name)} wrong findings, ${asked.toFixed(1)} answers on average`,
  );
}

const withOne = outcomes.filter(({ name }) => name !== NONE);
say('with a misconception', withOne);
for (const { name } of SKILLS)
  say(
    `  ${name}`,
    withOne.filter(({ skill }) => skill === name),
  );
say(
  'with none',
  outcomes.filter(({ name }) => name === NONE),
);
for (const { name, first, finding } of outcomes)
  if (first !== name) console.log(`  ${name} taken for ${first}${finding === null ? ', not sure' : ''}`);
