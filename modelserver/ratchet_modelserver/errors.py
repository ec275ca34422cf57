"""Errors in OpenAI's shape: `{"error": {"message", "type", "param", "code"}}`."""

from __future__ import annotations


class ApiError(Exception):
    """An error that the caller should see; `headers` are added to the HTTP response."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        type: str | None = None,
        headers: dict[str, str] | None = None,
    ):
        super().__init__(message)
        self.status = status
        self.headers = headers
        if type is None:
            type = "server_error" if status >= 500 else "invalid_request_error"
        self.body = {"error": {"message": message, "type": type, "param": param, "code": code}}


def bad_request(message: str, param: str | None = None, code: str | None = None) -> ApiError:
    return ApiError(400, message, param=param, code=code)


def not_found(message: str, param: str | None = None, code: str | None = None) -> ApiError:
    return ApiError(404, message, param=param, code=code)


def model_not_found(model: str) -> ApiError:
    message = f"The model '{model}' does not exist; GET /v1/models lists those that do."
    return not_found(message, "model", "model_not_found")


def overloaded(queued: int) -> ApiError:
    return ApiError(
        429,
        f"The queue is full ({queued} completions waiting); send it again after a second.",
        type="rate_limit_error",
        code="queue_full",
        headers={"Retry-After": "1"},
    )
