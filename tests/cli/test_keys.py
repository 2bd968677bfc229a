"""`understudy keys`, on a SQLite store of its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from understudy_cli import keys
from understudy_cli.configuration import Configuration, load
from understudy_cli.keys import printable, row
from understudy_server.auth.records import KEYS
from understudy_server.auth.stored_key import Policy, StoredKey
from understudy_server.errors import StateConflict
from understudy_server.limits.key_limits import limits_of
from understudy_server.store.port import Record
from understudy_server.store.v1.records_pb2 import ApiKey, KeyLimits


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    return load({}, {"UNDERSTUDY_DATA": str(tmp_path / "data")}, tmp_path)


POLICY = Policy(
    scopes=("read",),
    lifetime=30 * 86_400,
    limits=limits_of(KeyLimits(concurrent_runs=2, models=["a", "b"])),
)


def columns(listing: str) -> list[dict[str, str]]:
    heading, *lines = listing.splitlines()
    starts = [match.start() for match in re.finditer(r"(?<!\S)\S+(?: \S+)?", heading)]
    names = [heading[a:b].strip() for a, b in zip(starts, [*starts[1:], None], strict=True)]
    return [
        dict(
            zip(
                names,
                (line[a:b].strip() for a, b in zip(starts, [*starts[1:], None], strict=True)),
                strict=True,
            )
        )
        for line in lines
    ]


async def test_a_key_from_its_making_to_its_end(
    configuration: Configuration, capsys: pytest.CaptureFixture[str]
) -> None:
    async def listed() -> list[dict[str, str]]:
        await keys.list_all(configuration)
        return columns(capsys.readouterr().out)

    await keys.create(configuration, project="shop", name="laptop", policy=POLICY)
    made = capsys.readouterr()
    assert re.fullmatch(r"sk-understudy-[\w-]{43}\n", made.out)
    assert made.err == ""
    (first,) = await listed()
    assert (first["PROJECT"], first["SCOPES"], first["NAME"]) == ("shop", "read", "laptop")
    assert first["LIMITS"] == "2 runs, models a b"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", first["EXPIRES"])
    assert (first["LAST USE"], first["REVOKED"]) == ("-", "-")

    await keys.rotate(configuration, which=first["ID"], overlap=3_600)
    replaced = capsys.readouterr()
    assert re.fullmatch(r"sk-understudy-[\w-]{43}\n", replaced.out)
    assert replaced.out != made.out
    said = r"sk-understudy-.* is good until \d{4}-\d\d-\d\d \d\d:\d\d UTC\n"
    assert re.fullmatch(said, replaced.err)
    old, new = await listed()
    for name in ("PROJECT", "SCOPES", "LIMITS", "NAME"):
        assert old[name] == new[name] == first[name]
    assert old["EXPIRES"] < new["EXPIRES"]

    await keys.revoke(configuration, which=new["ID"])
    assert capsys.readouterr().out.startswith("revoked sk-understudy-")
    assert (await listed())[1]["REVOKED"] != "-"
    with pytest.raises(StateConflict, match="create another"):
        await keys.rotate(configuration, which=new["ID"], overlap=0)
    assert capsys.readouterr().out == ""
    assert len(await listed()) == 2


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        (KeyLimits(), "-"),
        (KeyLimits(requests_per_minute=60), "60 requests/minute"),
        (
            KeyLimits(requests_per_minute=1, concurrent_runs=2, tokens_per_day=3, models=["m"]),
            "1 requests/minute, 2 runs, 3 tokens/day, models m",
        ),
    ],
)
def test_a_line_of_the_listing(limits: KeyLimits, told: str) -> None:
    key = ApiKey(project="p", hint="h", created_at=0, limits=limits)
    record = Record(
        partition=KEYS, kind="key", id="f" * 64, order=0, version="", commit="", body=b""
    )
    stored = StoredKey(id="f" * 64, key=key, record=record)
    assert row(stored, 86_400) == (
        "f" * 16,
        "h",
        "p",
        "read,write,run",
        "1970-01-01 00:00",
        "-",
        "1970-01-02 00:00",
        "-",
        told,
        "-",
        "-",
    )


@pytest.mark.parametrize(
    ("name", "encoding", "shown"),
    [
        ("laptop", "utf-8", "laptop"),
        ("büro 🔑 שלום", "utf-8", "büro 🔑 שלום"),
        ("büro 🔑", "latin-1", "büro ?"),
        ("büro 🔑", "ascii", "b?ro ?"),
        ("\x1b[31mred\x1b[0m\r\nID", "utf-8", "?[31mred?[0m??ID"),
        ("\u202egpj.exe\u2066\u200b\u2028\x00", "utf-8", "?gpj.exe????"),
    ],
)
def test_a_name_is_shown_and_not_obeyed(name: str, encoding: str, shown: str) -> None:
    assert printable(name, encoding) == shown
