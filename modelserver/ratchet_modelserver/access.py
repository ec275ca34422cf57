"""Who may ask: programs of this machine, unless the operator says more.

Covers: pages of other sites that a browser of this machine shows (they send a Host or an Origin of
their own, also where their name was made to point here), and, with an API key, everybody without it.
Does not cover: other users of this machine; give an API key to keep them out.
"""

from __future__ import annotations

import hmac
import ipaddress

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from .errors import ApiError

OPEN = ("/health",)
"""What answers without the API key: a health check knows none."""
ANY = "*"


def host_name(text: str) -> str:
    """The name in a Host header or an origin: no scheme, no port, no brackets, small letters."""
    text = text.rpartition("://")[2].strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") <= 1 else text


def is_loopback(name: str) -> bool:
    """A name or an address under which only the machine itself reaches a server."""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


class Access:
    """Decides for each request, before any of its body is read."""

    def __init__(self, app: ASGIApp, hosts: list[str], api_key: str | None, refuse):
        """hosts: names beside the loopback ones, or `*`; refuse: makes the response of an
        ApiError."""
        self.app, self.refuse = app, refuse
        self.hosts = {host_name(host) for host in hosts}
        self.api_key = api_key.encode() if api_key else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = Request(scope)
            error = self.check(request)
            if error is not None:
                await (await self.refuse(request, error))(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def known(self, name: str) -> bool:
        return is_loopback(name) or ANY in self.hosts or name in self.hosts

    def check(self, request: Request) -> ApiError | None:
        headers = request.headers
        named = [value.decode("latin-1") for key, value in headers.raw if key == b"host"]
        host = host_name(named[0]) if len(named) == 1 else ""
        # A page that makes its own name point here can send no key: it never had one.
        if not (self.known(host) or (self.api_key and host)):
            return ApiError(
                403,
                f"This server does not answer to the name '{host[:200]}'. Where that is right, start it "
                "with --allowed-host NAME, or with an API key.",
                code="host_not_allowed",
            )
        origin = headers.get("origin")
        if origin is not None and not self.known(host_name(origin)):
            return ApiError(
                403,
                f"Pages of '{origin[:200]}' may not use this server. Where that is right, start it "
                "with --allowed-host NAME.",
                code="origin_not_allowed",
            )
        if headers.get("sec-fetch-site") == "cross-site":
            return ApiError(
                403, "Pages of other sites may not use this server.", code="origin_not_allowed"
            )
        if self.api_key is not None and request.url.path not in OPEN:
            return self.check_key(headers.get("authorization", ""))
        return None

    def check_key(self, header: str) -> ApiError | None:
        kind, _, given = header.partition(" ")
        if kind.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self.api_key):
            return None
        return ApiError(
            401,
            "Send this server's API key (Authorization: Bearer …).",
            code="invalid_api_key",
            headers={"WWW-Authenticate": "Bearer"},
        )
