import { context, propagation, SpanKind, SpanStatusCode, trace, type Span } from '@opentelemetry/api';

/**
 * Runs a call to a model in a span of its own, named and described as OpenTelemetry's conventions for generative AI
 * say. Prompts and answers are in the database and not in spans. Costs nothing where no tracing was started.
 */
export async function inSpan<T>(
  operation: string,
  { baseURL, model }: { baseURL: string; model: string },
  work: (span: Span) => Promise<T>,
): Promise<T> {
  const attributes = {
    'gen_ai.operation.name': operation,
    'gen_ai.request.model': model,
    'server.address': baseURL,
  };
  return trace
    .getTracer('ratchet')
    .startActiveSpan(`${operation} ${model}`, { kind: SpanKind.CLIENT, attributes }, async (span) => {
      try {
        return await work(span);
      } catch (error) {
        span.setStatus({ code: SpanStatusCode.ERROR, message: String(error) });
        throw error;
      } finally {
        span.end();
      }
    });
}

/** Headers that continue the present trace at the endpoint (`traceparent`); none without tracing. */
export function traceHeaders(): Record<string, string> {
  const headers: Record<string, string> = {};
  propagation.inject(context.active(), headers);
  return headers;
}
