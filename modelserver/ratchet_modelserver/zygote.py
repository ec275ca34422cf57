"""The process that trainers are forked from, with the heavy libraries already imported.

Protocol: one job specification per line comes in; events go out as JSON lines, closed by `exit`
when the trainer process has ended. One job at a time. The server forks this process before it
starts any thread; should it die, the server spawns `python -m ratchet_modelserver.zygote`, which
does the imports again.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import sys
import time
from typing import BinaryIO


def serve(commands: BinaryIO, events: int, parent: int) -> None:
    """Fork a trainer for each line of `commands` until it ends."""
    from .lifetime import die_with_parent, first_to_go
    from .log import say

    die_with_parent(parent)
    # A Ctrl-C or a stop of the whole process group is the server's to handle; it stops the trainer
    # in good order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    import peft  # noqa: F401  (seconds, here rather than in every job)

    from . import trainer

    gc.freeze()

    def emit(event: dict) -> None:
        data = json.dumps(event).encode() + b"\n"
        while data:
            data = data[os.write(events, data) :]

    for line in commands:
        spec = json.loads(line)
        me = os.getpid()
        try:
            child = os.fork()
        except OSError as error:
            say(f"no process for the trainer: {error}")
            emit({"type": "exit", "status": os.EX_OSERR})
            continue
        if child == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            die_with_parent(me)
            first_to_go()
            os._exit(trainer.run(spec, emit))
        emit({"type": "started", "pid": child})
        emit({"type": "exit", "status": reap(child, parent)})


def reap(child: int, parent: int) -> int:
    """Wait for the trainer: its exit code, or minus the signal that ended it."""
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        if os.getppid() != parent:
            os.kill(child, signal.SIGKILL)
            os._exit(1)
        time.sleep(0.05)


def fork(listener: socket.socket) -> tuple[int, int, int]:
    """Fork the zygote from this process, which must have no threads yet. (pid, fd of its
    commands, fd of its events)."""
    command_read, command_write = os.pipe()
    event_read, event_write = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(command_write)
            os.close(event_read)
            listener.close()
            serve(os.fdopen(command_read, "rb", buffering=0), event_write, parent)
        except BaseException:
            import traceback

            traceback.print_exc()
        os._exit(0)
    os.close(command_read)
    os.close(event_write)
    return pid, command_write, event_read


if __name__ == "__main__":
    from .memory import keep_freed_memory

    keep_freed_memory()
    events = os.dup(1)
    os.dup2(2, 1)  # a library's print must not end up among the events
    serve(sys.stdin.buffer, events, os.getppid())
