"""Which backend a store URL means. The only file that names all of them.

    memory://                  in this process; gone when it ends
    sqlite:///data/store.db    a file, relative to the working folder (three slashes)
    sqlite:////srv/store.db    a file by its absolute path (four slashes)

The number of slashes is read as SQLAlchemy, and with it most Python programs, reads it.
"""

from __future__ import annotations

from pathlib import Path

from understudy_server.clock import Clock
from understudy_server.store.memory import MemoryStore
from understudy_server.store.port import Store
from understudy_server.store.sqlite import SqliteStore

SCHEMES = ("memory", "sqlite")


class InvalidStoreUrl(ValueError):
    """A mistake in the configuration; the text says what to write instead."""


async def open_store(url: str, clock: Clock, *, shared: bool = False) -> Store:
    """Raises ``InvalidStoreUrl``, or ``StoreUnavailable`` when the store does not open.

    ``shared``: for a tool that works on the store beside a server that is running. Commits and reads are
    as safe as ever; only the server gets no wake-ups for what the tool commits.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in SCHEMES:
        known = ", ".join(f"{name}://" for name in SCHEMES)
        raise InvalidStoreUrl(f"the store URL {url!r} must begin with one of: {known}")
    if scheme == "sqlite":
        return await SqliteStore.open(_sqlite_path(url, rest), clock, shared=shared)
    if rest:
        raise InvalidStoreUrl(f"the store URL {url!r} must end after memory://")
    return MemoryStore(clock)


def _sqlite_path(url: str, rest: str) -> Path:
    path = rest.removeprefix("/")
    if path == rest or not path or path.endswith("/"):
        raise InvalidStoreUrl(
            f"the store URL {url!r} must be sqlite:///RELATIVE/FILE or sqlite:////ABSOLUTE/FILE"
        )
    if path == ":memory:":
        raise InvalidStoreUrl("a store that lives in memory only is called memory://")
    if "?" in path or "#" in path:
        raise InvalidStoreUrl(f"the store URL {url!r} takes no parameters")
    return Path(path)
