/**
 * Spans of the gateway: one of a request, which goes on with the caller's trace (`traceparent`), and in it one of each call to
 * the endpoint, which is told of it. They end when the answer has passed by, not when it begins. Without tracing
 * (process/tracing.ts) they cost nothing and say nothing.
 */
import {
  context,
  propagation,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Span,
} from '@opentelemetry/api';

const tracer = () => trace.getTracer('ratchet-gateway');

/** Runs the handling of a request in its span. Who has the span ends it, once. */
export async function inRequest<T>(
  { method, route, headers }: { method: string; route: string; headers: Headers },
  work: (span: Span) => Promise<T>,
): Promise<T> {
  const caller = propagation.extract(context.active(), Object.fromEntries(headers));
  const attributes = { 'http.request.method': method, 'http.route': route };
  return tracer().startActiveSpan(`${method} ${route}`, { kind: SpanKind.SERVER, attributes }, caller, work);
}

export function endRequest(span: Span, status: number, attributes: Attributes = {}): void {
  span.setAttributes({ ...attributes, 'http.response.status_code': status });
  // A client's own mistake is no error of the server.
  if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}

export type Call = {
  /** The headers that name the trace to the endpoint. */
  headers: Record<string, string>;
  end(problem?: string, tokens?: { promptTokens?: number; completionTokens?: number }): void;
};

/** The span of a call to the endpoint, named as those of the loop are (models/span.ts). */
export function startCall({ baseURL, model }: { baseURL: string; model: string }): Call {
  const span = tracer().startSpan(`chat ${model}`, {
    kind: SpanKind.CLIENT,
    attributes: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.request.model': model,
      'server.address': baseURL,
    },
  });
  const headers: Record<string, string> = {};
  propagation.inject(trace.setSpan(context.active(), span), headers);
  let ended = false;
  return {
    headers,
    end(problem, { promptTokens, completionTokens } = {}) {
      if (ended) return;
      ended = true;
      span.setAttributes({
        'gen_ai.usage.input_tokens': promptTokens,
        'gen_ai.usage.output_tokens': completionTokens,
      });
      if (problem !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: problem });
      span.end();
    },
  };
}
