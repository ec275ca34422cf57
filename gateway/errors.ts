/** Errors as an OpenAI client expects them. */
export type ErrorBody = {
  error: { message: string; type: string; param: string | null; code: string | null };
};

/** An answer other than the one that was asked for. */
export class GatewayError extends Error {
  readonly status: number;
  readonly code: string | null;
  readonly param: string | null;
  readonly headers: Record<string, string>;

  constructor(
    status: number,
    message: string,
    options: { code?: string; param?: string; headers?: Record<string, string> } = {},
  ) {
    super(message);
    this.status = status;
    this.code = options.code ?? null;
    this.param = options.param ?? null;
    this.headers = options.headers ?? {};
  }

  get body(): ErrorBody {
    const type = this.status >= 500 ? 'server_error' : 'invalid_request_error';
    return { error: { message: this.message, type, param: this.param, code: this.code } };
  }

  response(): Response {
    return Response.json(this.body, { status: this.status, headers: this.headers });
  }
}
