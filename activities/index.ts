/** All activities, by the task queue that serves them. Their names are what Temporal calls them by: they stay. */
import { toDatabaseFailure } from '../db/errors.ts';
import type { Deps } from '../engine/context.ts';
import { dataWithoutSecrets, redactError } from '../process/secrets.ts';
import { askAdapted, freeAnswer, trainAnswer } from './answer/adapt.ts';
import { chooseDemonstrations, lookFirst } from './answer/look.ts';
import { closeAnswer, openAnswer } from './answer/open.ts';
import { buildDataset } from './adapt/dataset.ts';
import { cancelTraining, train } from './adapt/train.ts';
import { benchmarkItems, closeEvaluation, planEvaluations } from './benchmark/benchmark.ts';
import { majorityPage } from './benchmark/majority.ts';
import { collect } from './collect/collect.ts';
import { decide } from './decide/decide.ts';
import { closeStudy } from './discover/close.ts';
import { observe, storeSimulated } from './discover/observe.ts';
import { openStudy } from './discover/open.ts';
import { planExperiment } from './discover/plan.ts';
import { retireAdapter } from './decide/retire.ts';
import { critiquePage } from './evaluate/critique.ts';
import { debatePage, openDebates } from './evaluate/debate.ts';
import { plantProbes } from './evaluate/plant.ts';
import { moreProofPage } from './evaluate/more-proof.ts';
import { resamplePage } from './evaluate/resample.ts';
import { vote } from './evaluate/vote.ts';
import { filter } from './filter/filter.ts';
import { playPage } from './filter/self-play.ts';
import { variantPage } from './filter/variants.ts';
import { generatePage } from './generate/generate.ts';
import {
  answerStagnation,
  changeBudget,
  findResetTarget,
  lighten,
  recordState,
  reset,
  skipIteration,
} from './run/course.ts';
import { openMemoryTest, proposeMemory } from './memory/open.ts';
import { closeMemoryTest, memoryTestPage } from './memory/test.ts';
import { sampleDrift } from './run/drift.ts';
import { countVoted, pendingInSandbox, storeChecked } from './sandbox/pending.ts';
import { closeStage, failStage, openStage, startIteration } from './run/iteration.ts';
import { decideReviews, openReviews } from './run/review.ts';
import { identifyBase, identifyTeacher } from './run/identify.ts';
import { measureFootprints } from './run/footprint.ts';
import { finishRun, prepareRun, runCheckpoints } from './run/run.ts';
import { nextTarget } from './run/targets.ts';
import { trackRun } from './run/track.ts';

/** The database and light work. */
const main = {
  prepareRun,
  runCheckpoints,
  finishRun,
  startIteration,
  openStage,
  closeStage,
  failStage,
  findResetTarget,
  recordState,
  changeBudget,
  reset,
  nextTarget,
  answerStagnation,
  lighten,
  skipIteration,
  collect,
  openMemoryTest,
  closeMemoryTest,
  plantProbes,
  openDebates,
  vote,
  countVoted,
  pendingInSandbox,
  storeChecked,
  filter,
  openReviews,
  decideReviews,
  buildDataset,
  planEvaluations,
  closeEvaluation,
  decide,
  openAnswer,
  chooseDemonstrations,
  closeAnswer,
  openStudy,
  planExperiment,
  observe,
  storeSimulated,
  closeStudy,
  trackRun,
};

/** Model calls. */
const llm = {
  identifyBase,
  identifyTeacher,
  measureFootprints,
  proposeMemory,
  memoryTestPage,
  generatePage,
  sampleDrift,
  resamplePage,
  moreProofPage,
  critiquePage,
  debatePage,
  playPage,
  variantPage,
  majorityPage,
  benchmarkItems,
  lookFirst,
  // Not with the trainers' queue, which serves one job at a time: an answer must not wait for a run's.
  trainAnswer,
  askAdapted,
  freeAnswer,
  retireAdapter,
};

/** Fine-tuning, one at a time. */
const training = { train, cancelTraining };

type Activity = (deps: Deps, ...input: never[]) => Promise<unknown>;

/** Activities as a workflow calls them: without what the worker gives them. */
type Bound<Activities> = {
  [Name in keyof Activities]: Activities[Name] extends (deps: Deps, ...input: infer Input) => infer Result
    ? (...input: Input) => Result
    : never;
};

export type MainActivities = Bound<typeof main>;
export type LlmActivities = Bound<typeof llm>;
export type TrainActivities = Bound<typeof training>;

export function createActivities(deps: Deps): {
  main: MainActivities;
  llm: LlmActivities;
  train: TrainActivities;
} {
  return { main: bind(deps, main), llm: bind(deps, llm), train: bind(deps, training) };
}

/**
 * Gives activities what they work with. Failures of the database are put in its own words and freed of secrets before anybody
 * logs, traces or stores them; so is what activities answer.
 */
function bind<Activities extends Record<string, Activity>>(
  deps: Deps,
  activities: Activities,
): Bound<Activities> {
  const bound = Object.entries(activities).map(([name, activity]) => [
    name,
    async (...input: never[]) => {
      try {
        return dataWithoutSecrets(await activity(deps, ...input));
      } catch (error) {
        throw redactError(toDatabaseFailure(error));
      }
    },
  ]);
  return Object.fromEntries(bound) as Bound<Activities>;
}
