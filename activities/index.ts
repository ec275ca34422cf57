/** All activities, by the task queue that serves them. */
import { createBenchmarkActivities, type BenchmarkActivities } from './benchmark.ts';
import { createCollectActivities, type CollectActivities } from './collect.ts';
import { toDatabaseFailure } from '../db/errors.ts';
import type { Deps } from './context.ts';
import { createCourseActivities, type CourseActivities } from './course.ts';
import { createCritiqueActivities, type CritiqueActivities } from './critique.ts';
import { createDatasetActivities, type DatasetActivities } from './dataset.ts';
import { createDecideActivities, type DecideActivities } from './decide.ts';
import { createDriftActivities, type DriftActivities } from './drift.ts';
import { createFilterActivities, type FilterActivities } from './filter.ts';
import { createGenerateActivities, type GenerateActivities } from './generate.ts';
import { createIterationActivities, type IterationActivities } from './iteration.ts';
import { createPlantActivities, type PlantActivities } from './plant.ts';
import { createMajorityActivities, type MajorityActivities } from './majority.ts';
import { createResampleActivities, type ResampleActivities } from './resample.ts';
import { createReviewActivities, type ReviewActivities } from './review.ts';
import { createRunActivities, type RunActivities } from './run.ts';
import { createTrainActivities, type TrainActivities } from './train.ts';
import { createVoteActivities, type VoteActivities } from './vote.ts';

export type MainActivities = Omit<RunActivities, 'identifyBase'> &
  IterationActivities &
  CourseActivities &
  CollectActivities &
  PlantActivities &
  VoteActivities &
  FilterActivities &
  ReviewActivities &
  DatasetActivities &
  Omit<BenchmarkActivities, 'benchmarkItems'> &
  DecideActivities;

export type LlmActivities = Pick<RunActivities, 'identifyBase'> &
  GenerateActivities &
  DriftActivities &
  ResampleActivities &
  CritiqueActivities &
  MajorityActivities &
  Pick<BenchmarkActivities, 'benchmarkItems'>;

export type { TrainActivities };

export function createActivities(deps: Deps): {
  main: MainActivities;
  llm: LlmActivities;
  train: TrainActivities;
} {
  const { identifyBase, ...run } = createRunActivities(deps);
  const { benchmarkItems, ...benchmark } = createBenchmarkActivities(deps);
  return {
    main: inPlainWords({
      ...run,
      ...createIterationActivities(deps),
      ...createCourseActivities(deps),
      ...createCollectActivities(deps),
      ...createPlantActivities(deps),
      ...createVoteActivities(deps),
      ...createFilterActivities(deps),
      ...createReviewActivities(deps),
      ...createDatasetActivities(deps),
      ...benchmark,
      ...createDecideActivities(deps),
    }),
    llm: inPlainWords({
      identifyBase,
      ...createGenerateActivities(deps),
      ...createDriftActivities(deps),
      ...createResampleActivities(deps),
      ...createCritiqueActivities(deps),
      ...createMajorityActivities(deps),
      benchmarkItems,
    }),
    train: inPlainWords(createTrainActivities(deps)),
  };
}

/** The same activities, with failures of the database in its own words, before anybody logs, traces or stores them. */
function inPlainWords<Activities extends object>(activities: Activities): Activities {
  const wrapped = Object.entries(activities).map(([name, run]: [string, (input: unknown) => unknown]) => [
    name,
    async (...input: [unknown]) => {
      try {
        return await run(...input);
      } catch (error) {
        throw toDatabaseFailure(error);
      }
    },
  ]);
  return Object.fromEntries(wrapped) as Activities;
}
