"""Errors in OpenAI's shape: `{"error": {"message", "type", "param", "code"}}`."""

from __future__ import annotations

SHOWN = 2000
"""Characters of a message: what a caller sent comes back in some, whatever its length."""


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
        message, param = clipped(message, SHOWN), clipped(param, 200)
        super().__init__(message)
        self.status = status
        self.headers = headers
        if type is None:
            type = "server_error" if status >= 500 else "invalid_request_error"
        self.body = {"error": {"message": message, "type": type, "param": param, "code": code}}


def clipped(text: str | None, most: int) -> str | None:
    """Text that can be written as UTF-8, of at most `most` characters."""
    if text is None:
        return None
    text = text if len(text) <= most else f"{text[: most - 1]}…"
    return text.encode("utf-8", "replace").decode()


def bad_request(message: str, param: str | None = None, code: str | None = None) -> ApiError:
    return ApiError(400, message, param=param, code=code)


def not_found(message: str, param: str | None = None, code: str | None = None) -> ApiError:
    return ApiError(404, message, param=param, code=code)


def model_not_found(model: str, reason: str | None = None) -> ApiError:
    """`reason`: why a model that is known is not served."""
    name = clipped(model, 200)
    message = f"The model '{name}' does not exist; GET /v1/models lists those that do."
    if reason is not None:
        message = f"The model '{name}' is not served: {reason}"
    return not_found(message, "model", "model_not_found")


def too_large(message: str) -> ApiError:
    return ApiError(413, message, code="request_too_large")


def disk_full(folder, error: BaseException) -> ApiError:
    return ApiError(
        507,
        f"The disk of {folder} takes no more ({' '.join(str(error).split())}): free some space "
        "there. Nothing of this request was kept.",
        code="disk_full",
    )


def overloaded(message: str, seconds: int) -> ApiError:
    """A 429 that says when to come back."""
    return ApiError(
        429,
        message,
        type="rate_limit_error",
        code="queue_full",
        headers={"Retry-After": str(seconds)},
    )
