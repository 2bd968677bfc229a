"""The files for the way to the cores: when they are looked at, and what is taken from them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PosixPath

import pytest
import trustme
from structlog.testing import capture_logs

from tests.certificates import Issued, encrypt, issue
from tests.clock import FakeClock
from understudy_edge.core_tls import LOOK_EVERY, CoreTls, CoreTlsFiles

Break = Callable[[Issued], object]


def looked_at(clock: FakeClock, issued: Issued) -> CoreTlsFiles:
    tls = CoreTls(ca=issued.ca, certificate=issued.certificate, key=issued.key)
    return CoreTlsFiles(tls, now=clock.monotonic)


def put_folder(issued: Issued) -> None:
    issued.certificate.unlink()
    issued.certificate.mkdir()


class Restless(PosixPath):
    """A file that is replaced, with those beside it, as soon as it has been read."""

    times = 0

    def read_bytes(self) -> bytes:
        found = super().read_bytes()
        if self.times:
            self.times -= 1
            issue(self.parent)
        return found


BREAKS: dict[str, tuple[Break, str]] = {
    "no ca": (lambda issued: issued.ca.unlink(), "No such file or directory: '{ca}'"),
    "no key": (lambda issued: issued.key.unlink(), "No such file or directory: '{key}'"),
    "no certificate": (lambda issued: issued.certificate.unlink(), "'{certificate}'"),
    "empty ca": (lambda issued: issued.ca.write_text(""), "{ca}: "),
    "half a ca": (lambda issued: issued.ca.write_bytes(issued.ca.read_bytes()[:200]), "{ca}: "),
    "half a key": (
        lambda issued: issued.key.write_bytes(issued.key.read_bytes()[:100]),
        "{certificate} and {key}: ",
    ),
    "key of another": (
        lambda issued: issued.key.write_bytes(
            issue(issued.key.parent / "another").key.read_bytes()
        ),
        "{certificate} and {key}: ",
    ),
    "encrypted key": (encrypt, "{certificate} and {key}: "),
    "a folder": (put_folder, "'{certificate}'"),
}


@pytest.mark.parametrize(("broken", "complaint"), BREAKS.values(), ids=BREAKS)
async def test_what_cannot_be_used_changes_nothing_and_is_said_once(
    broken: Break, complaint: str, tmp_path: Path
) -> None:
    clock = FakeClock()
    issued = issue(tmp_path / "edge")
    files = looked_at(clock, issued)
    with capture_logs() as logs:
        broken(issue(tmp_path / "edge"))
        for _ in range(3):
            await clock.advance(LOOK_EVERY)
            assert not files.changed()
    (log,) = logs
    assert (log["event"], log["log_level"]) == ("certificate_unreadable", "warning")
    assert complaint.format(**vars(issued)) in log["error"]
    if issued.certificate.is_dir():
        issued.certificate.rmdir()
    issue(tmp_path / "edge")
    await clock.advance(LOOK_EVERY)
    assert files.changed()
    assert not files.changed()


@pytest.mark.parametrize(("broken", "complaint"), BREAKS.values(), ids=BREAKS)
def test_what_cannot_be_used_from_the_start(broken: Break, complaint: str, tmp_path: Path) -> None:
    issued = issue(tmp_path / "edge")
    broken(issued)
    with pytest.raises(OSError, match=re.escape(complaint.format(**vars(issued)))):
        looked_at(FakeClock(), issued)


@pytest.mark.parametrize("name", ["ca", "certificate and key"])
async def test_each_change_is_one(name: str, tmp_path: Path) -> None:
    clock = FakeClock()
    authority = trustme.CA()
    issued = issue(tmp_path / "edge", authority=authority)
    files = looked_at(clock, issued)
    if name == "ca":
        issued.ca.write_bytes(trustme.CA().cert_pem.bytes())
    else:
        issue(tmp_path / "edge", authority=authority)
    with capture_logs() as logs:
        await clock.advance(LOOK_EVERY)
        assert files.changed()
        await clock.advance(LOOK_EVERY)
        assert not files.changed()
    assert [log["event"] for log in logs] == ["certificate_read_again"]
    assert logs[0]["file"] == str(issued.certificate)


async def test_the_files_are_looked_at_now_and_then(tmp_path: Path) -> None:
    clock = FakeClock()
    files = looked_at(clock, issue(tmp_path / "edge"))
    issue(tmp_path / "edge")
    await clock.advance(LOOK_EVERY / 2)
    assert not files.changed()
    await clock.advance(LOOK_EVERY / 2)
    assert files.changed()


async def test_files_that_are_touched_are_the_same(tmp_path: Path) -> None:
    clock = FakeClock()
    issued = issue(tmp_path / "edge")
    files = looked_at(clock, issued)
    os.utime(issued.ca, ns=(1, 1))
    with capture_logs() as logs:
        await clock.advance(LOOK_EVERY)
        assert not files.changed()
    assert logs == []


async def test_the_rest_of_a_file_that_comes_within_one_tick_of_the_clock(tmp_path: Path) -> None:
    clock = FakeClock()
    issued = issue(tmp_path / "edge")
    both = issued.ca.read_bytes() + trustme.CA().cert_pem.bytes()
    os.utime(issued.ca, ns=(1, 1))
    files = looked_at(clock, issued)
    issued.ca.write_bytes(both)
    os.utime(issued.ca, ns=(1, 1))
    await clock.advance(LOOK_EVERY)
    assert files.changed()


async def test_a_link_that_leads_elsewhere(tmp_path: Path) -> None:
    """As Kubernetes replaces a secret: what is named stays, the folder that it leads to is another."""
    clock = FakeClock()
    present = tmp_path / "present"
    issue(tmp_path / "old")
    present.symlink_to(tmp_path / "old")
    names = Issued(present / "ca.pem", present / "certificate.pem", present / "key.pem")
    files = looked_at(clock, names)
    issue(tmp_path / "new")
    (tmp_path / "next").symlink_to(tmp_path / "new")
    (tmp_path / "next").replace(present)
    await clock.advance(LOOK_EVERY)
    assert files.changed()


async def test_files_that_change_while_they_are_read_wait_for_the_next_look(tmp_path: Path) -> None:
    clock = FakeClock()
    issued = issue(tmp_path / "edge")
    restless = Restless(issued.ca)
    files = looked_at(clock, replace(issued, ca=restless))
    issue(tmp_path / "edge")
    restless.times = 1
    await clock.advance(LOOK_EVERY)
    assert not files.changed()
    await clock.advance(LOOK_EVERY)
    assert files.changed()


async def test_without_a_certificate_of_its_own(tmp_path: Path) -> None:
    clock = FakeClock()
    files = CoreTlsFiles(CoreTls(ca=issue(tmp_path / "core").ca), now=clock.monotonic)
    issue(tmp_path / "core")
    with capture_logs() as logs:
        await clock.advance(LOOK_EVERY)
        assert files.changed()
    assert logs[0]["file"] == str(tmp_path / "core/ca.pem")
