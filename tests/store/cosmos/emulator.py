"""The emulator, on this machine's loopback, for as long as a test needs it. See ``node/emulator.mjs``."""

from __future__ import annotations

import fcntl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from understudy_server.clock import SystemClock
from understudy_server.store.cosmos.connecting import parse_url
from understudy_server.store.cosmos.store import CosmosStore

FOLDER = Path(__file__).parent / "node"
KEY = "VW5kZXJzdHVkeQ=="
"""Any base64: the emulator does not look at it."""


def install() -> None:
    """Quick when it is all there."""
    with (FOLDER / ".installing").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # other processes of this test run want the same
        subprocess.run([FOLDER.parent / "setup.sh"], check=True)


@contextmanager
def emulator(*, consistency: str = "Strong") -> Iterator[int]:
    """The port of an empty one."""
    install()
    process = subprocess.Popen(
        ["node", FOLDER / "emulator.mjs", "--consistency", consistency],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    try:
        line = process.stdout.readline()
        assert line, "the emulator ended"
        yield int(line)
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def url(port: int, container: str, **parameters: str) -> str:
    """Of a store there."""
    more = "".join(f"&{name}={value}" for name, value in parameters.items())
    return f"cosmos://:{KEY}@127.0.0.1:{port}/test?container={container}&tls=false{more}"


async def open_store(port: int, container: str) -> CosmosStore:
    return await CosmosStore.open(parse_url(url(port, container), {}), SystemClock())
