"""Which settings mean TLS, and where plain text is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from understudy_cli.configuration import load
from understudy_cli.setting import SettingsError
from understudy_cli.transport import channel_tls, is_private, listeners, refuse_plain_text


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("127.0.0.1", True),
        ("127.0.0.1:50051", True),
        ("127.8.8.8", True),
        ("localhost:0", True),
        ("::1", True),
        ("[::1]:50051", True),
        ("unix:/run/core.sock", True),
        ("unix-abstract:core", True),
        ("0.0.0.0", False),
        ("0.0.0.0:50051", False),
        ("::", False),
        ("[::]:50051", False),
        ("10.0.0.7:50051", False),
        ("core.internal:50051", False),
        ("", False),
    ],
)
def test_who_can_connect(address: str, private: bool) -> None:
    assert is_private(address) is private


def loaded(folder: Path, **flags: str) -> object:
    environment = {f"UNDERSTUDY_{name.upper()}": text for name, text in flags.items()}
    return load({}, environment, folder).values


@pytest.mark.parametrize("command", ["serve", "core", "edge"])
def test_plain_text_where_others_can_read_it_is_refused(command: str, tmp_path: Path) -> None:
    public = {"host": "0.0.0.0", "grpc": "0.0.0.0:50051"}
    values = load({}, {f"UNDERSTUDY_{k.upper()}": v for k, v in public.items()}, tmp_path).values
    with pytest.raises(SettingsError, match="plain_text=true"):
        refuse_plain_text(values, **listeners(command, values))


@pytest.mark.parametrize(
    "more", [{"plain_text": "true"}, {"tls_certificate": "c.pem", "tls_key": "k.pem"}]
)
def test_unless_it_is_wanted_or_there_is_a_certificate(
    more: dict[str, str], tmp_path: Path
) -> None:
    given = {"host": "0.0.0.0", "grpc": "0.0.0.0:50051", **more}
    values = load({}, {f"UNDERSTUDY_{k.upper()}": v for k, v in given.items()}, tmp_path).values
    refuse_plain_text(values, **listeners("serve", values))


def test_no_grpc_is_nothing_to_refuse(tmp_path: Path) -> None:
    values = load({}, {"UNDERSTUDY_GRPC": "off"}, tmp_path).values
    assert listeners("serve", values) == {"host": "127.0.0.1"}


@pytest.mark.parametrize(
    "given",
    [
        {"tls_certificate": "c.pem"},
        {"tls_key": "k.pem"},
        {"tls_client_ca": "ca.pem"},
    ],
)
def test_half_a_certificate_is_refused(given: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="tls_"):
        loaded(tmp_path, **given)


@pytest.mark.parametrize(
    "given", [{"core_certificate": "c.pem"}, {"core_certificate": "c.pem", "core_key": "k.pem"}]
)
def test_the_edge_needs_all_of_it(given: dict[str, str], tmp_path: Path) -> None:
    values = load({}, {f"UNDERSTUDY_{k.upper()}": v for k, v in given.items()}, tmp_path).values
    with pytest.raises(SettingsError, match="core_"):
        channel_tls(values)
