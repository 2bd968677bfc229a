"""Plays histories until one breaks: ``make histories``, or ``python -m tests.server.runs FIRST COUNT``.

UNDERSTUDY_HISTORIES   how many, when no COUNT is given
UNDERSTUDY_FIRST_SEED  from which seed on, when no FIRST is given
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Sequence

from tests.server.runs.history import play

CHUNK = 20


def main(arguments: Sequence[str]) -> int:
    first = (
        int(arguments[0]) if arguments else int(os.environ.get("UNDERSTUDY_FIRST_SEED", "100000"))
    )
    count = (
        int(arguments[1]) if arguments[1:] else int(os.environ.get("UNDERSTUDY_HISTORIES", "10000"))
    )
    started = told = time.monotonic()
    with multiprocessing.Pool(initializer=os.nice, initargs=(5,)) as pool:
        seeds = range(first, first + count)
        for done, (seed, found) in enumerate(pool.imap_unordered(_played, seeds, CHUNK), start=1):
            if found:
                print(f"seed {seed} breaks:", *found, sep="\n  ")  # noqa: T201  # a command
                print(f"play it again: python -m tests.server.runs {seed} 1")  # noqa: T201
                return 1
            if time.monotonic() - told > 5 or done == count:
                told = time.monotonic()
                rate = done / (told - started)
                print(f"{done} of {count} histories hold, {rate:.0f} a second", flush=True)  # noqa: T201
    return 0


def _played(seed: int) -> tuple[int, Sequence[str]]:
    return seed, play(seed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
