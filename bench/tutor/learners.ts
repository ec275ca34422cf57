/**
 * Learners that are rules: they answer as their misconception says, but for slips. How they slip is made here and is not what the diagnosis
 * expects: half of the slips change a digit or two numbers' places, a quarter are the right answer, a quarter what another
 * misconception of the skill gives.
 */
import { diagnose, nextItem, type Answered, type Diagnosis } from '../../tasks/tutor/diagnose.ts';
import { skillOf, type Catalogue } from '../../tasks/tutor/catalogue.ts';
import { tellingLevel } from '../../tasks/tutor/practice.ts';
import { below, type Item, type Misconception } from '../../tasks/tutor/skill.ts';
import { fastStream } from '../../tasks/random.ts';

export type Learner = {
  skill: string;
  level: number;
  /** Undefined: they have none, and only slip. */
  misconception: Misconception | undefined;
  answer(item: Item): string;
};

/** A digit that is another one; of a list, two neighbours that have changed places. */
function misread(answer: string, next: () => number): string {
  const list = answer.split(', ');
  if (list.length > 1) {
    const at = below(list.length - 1, next);
    return list
      .with(at, list[at + 1]!)
      .with(at + 1, list[at]!)
      .join(', ');
  }
  const places = [...answer.matchAll(/\d/g)].map(({ index }) => index);
  const at = places[below(places.length, next)]!;
  const digit = (Number(answer[at]) + 1 + below(9, next)) % 10;
  return answer.slice(0, at) + digit + answer.slice(at + 1);
}

function slip(item: Item, own: string, others: readonly Misconception[], next: () => number): string {
  const kind = next();
  if (kind < 0.25) return skillOf(item.skill).truth(item);
  const other = others[below(others.length, next)];
  if (kind < 0.5 && other) return other.answer(item);
  return skillOf(item.skill).readAnswer(misread(own, next)) ?? own;
}

export function learnerWith(
  misconception: Misconception | undefined,
  skill: string,
  level: number,
  { slips, catalogue, next }: { slips: number; catalogue: Catalogue; next: () => number },
): Learner {
  const others = catalogue.of(skill).filter((one) => one !== misconception);
  const { truth } = skillOf(skill);
  return {
    skill,
    level,
    misconception,
    answer(item) {
      const own = misconception ? misconception.answer(item) : truth(item);
      return next() < slips ? slip(item, own, others, next) : own;
    },
  };
}

/** The easiest level on which every misconception of a skill can be seen. */
export const openLevel = (skill: string, catalogue: Catalogue): number =>
  Math.max(...catalogue.of(skill).map((one) => tellingLevel(one, 1, fastStream(`open/${one.name}`)) ?? 1));

/** Items chosen one after the other by what was answered so far, until there is a finding. */
export function interview(
  learner: Learner,
  { most, catalogue, next }: { most: number; catalogue: Catalogue; next: () => number },
): { answers: Answered[]; diagnosis: Diagnosis } {
  const { skill, level } = learner;
  const answers: Answered[] = [];
  let diagnosis = diagnose(skill, answers, catalogue);
  while (answers.length < most && diagnosis.finding === null) {
    const item = nextItem(skill, level, answers, catalogue, next);
    answers.push({ item, answer: learner.answer(item) });
    diagnosis = diagnose(skill, answers, catalogue);
  }
  return { answers, diagnosis };
}
