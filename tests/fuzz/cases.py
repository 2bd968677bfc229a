"""How many cases a fuzz test plays, and from which seed: `make fuzz` plays more than `make test`."""

from __future__ import annotations

import os

CASES = int(os.environ.get("UNDERSTUDY_FUZZ_CASES", "1500"))
SEED = os.environ.get("UNDERSTUDY_FUZZ_SEED", "seed")

WARM = 2_000
"""Cases after which what is made once has been made."""

ALLOWED_GROWTH = 10 * 1024 * 1024
"""Bytes of memory that a test may have more at its end than when it was warm."""
