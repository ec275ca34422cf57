/**
 * OpenTelemetry traces of this process, sent by OTLP over HTTP. The standard variables configure it: without
 * OTEL_EXPORTER_OTLP_ENDPOINT (or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) there are none and nothing is loaded.
 *
 * A trace goes from the request that started a run over its workflows and activities to each model call; the context
 * travels in Temporal's headers, and to models as `traceparent`.
 */
import type { OpenTelemetryPlugin } from '@temporalio/interceptors-opentelemetry';

export type Tracing = {
  /** For Temporal's client, its workers and the bundling of their workflows. */
  plugin: OpenTelemetryPlugin;
  /** Sends what is left. */
  shutdown(): Promise<void>;
};

let started: Promise<Tracing> | undefined;

/**
 * Starts tracing, once per process.
 *
 * @param service `service.name` of the spans, unless OTEL_SERVICE_NAME says another
 * @returns undefined where no collector is configured, or OTEL_SDK_DISABLED is `true`
 */
export async function startTracing(
  service: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Tracing | undefined> {
  const endpoint = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (!endpoint || env.OTEL_SDK_DISABLED === 'true') return undefined;
  return (started ??= install(env.OTEL_SERVICE_NAME || service));
}

async function install(service: string): Promise<Tracing> {
  const { Resource, envDetectorSync } = await import('@opentelemetry/resources');
  const { BatchSpanProcessor, NodeTracerProvider } = await import('@opentelemetry/sdk-trace-node');
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http');
  const { OpenTelemetryPlugin } = await import('@temporalio/interceptors-opentelemetry');
  const resource = new Resource({ 'service.name': service }).merge(
    new Resource(envDetectorSync.detect().attributes),
  );
  const spanProcessor = new BatchSpanProcessor(new OTLPTraceExporter());
  const provider = new NodeTracerProvider({ resource, spanProcessors: [spanProcessor] });
  provider.register();
  return {
    plugin: new OpenTelemetryPlugin({ resource, spanProcessor }),
    shutdown: () => provider.shutdown(),
  };
}
