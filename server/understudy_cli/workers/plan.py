"""What several workers need to differ in, and what they need to share. Pure."""

from __future__ import annotations

from understudy_cli.server import OFF
from understudy_cli.setting import SettingsError
from understudy_server.store.opener import InvalidStoreUrl, parse_sqlite

_HIGHEST_PORT = 65_535

STEADY = 60.0
"""Seconds after which a worker that ended counts as one that had worked."""

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 10.0


def grpc_addresses(address: str, workers: int) -> tuple[str, ...]:
    """Where each worker listens: the first at ``address``, the others at the ports after it.

    Of a Unix socket the others have the path with ``.2``, ``.3`` and so on; port 0 stays 0, ``off`` stays
    off. An edge can only tell cores apart, and use all of them, if each has an address of its own. Raises
    ``SettingsError``.
    """
    host, _, port = address.rpartition(":")
    if workers == 1 or address == OFF or port == "0":
        return (address,) * workers
    if address.startswith(("unix:", "unix-abstract:")):
        return (address, *(f"{address}.{number}" for number in range(2, workers + 1)))
    if not (host and port.isascii() and port.isdecimal()):
        raise SettingsError(f"grpc: '{address}' is not host:port, unix:/path or off")
    last = int(port) + workers - 1
    if last > _HIGHEST_PORT:
        raise SettingsError(f"grpc: {workers} workers need the ports from {port} to {last}")
    return tuple(f"{host}:{number}" for number in range(int(port), last + 1))


def shared_store(url: str, workers: int) -> str:
    """The store URL with which several processes may open it. Raises ``SettingsError``.

    A URL that is wrong is left to whoever opens it.
    """
    if workers == 1:
        return url
    if url.startswith("memory:"):
        raise SettingsError(
            f"workers: {workers} processes cannot share memory://, which lives in one: set a store that "
            "they can share, or workers to 1"
        )
    if not url.startswith("sqlite:"):
        return url
    try:
        shared = parse_sqlite(url).shared
    except InvalidStoreUrl:
        return url
    if shared:
        return url
    if "?" in url:
        raise SettingsError(
            f"workers: {workers} processes need to share the store, and '{url}' says that they do not"
        )
    return f"{url}?shared=true"


def shared_files(place: str, workers: int) -> str:
    """The place of files, if several processes can share it. Raises ``SettingsError``."""
    if workers > 1 and place.startswith("memory:"):
        raise SettingsError(
            f"files: {workers} processes cannot share memory:, which lives in one: set a folder or an object store, "
            "or workers to 1"
        )
    return place


class Restarts:
    """How long to wait before one worker is started again."""

    def __init__(self) -> None:
        self._pause = 0.0

    def pause_after(self, status: int, *, lived: float) -> float:
        """Seconds. ``status``: 0 if it was asked to end; ``lived``: seconds from its start to its end."""
        if status == 0:
            return 0.0
        pause = 0.0 if lived >= STEADY else self._pause
        self._pause = min(max(2 * pause, _FIRST_PAUSE), _LONGEST_PAUSE)
        return pause
