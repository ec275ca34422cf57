/**
 * A study as a value: experiments that were made, hypotheses that are alive, the next experiment. Each step is a pure function of what
 * was measured, so that a study that is taken up again comes to the same next experiment.
 */
import { anyOption, expectedInformation, farthest, opening, type Noise, type Policy } from './choose.ts';
import { populationOf, weigh, type Alive, type Evidence } from './evidence.ts';
import type { Data } from './fit.ts';
import type { Hypothesis } from './grammar.ts';
import type { Observed, Settings } from './simulator.ts';

export type Experiment = { number: number; option: number; settings: Settings; observed: Observed };

export const measuredIn = (experiments: readonly Experiment[]): Data => {
  const made = experiments.flatMap(({ settings, observed }) =>
    'failed' in observed ? [] : [{ settings, ...observed }],
  );
  return {
    at: made.map(({ settings }) => settings),
    measured: made.map(({ measured }) => measured),
    sigma: made.map(({ sigma }) => sigma),
  };
};

export type Plan = {
  options: readonly Settings[];
  /** May the same settings be measured again? Those that failed never are. */
  repeats: boolean;
  policy: Policy;
  seed: number;
  noise: Noise;
};
export type Chosen = { option: number; information: number | null; why: 'opening' | Policy };

/** Are there enough measurements for evidence to choose by? */
export const isOpening = ({ options }: Pick<Plan, 'options'>, experiments: readonly Experiment[]): boolean =>
  measuredIn(experiments).measured.length < opening(options[0]!.length);

/** The next experiment; undefined where none is left. @param evidence of all experiments so far; needed behind the opening only */
export function chooseNext(
  { options, repeats, policy, seed, noise }: Plan,
  experiments: readonly Experiment[],
  evidence: Evidence | undefined,
): Chosen | undefined {
  const closed = new Set(
    experiments.filter(({ observed }) => !repeats || 'failed' in observed).map(({ option }) => option),
  );
  const open = options.map((_, option) => option).filter((option) => !closed.has(option));
  if (open.length === 0) return undefined;
  const left = open.map((option) => options[option]!);
  if (policy === 'random') {
    const option = open[anyOption(left, String(seed), experiments.length + 1)]!;
    return { option, information: null, why: 'random' };
  }
  if (isOpening({ options }, experiments) || !evidence || evidence.alive.length === 0) {
    const done = experiments.map(({ settings }) => settings);
    return { option: open[farthest(left, done, String(seed))]!, information: null, why: 'opening' };
  }
  const information = expectedInformation(evidence.alive, measuredIn(experiments), left, noise);
  let best = 0;
  for (let i = 1; i < left.length; i++) if (information[i]! > information[best]!) best = i;
  return { option: open[best]!, information: information[best]!, why: 'informative' };
}

/** Makes a whole study at once, in memory: for measuring and for making problems. */
export async function runStudy(
  given: Plan & { hypotheses: readonly Hypothesis[]; budget: number },
  observe: (settings: Settings, number: number) => Observed,
): Promise<{ experiments: Experiment[]; alive: Alive[] }> {
  const population = populationOf(given.hypotheses);
  const experiments: Experiment[] = [];
  let open = given.hypotheses;
  let evidence: Evidence | undefined;
  while (experiments.length < given.budget) {
    const next = chooseNext(given, experiments, evidence);
    if (!next) break;
    const number = experiments.length + 1;
    const settings = given.options[next.option]!;
    experiments.push({ number, option: next.option, settings, observed: observe(settings, number) });
    // What is chosen at random needs no evidence before the end.
    const last = experiments.length === given.budget;
    if (!last && (given.policy === 'random' || isOpening(given, experiments))) continue;
    evidence = await weigh(open, measuredIn(experiments), population);
    open = evidence.alive.map(({ hypothesis }) => hypothesis);
  }
  return { experiments, alive: evidence?.alive ?? [] };
}
