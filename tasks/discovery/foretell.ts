/** What the leading hypotheses foretell of an experiment, and which of them it could refute. Nothing here has seen its outcome. */
import { sigmaAt, type Noise } from './choose.ts';
import type { Alive } from './evidence.ts';
import { predict, type Data } from './fit.ts';
import type { Settings } from './simulator.ts';

export type Prediction = { hypothesis: string; predicted: number; spread: number; risked: boolean };

const LEADERS = 8;
const LEAST_WEIGHT = 1e-3;
/** One measurement that is this many standard deviations off refutes a hypothesis: P < 1e-6 (evidence.ts). */
const SIGMAS = 5;

export function foretell(
  alive: readonly Alive[],
  data: Data,
  settings: Settings,
  noise: Noise,
): Prediction[] {
  const found = alive
    .slice(0, LEADERS)
    .filter(({ weight }) => weight >= LEAST_WEIGHT)
    .flatMap(({ hypothesis, fit }) => {
      const { values, variances } = predict(hypothesis, fit, data, [settings]);
      const predicted = values[0]!;
      const spread = Math.sqrt(sigmaAt(noise, predicted) ** 2 + variances[0]!);
      return Number.isFinite(predicted) && Number.isFinite(spread)
        ? [{ hypothesis: hypothesis.text, predicted, spread }]
        : [];
    });
  return found.map((one) => ({
    ...one,
    risked: found.some(({ predicted }) => Math.abs(predicted - one.predicted) >= SIGMAS * one.spread),
  }));
}
