"""uvicorn's HTTP protocol, with an end to what it waits for and keeps: the head of a request has a
size and a time, and a body must come on."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES = 64 << 10
HEAD_SECONDS = 30
"""For the first head of a connection, from its beginning, and for each later one from its first
byte."""
IDLE_SECONDS = 60
"""Without a byte of a body that is not whole."""
CHECK_SECONDS = 10


class Protocol(HttpToolsProtocol):
    head_bytes = 0
    began: float | None = None
    """When the request that is being received began; None between requests."""
    came = 0.0
    in_head = True
    timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport) -> None:
        super().connection_made(transport)
        self.began = self.came = self.loop.time()
        self.timer = self.loop.call_later(CHECK_SECONDS, self.check)

    def connection_lost(self, exc) -> None:
        if self.timer is not None:
            self.timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self.came = self.loop.time()
        if self.in_head:
            self.head_bytes += len(data)
            if self.began is None:
                self.began = self.came
        super().data_received(data)
        if self.in_head and self.head_bytes > HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of the request is too long.")

    def on_headers_complete(self) -> None:
        self.in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self.in_head, self.head_bytes, self.began = True, 0, None
        super().on_message_complete()

    def check(self) -> None:
        """Close a connection whose caller does not go on with what it began."""
        if self.transport.is_closing():
            return
        now = self.loop.time()
        if self.began is not None:
            slow = self.in_head and now - self.began > HEAD_SECONDS
            # Nothing is read while the application is busy with what came before.
            paused = self.flow is not None and self.flow.read_paused
            if slow or (not self.in_head and not paused and now - self.came > IDLE_SECONDS):
                self.transport.close()
                return
        self.timer = self.loop.call_later(CHECK_SECONDS, self.check)
