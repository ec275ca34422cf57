import { planExperiment as storePlan } from '../../db/queries/discovery.ts';
import type { Deps } from '../../engine/context.ts';
import { assess, readStudy, type StudyContext } from '../../engine/study.ts';
import type { Evidence } from '../../tasks/discovery/evidence.ts';
import { foretell } from '../../tasks/discovery/foretell.ts';
import { simulation, type Simulation } from '../../tasks/discovery/simulation.ts';
import { chooseNext, measuredIn } from '../../tasks/discovery/study.ts';

/** The next experiment, with what the sandbox has to run where it is a simulator's; or why there is none. */
export type Planned = { number: number; simulation?: Simulation } | { ending: string };

/**
 * Concludes from the experiments so far, chooses the next one, and writes down what the leading hypotheses foretell of it. An experiment
 * that was planned and has no result yet is the next one, however often this is asked.
 *
 * Reads the study; writes refutations, leaders, one row of `study_experiments` and its predictions.
 */
export async function planExperiment({ db }: Deps, { id }: { id: string }): Promise<Planned> {
  const study = await readStudy(db, id);
  const { row, pending, experiments } = study;
  if (pending) return planned(study, pending.number, pending.key, pending.settings);
  const evidence = await assess(db, study);
  const next = endingBefore(study, evidence) ?? chooseNext(study.plan, experiments, evidence);
  if (next === undefined) return { ending: 'every experiment that can be made was made' };
  if (typeof next === 'string') return { ending: next };
  const { enough } = row.settings;
  if (next.information !== null && next.information < enough)
    return {
      ending: `no experiment is expected to tell more than ${enough} nats (the best one ${next.information.toFixed(3)})`,
    };
  const number = experiments.length + 1;
  const key = `${id}/${number}`;
  const settings = [...study.plan.options[next.option]!];
  const foretold = evidence
    ? foretell(evidence.alive, measuredIn(experiments), settings, study.plan.noise)
    : [];
  await storePlan(
    db,
    { studyId: id, number, key, option: next.option, settings, why: next.why, expected: next.information },
    foretold.map((one) => ({ studyId: id, number, ...one })),
  );
  return planned(study, number, key, settings);
}

function endingBefore(
  { row, experiments }: StudyContext,
  evidence: Evidence | undefined,
): string | undefined {
  if (evidence?.alive.length === 0)
    return 'every hypothesis is refuted: the law is none of the grammar, or the noise is larger than was said';
  const { budget } = row.settings;
  if (experiments.length >= budget) return `the budget of ${budget} experiments is used up`;
  return undefined;
}

function planned({ row, subject }: StudyContext, number: number, key: string, settings: number[]): Planned {
  if (row.subject.kind === 'law') return { number };
  return { number, simulation: simulation(row.subject.simulator, subject.quantities, settings, key) };
}
