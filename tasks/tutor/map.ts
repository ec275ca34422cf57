/** What is known of each learner: skill by skill the finding, the level, and the item to ask next where nothing is found yet. */
import { fastStream, priority } from '../random.ts';
import { skillOf, type Catalogue } from './catalogue.ts';
import { diagnose, nextItem, NONE, type Answered, type Diagnosis } from './diagnose.ts';
import type { Log } from './log.ts';
import { practice, type PracticeItem } from './practice.ts';

export type SkillMap = Diagnosis & {
  level: number;
  /** What to ask next to tell explanations apart; null where there is a finding. */
  next: string | null;
};

export type LearnerMap = { learner: string; skills: SkillMap[] };

/** Explanations that are kept of each: all others are less likely. */
const KEPT = 4;

export const mapOf = (log: Log, catalogue: Catalogue): LearnerMap[] =>
  [...log]
    .map(([learner, answers]) => ({
      learner,
      skills: [...Map.groupBy(answers, ({ item }) => item.skill)].map(([skill, own]) =>
        skillMap(learner, skill, own, catalogue),
      ),
    }))
    .toSorted((x, y) => (x.learner < y.learner ? -1 : 1));

function skillMap(learner: string, skill: string, answers: Answered[], catalogue: Catalogue): SkillMap {
  const diagnosis = diagnose(skill, answers, catalogue);
  const level = levelOf(answers, diagnosis, catalogue);
  const next = () =>
    nextItem(skill, level, answers, catalogue, fastStream(`next/${learner}/${skill}/${answers.length}`)).text;
  return {
    ...diagnosis,
    explained: diagnosis.explained.slice(0, KEPT),
    level,
    next: diagnosis.finding === null ? next() : null,
  };
}

/** The highest level at which at least half of the answers are right, or what the finding says; else the lowest that was asked. */
function levelOf(answers: readonly Answered[], { skill, finding }: Diagnosis, catalogue: Catalogue): number {
  const { truth, levels } = skillOf(skill);
  const own = finding === null ? undefined : catalogue.named(finding);
  const masters = ({ item, answer }: Answered) => answer === truth(item) || answer === own?.answer(item);
  const byLevel = [...Map.groupBy(answers, ({ item }) => item.level)].toSorted(([x], [y]) => y - x);
  const mastered = byLevel.find(([, own]) => 2 * own.filter(masters).length >= own.length);
  const asked = (mastered ?? byLevel.at(-1)!)[0];
  return Math.min(asked, levels.at(-1)!);
}

/** A finding that can be practised away. */
export const isMisconception = (finding: string | null, catalogue: Catalogue): finding is string =>
  finding !== null && finding !== NONE && catalogue.named(finding) !== undefined;

/** Practice for one skill of a learner, the same for the same seed; none where there is nothing to practise away. */
export function practiceFor(
  learner: string,
  { finding, level }: Pick<SkillMap, 'finding' | 'level'>,
  catalogue: Catalogue,
  { count, seed = 1 }: { count: number; seed?: number },
): PracticeItem[] {
  if (!isMisconception(finding, catalogue)) return [];
  const own = `practice/${seed}/${priority('learner', learner)}/${finding}`;
  return practice(catalogue.named(finding)!, { level, count, next: fastStream(own) });
}
