/**
 * What a worker counts while it works. The SDK's own meter carries it, so that one Prometheus endpoint
 * (RATCHET_METRICS_PORT) has these beside Temporal's metrics; each series has the run's id as `run`
 * (workers/observe.ts). Counters end in `_total` there. docs/observability.md lists them.
 */
import { Context } from '@temporalio/activity';
import { noopMetricMeter, type MetricMeter, type MetricTags } from '@temporalio/common';

const COUNTERS = {
  ratchet_model_calls: 'Calls to models, failed ones too; by role and outcome',
  ratchet_tokens: 'Tokens of successful calls; by role and kind (prompt, completion)',
  ratchet_samples: 'Samples stored; by source (drawn, cached)',
  ratchet_unread: 'Answers that could not be read in time; by stage (samples, benchmark)',
  ratchet_verdicts: 'Verdicts of gates; by gate and outcome',
  ratchet_examples: 'Examples accepted; by kind',
  ratchet_decisions: 'Iterations decided; by decision',
} as const;

const HISTOGRAMS = {
  ratchet_model_call_seconds: ['s', 'Seconds that a successful model call took; by role'],
  ratchet_stage_seconds: ['s', 'Seconds that a finished stage took; by stage'],
  ratchet_iteration_cost: ['', 'Money that a decided iteration cost, by the prices of its run'],
} as const;

const GAUGES = {
  ratchet_heldout_accuracy: "Accuracy of the run's best checkpoint on target, 0 to 1",
} as const;

export const METRIC_NAMES: readonly string[] = [COUNTERS, HISTOGRAMS, GAUGES].flatMap((names) =>
  Object.keys(names),
);

/** Outside an activity nothing is counted. */
function meter(): MetricMeter {
  try {
    return Context.current().metricMeter;
  } catch {
    return noopMetricMeter;
  }
}

/** Counting none makes the series known, at 0. */
export function count(name: keyof typeof COUNTERS, by: number, tags: MetricTags): void {
  meter().createCounter(name, undefined, COUNTERS[name]).add(by, tags);
}

export function measured(name: keyof typeof HISTOGRAMS, value: number, tags: MetricTags = {}): void {
  const [unit, what] = HISTOGRAMS[name];
  meter()
    .createHistogram(name, 'float', unit || undefined, what)
    .record(value, tags);
}

export function gauge(name: keyof typeof GAUGES, value: number, tags: MetricTags = {}): void {
  meter().createGauge(name, 'float', undefined, GAUGES[name]).set(value, tags);
}

/** A line in the worker's log; the run and the iteration stand beside it (workers/observe.ts). */
export function logInfo(message: string, fields: Record<string, unknown>): void {
  try {
    Context.current().log.info(message, fields);
  } catch {
    // Outside an activity there is no log.
  }
}

/** One step for each gate and outcome among the verdicts. */
export function countVerdicts(verdicts: readonly { gate: string; outcome: string }[]): void {
  for (const equal of Map.groupBy(verdicts, (one) => `${one.gate} ${one.outcome}`).values()) {
    const { gate, outcome } = equal[0]!;
    count('ratchet_verdicts', equal.length, { gate, outcome });
  }
}
