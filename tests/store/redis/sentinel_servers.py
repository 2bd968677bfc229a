"""A primary, its replica and a Sentinel that watches them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.store.redis.servers import Server, cli, free_ports, process, running
from tests.store.waiting import wait_until

SERVICE = "main"
NEVER = 3_600_000
"""Milliseconds."""


class Sentinel(Server):
    ready = "Sentinel ID is"

    def __init__(self, folder: Path, *options: str, port: int = 0, settings: str = "") -> None:
        """``settings``: lines of its file, for what has to be there from the start."""
        file = folder / "sentinel.conf"
        file.write_text(settings)
        super().__init__(folder, *options, port=port)
        self._options = [str(file), "--sentinel", *self._options]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """Servers that a Sentinel watches. It finds nothing wrong with them until it is told to look closely."""

    primary: Server
    replica: Server
    sentinel: Sentinel

    @property
    def url(self) -> str:
        """The store's. The first Sentinel that it names does not exist."""
        (nobody,) = free_ports(1)
        hosts = f"127.0.0.1:{nobody},127.0.0.1:{self.sentinel.port}"
        user = "sentinel_username=asker&sentinel_password=secret"
        return f"redis+sentinel://{hosts}/{SERVICE}?{user}"

    def look(self, patience: int) -> None:
        """The Sentinel takes a server for dead that is silent for so many milliseconds."""
        self._ask("set", SERVICE, "down-after-milliseconds", str(patience))

    def change_roles(self) -> None:
        """As one who does it by hand: nobody's connections are cut."""
        cli("-p", str(self.replica.port), "replicaof", "no", "one")
        # It follows nobody who is there: while it takes over another's data it would answer LOADING.
        (nobody,) = free_ports(1)
        cli("-p", str(self.primary.port), "replicaof", "127.0.0.1", str(nobody))
        self._ask("remove", SERVICE)
        self.watch(self.replica)

    def watch(self, primary: Server) -> None:
        self._ask("monitor", SERVICE, "127.0.0.1", str(primary.port), "1")
        # A failover that found no replica is tried again after twice this time.
        self._ask("set", SERVICE, "failover-timeout", "20000")
        self.look(NEVER)

    def wait_for_replica(self) -> None:
        """Return when the Sentinel knows the replica as one that can take over."""
        wait_until(lambda: "master-link-status\nok" in self._ask("replicas", SERVICE))

    def is_asked(self) -> bool:
        """Whether a store has a connection to the Sentinel."""
        return "user=asker" in cli("-p", str(self.sentinel.port), "client", "list")

    def _ask(self, *words: str) -> str:
        return cli("-p", str(self.sentinel.port), "sentinel", *words)


@contextmanager
def watched_servers(folder: Path) -> Iterator[Watched]:
    with ExitStack() as stack:
        ports = free_ports(3)
        for port in ports:
            (folder / str(port)).mkdir()
        first, second, third = ports
        primary = stack.enter_context(
            process(folder / str(first), *_DATA, "--repl-diskless-sync-delay", "0", port=first)
        )
        following = ("--replicaof", f"127.0.0.1 {first}")
        replica = stack.enter_context(
            process(folder / str(second), *_DATA, *following, port=second)
        )
        wait_until(lambda: "master_link_status:up" in cli("-p", str(second), "info", "replication"))
        sentinel = Sentinel(folder / str(third), port=third)
        stack.enter_context(running(sentinel))
        watched = Watched(primary=primary, replica=replica, sentinel=sentinel)
        cli("-p", str(third), "acl", "setuser", *_ASKER)
        watched.watch(primary)
        watched.wait_for_replica()
        yield watched


_DATA = ("--save", "")
_ASKER = ("asker", "on", ">secret", "+@connection", "+sentinel|masters")
"""With the rights that docs/stores.md names, and no others."""
