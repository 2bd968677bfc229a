"""What the process that reads one document gives up, before it sees the first byte of it."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_CLONE_NEWNET, _CLONE_NEWUSER = 0x40000000, 0x10000000

_OPEN_FILES = 64
_NICE = 5


def confine(*, memory: int, seconds: int, parent: int) -> None:
    """``memory``: bytes of address space; ``seconds`` of processor time; ``parent``: the process to die with.

    No files written, no processes or threads started, no core dumps; no network where the kernel lets anybody say
    so. What a platform does not know is left out.
    """
    os.nice(_NICE)
    if sys.platform == "linux":
        _confine_linux(parent)
    _limit(resource.RLIMIT_CPU, seconds, seconds + 1)
    _limit(resource.RLIMIT_AS, memory, memory)
    _limit(resource.RLIMIT_FSIZE, 0, 0)
    _limit(resource.RLIMIT_CORE, 0, 0)
    _limit(resource.RLIMIT_NOFILE, _OPEN_FILES, _OPEN_FILES)
    _limit(resource.RLIMIT_NPROC, 0, 0)


def _confine_linux(parent: int) -> None:
    # Should memory run out in spite of all, this is the process that the kernel is to end.
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        # It died before it could be waited for.
        os._exit(1)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    # A user namespace lets anybody have a network of their own, with nothing in it; containers may forbid it.
    if libc.unshare(_CLONE_NEWNET) != 0:
        libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)


def _limit(kind: int, soft: int, hard: int) -> None:
    _, allowed = resource.getrlimit(kind)
    if allowed != resource.RLIM_INFINITY:
        soft, hard = min(soft, allowed), min(hard, allowed)
    try:
        resource.setrlimit(kind, (soft, hard))
    except (OSError, ValueError):
        # macOS has no limit of address space that holds.
        if sys.platform == "linux":
            raise
