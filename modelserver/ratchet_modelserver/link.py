"""The server's end of the line to the process that trainers are forked from (zygote.py)."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys


class TrainerLink:
    """Connects to the zygote that was forked at start, or spawns another when that has died."""

    def __init__(self, forked: tuple[int, int, int] | None):
        self.forked = forked
        self.pid: int | None = None
        self.reader: asyncio.StreamReader | None = None
        self.writer = None
        self.process: asyncio.subprocess.Process | None = None

    async def connect(self) -> None:
        if self.reader is not None and not self.reader.at_eof():
            return
        self.close()
        if self.forked is not None:
            self.pid, commands, events = self.forked
            self.forked = None
            loop = asyncio.get_running_loop()
            self.reader = asyncio.StreamReader(limit=1 << 20)
            protocol = asyncio.StreamReaderProtocol(self.reader)
            await loop.connect_read_pipe(lambda: protocol, os.fdopen(events, "rb", buffering=0))
            self.writer, _ = await loop.connect_write_pipe(
                asyncio.BaseProtocol, os.fdopen(commands, "wb", buffering=0)
            )
            return
        # From the event loop's own thread, the process's first: the kernel's parent-death signal is
        # sent when the thread that spawned a child ends.
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "ratchet_modelserver.zygote",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 20,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        )
        self.reader, self.writer, self.pid = (
            self.process.stdout,
            self.process.stdin,
            self.process.pid,
        )

    def send(self, spec: dict) -> None:
        self.writer.write(json.dumps(spec).encode() + b"\n")

    async def event(self) -> dict | None:
        """The next event, or None when the zygote is gone."""
        line = await self.reader.readline()
        return json.loads(line) if line.endswith(b"\n") else None

    def kill(self) -> None:
        """End a zygote that does not answer, or not in sense; the next `connect` makes another."""
        if self.pid is not None:
            try:
                os.kill(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.close()

    def close(self) -> None:
        """Let go of a zygote; it ends when its command line closes."""
        if self.writer is not None:
            self.writer.close()
        if self.process is None and self.pid is not None:
            try:
                os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                pass
        self.reader = self.writer = self.process = self.pid = None
