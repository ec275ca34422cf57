/** What a worker says of itself: metrics for Prometheus, and of every log line and metric to which run it belongs. */
import type { ActivityInterceptorsFactory, MetricsExporterConfig } from '@temporalio/worker';
import { identify } from '../workflows/names.ts';

/** Buckets in seconds: a model call takes from milliseconds to its time-out, a stage up to days. */
const CALL_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];
const STAGE_SECONDS = [0.1, 1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 12 * 3600, 24 * 3600];

/** An address at which `/metrics` is scraped, or a collector's to which they are sent. */
export type MetricsTo = { prometheus: string } | { otlp: string };

/** Metrics of Temporal's SDK and of the activities (engine/metrics.ts): scraped, or sent by OTLP over HTTP. */
export function exporterOf(to: MetricsTo): MetricsExporterConfig {
  const shared = {
    useSecondsForDurations: true,
    histogramBucketOverrides: {
      ratchet_model_call_seconds: CALL_SECONDS,
      ratchet_stage_seconds: STAGE_SECONDS,
    },
  };
  return 'prometheus' in to
    ? { prometheus: { ...shared, bindAddress: to.prometheus, countersTotalSuffix: true } }
    : { otel: { ...shared, url: to.otlp, http: true, metricsExportInterval: '10s' } };
}

export const identified: ActivityInterceptorsFactory = (context) => {
  const { run, iteration } = identify(context.info.workflowExecution?.workflowId ?? '');
  return {
    outbound: {
      getLogAttributes: (attributes, next) => next({ ...attributes, run, iteration }),
      getMetricTags: (tags, next) => next({ ...tags, run }),
    },
  };
};
