/** Learners' maps as people read them: in the terminal, in reports, on pages. */
import { catalogueOf, type Catalogue } from '../../tasks/tutor/catalogue.ts';
import { NONE, UNKNOWN } from '../../tasks/tutor/diagnose.ts';
import { misconceptionOf } from '../../tasks/tutor/further.ts';
import { practiceFor, type LearnerMap, type SkillMap } from '../../tasks/tutor/map.ts';
import type { PracticeItem } from '../../tasks/tutor/practice.ts';
import type { TaskSpec } from '../../tasks/index.ts';
import type { ExplainedRow } from '../report/tables/learners.ts';

export type LearnerRow = SkillMap & { learner: string; says: string };

/** What the learners of a run's log have, as it was when the run began. */
export type LearnerReport = { rows: LearnerRow[]; learners: number };

const WORDS: Record<string, string> = {
  [NONE]: 'answers rightly, but for slips',
  [UNKNOWN]: 'makes errors that the catalogue does not explain',
};

const wordsFor = (name: string, catalogue: Catalogue): string =>
  WORDS[name] ?? catalogue.named(name)?.title ?? 'is no longer in the catalogue';

export const learnerRows = (learners: readonly LearnerMap[], catalogue: Catalogue): LearnerRow[] =>
  learners.flatMap(({ learner, skills }) =>
    skills.map((skill) => ({
      ...skill,
      learner,
      says:
        skill.finding === null ? `${skill.reason}; ask ${skill.next}` : wordsFor(skill.finding, catalogue),
    })),
  );

/** Null for a task that does not tutor. */
export function learnerReport(spec: TaskSpec): LearnerReport | null {
  if (spec.kind !== 'tutor') return null;
  const catalogue = catalogueOf(spec.further.map(misconceptionOf));
  return { rows: learnerRows(spec.learners, catalogue), learners: spec.learners.length };
}

/** How many were found to have what, the most frequent first. */
export function learnerSentence({ rows, learners }: LearnerReport): string {
  const found = [...Map.groupBy(rows, ({ finding }) => finding ?? 'not sure')]
    .map(([name, own]) => ({ name, count: own.length }))
    .toSorted((x, y) => y.count - x.count);
  const names = found.map(({ name, count }) => `${name}: ${count}`).join(', ');
  return `${learners === 1 ? '1 learner' : `${learners} learners`}. ${names}.`;
}

export const explainedRows = ({ explained }: SkillMap, catalogue: Catalogue): ExplainedRow[] =>
  explained
    .filter(({ probability }) => probability >= 0.001)
    .map(({ name, probability }) => ({ name, probability, says: wordsFor(name, catalogue) }));

/** One learner with everything: explanations, and practice where there is something to practise away. */
export type LearnerDetail = LearnerMap & { practice: PracticeItem[] };

export const withPractice = (
  { learner, skills }: LearnerMap,
  catalogue: Catalogue,
  options: { count: number; seed: number },
): LearnerDetail => ({
  learner,
  skills,
  practice: skills.flatMap((skill) => practiceFor(learner, skill, catalogue, options)),
});
