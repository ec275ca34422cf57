"""Processes that must not outlive their parent."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time


def die_with_parent(parent: int) -> None:
    """Kill this process when process `parent` ends, however it ends: by the kernel on Linux,
    elsewhere by a thread that looks once a second."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
    else:
        threading.Thread(target=watch, args=(parent,), daemon=True).start()
    if os.getppid() != parent:  # it ended before the call
        os._exit(1)


def first_to_go() -> None:
    """Where memory runs out, the kernel is to end this process rather than the server."""
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("500")
    except OSError:
        pass


def watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def exit_when_stdin_closes() -> None:
    """For `--exit-with-parent`: the parent holds the other end of stdin; its end is ours."""

    def wait() -> None:
        try:
            while os.read(0, 4096):
                pass
        except OSError:
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(6)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
