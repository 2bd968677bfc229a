"""At most a line a second, and fewer later."""

from __future__ import annotations

from io import StringIO

from tests.clock import FakeClock
from understudy_cli.copying.progress import Progress
from understudy_server.store.copying.outcome import Counts


async def test_lines() -> None:
    clock, out = FakeClock(), StringIO()
    progress = Progress(clock, out)
    counts = Counts(partitions=1, records=1_000, bytes=2_500_000)
    for _ in range(20):
        progress("copied", counts)
    assert out.getvalue() == ""
    await clock.advance(2)
    for _ in range(20):
        progress("copied", counts)
    assert out.getvalue() == (
        "copied: 1 partitions, 1,000 records, 2.5 MB; 500 records and entries a second\n"
    )


async def test_lines_become_fewer() -> None:
    clock, out = FakeClock(), StringIO()
    progress = Progress(clock, out)
    for _ in range(120):
        await clock.advance(0.5)
        progress("found again", Counts(partitions=7))
    lines = out.getvalue().splitlines()
    assert set(lines) == {"found again: 7 partitions"}
    assert len(lines) == 29 + 3
