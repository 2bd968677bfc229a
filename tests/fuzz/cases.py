"""How many cases a fuzz test plays, and from which seed: `make fuzz` plays more than `make test`."""

from __future__ import annotations

import os

CASES = int(os.environ.get("UNDERSTUDY_FUZZ_CASES", "1500"))
SEED = os.environ.get("UNDERSTUDY_FUZZ_SEED", "seed")
