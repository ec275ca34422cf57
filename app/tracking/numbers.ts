/** A run's report as trackers of experiments have it: parameters, tags, and metrics by step, where a step is an iteration and 0 the base. */
import type { ImproveSettings } from '../../loop/input.ts';
import type { IterationReport, Report, RoleScores } from '../report/types.ts';
import type { Pair, Point } from './mlflow.ts';

/** MLflow before 2.8 takes no more. */
export const LONGEST_VALUE = 500;

/** One parameter a setting, by its path: `sampling.temperature`. */
export function paramsOf(settings: ImproveSettings): Pair[] {
  const params: Pair[] = [];
  const walk = (value: unknown, path: string) => {
    if (value === undefined || value === null) return;
    if (typeof value === 'object' && !Array.isArray(value)) {
      for (const [name, one] of Object.entries(value)) walk(one, path === '' ? name : `${path}.${name}`);
      return;
    }
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    if (text !== '') params.push({ key: path, value: text.slice(0, LONGEST_VALUE) });
  };
  walk(settings, '');
  return params;
}

/** `final` is read once, at the end, and has its place there. */
const scores = (of: RoleScores | null): Record<string, number | null | undefined> => ({
  'score.target': of?.target?.rate,
  'score.guard': of?.guard?.rate,
});

function numbersOf(one: IterationReport): Record<string, number | null | undefined> {
  return {
    ...scores(one),
    'score.before': one.before?.rate,
    p_value: one.pValue,
    promoted: one.decision === 'promote' ? 1 : 0,
    prompts: one.prompts,
    samples: one.samples,
    agreement: one.agreement,
    accepted: one.accepted,
    examples: one.examples,
    pseudo_label_precision: one.pseudoLabelPrecision,
    seconds: one.seconds,
    'tokens.prompt': one.promptTokens,
    'tokens.completion': one.completionTokens,
    'tokens.trained': one.trainedTokens,
    cost: one.cost,
    roi: one.roi,
  };
}

/**
 * The same points each time it is asked, so that a tracker that has some of them lacks the others.
 *
 * @param decidedAt by iteration; one that is not decided is left out
 */
export function pointsOf(report: Report, decidedAt: ReadonlyMap<number, Date>): Point[] {
  const start = Date.parse(report.startedAt);
  const at = (numbers: Record<string, number | null | undefined>, step: number, timestamp: number): Point[] =>
    Object.entries(numbers).flatMap(([key, value]) =>
      typeof value === 'number' && Number.isFinite(value) ? [{ key, value, step, timestamp }] : [],
    );
  const points = at(scores(report.base), 0, start);
  for (const iteration of report.iterations) {
    const time = decidedAt.get(iteration.iteration);
    if (time && iteration.decision)
      points.push(...at(numbersOf(iteration), iteration.iteration, time.getTime()));
  }
  const ended = report.finishedAt;
  if (ended === null) return points;
  // Read at the end, of the base and of the best.
  const decided = report.iterations.filter((one) => one.decision !== null);
  const last = Math.max(1, ...decided.map((one) => one.iteration));
  const final = (of: RoleScores | null) => ({ 'score.final': of?.final?.rate });
  return [...points, ...at(final(report.base), 0, start), ...at(final(report.best), last, Date.parse(ended))];
}

export function tagsOf(report: Report, codeVersion: string | null): Pair[] {
  const last = report.iterations.findLast((one) => one.decision !== null);
  const tags: Record<string, string | null | undefined> = {
    'ratchet.run': report.run,
    'ratchet.task': report.task,
    'ratchet.status': report.status,
    'ratchet.reason': report.statusReason,
    'ratchet.code_version': codeVersion,
    'ratchet.experiment': report.experiment,
    'ratchet.promotions': String(report.totals.promotions),
    'ratchet.last_decision': last && `${last.iteration}: ${last.decision}`,
    'ratchet.last_reason': last?.reason,
    'ratchet.best_model': report.best?.model,
    'ratchet.best_iteration': report.best && String(report.best.iteration),
  };
  return Object.entries(tags).flatMap(([key, value]) =>
    value ? [{ key, value: value.slice(0, LONGEST_VALUE) }] : [],
  );
}
