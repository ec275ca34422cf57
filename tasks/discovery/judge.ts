/** Was the law found? Its structure to the letter, its parameters and its predictions within limits, at settings that nobody looked at. */
import { random } from '../../loop/random.ts';
import type { Alive } from './evidence.ts';
import { valuesOf, type Settings } from './simulator.ts';
import type { Law } from './laws.ts';

const PARAMETER_TOLERANCE = 0.1;
const PREDICTION_TOLERANCE = 0.02;
const HELD_OUT = 200;

export type Judged = {
  exact: boolean;
  structure: boolean;
  worstParameter: number | null;
  predictionError: number;
};

/** @param worstParameter the largest relative error of a parameter; null where the structure is another */
export function judge(law: Law, claim: Pick<Alive, 'hypothesis' | 'fit'>): Judged {
  const structure = claim.hypothesis.text === law.truth.text;
  const worstParameter = structure
    ? Math.max(
        ...law.parameters.map((value, i) => Math.abs(claim.fit.parameters[i]! - value) / Math.abs(value)),
      )
    : null;
  const predictionError = heldOutError(law, claim);
  const exact =
    worstParameter !== null &&
    worstParameter <= PARAMETER_TOLERANCE &&
    predictionError <= PREDICTION_TOLERANCE;
  return { exact, structure, worstParameter, predictionError };
}

/** Root mean square of what it is off, over that of the law itself, at settings that lie between those of the grid. */
function heldOutError(law: Law, { hypothesis, fit }: Pick<Alive, 'hypothesis' | 'fit'>): number {
  const next = random(`held-out settings of ${law.name}`);
  const at: Settings[] = Array.from({ length: HELD_OUT }, () =>
    law.quantities.map(({ min, max }) => min + (max - min) * next()),
  );
  const truth = valuesOf(law, at);
  const said = valuesOf({ ...law, truth: hypothesis, parameters: fit.parameters }, at);
  const rms = (values: Float64Array) =>
    Math.sqrt(values.reduce((sum, one) => sum + one ** 2, 0) / values.length);
  const error = rms(truth.map((value, i) => value - said[i]!)) / rms(truth);
  return Number.isFinite(error) ? error : Infinity;
}
