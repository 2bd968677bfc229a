"""A ``Store`` on Redis 7 and newer, a single server, behind Sentinels, or a Cluster.

What is stored, for a partition in bucket ``2a``:

    {understudy:2a}:record:PROJECT:NAME:KIND:ID    a hash: version, commit, order, due, body, indexes
    {understudy:2a}:log:PROJECT:NAME:LOG           a stream; the id of an entry is its last event's
    {understudy:2a}:list:... all:... dir:... due   sorted sets; see ``keys``

A commit is one script. Nothing ever expires.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

from redis.exceptions import RedisError, ResponseError

from understudy_server.clock import SECOND, Clock
from understudy_server.errors import Conflict, OutcomeUnknown, StoreUnavailable
from understudy_server.store.port import (
    Commit,
    Entry,
    EventId,
    Log,
    Partition,
    Portion,
    Position,
    Record,
    Stored,
    Version,
    Watch,
)
from understudy_server.store.redis import answers, cautions, keys
from understudy_server.store.redis.batching import Batches
from understudy_server.store.redis.commits import commit_call
from understudy_server.store.redis.connecting import (
    TIMEOUT,
    Address,
    Client,
    connect,
    disconnect,
    server_settings,
)
from understudy_server.store.redis.listening import ChannelListener
from understudy_server.store.redis.merging import Found, Pages, merged
from understudy_server.store.redis.scanning import Scans
from understudy_server.store.redis.scripts import LIST, Command
from understudy_server.store.redis.wakeups import WakeUps
from understudy_server.store.server_time import StoreTime
from understudy_server.store.validation import validate, validate_limit
from understudy_server.store.watches import Watches

_Page: TypeAlias = Callable[[int, bytes | None, int], Command]
"""By bucket, the member after which to go on, and how many: what to ask for."""


class RedisStore:
    """Use on the event loop on which ``open`` ran."""

    def __init__(self, client: Client, prefix: str, clock: Clock) -> None:
        """For ``open``."""
        self._client = client
        self._names = keys.Names(prefix)
        # No transaction around them: they are independent of each other.
        self._batches = Batches(partial(client.pipeline, transaction=False), timeout=TIMEOUT)
        self._watches = Watches(clock)
        listener = ChannelListener(client, self._names.channel())
        self._wake_ups = WakeUps(listener, self._watches, clock)
        self._time = StoreTime(self._ask_time, clock)
        self._first_bucket = secrets.randbelow(keys.BUCKETS)
        self._scans = Scans(client, self._names, self._ask_all)
        self._closed = False

    @classmethod
    async def open(cls, address: Address, clock: Clock) -> RedisStore:
        """Connect. Raises ``StoreUnavailable``."""
        store = cls(connect(address), address.prefix, clock)
        try:
            await store._wake_ups.start()
            await store._time.start()
        except (RedisError, OSError, StoreUnavailable) as error:
            await store.close()
            raise StoreUnavailable(f"the store {address.shown()} does not open: {error}") from error
        return store

    def now(self) -> int:
        return self._time.now()

    async def get(
        self, partition: Partition, kind: str, id: str, *, fresh: bool = False
    ) -> Record | None:
        del fresh  # every read asks a primary
        fields = await self._ask(
            ("HMGET", self._names.record(partition, kind, id), *answers.FIELDS)
        )
        return answers.record(partition, kind, id, fields)

    async def list(
        self,
        partition: Partition,
        kind: str | None,
        *,
        low: Position | None = None,
        high: Position | None = None,
        descending: bool = False,
        limit: int,
    ) -> Sequence[Record]:
        validate_limit(limit)
        found = await self._ask(
            LIST.call(
                self._names.listing(partition, kind),
                keys.lowest(low),
                keys.highest(high),
                limit,
                int(descending),
                self._names.records(partition),
                "" if kind is None else keys.quoted(kind),
            )
        )
        records = []
        for member, *fields in found:
            id, *rest = keys.unpacked(member[16:])
            record = answers.record(partition, rest[0] if kind is None else kind, id, fields)
            if record is not None:
                records.append(record)
        return records

    async def due(self, now: int, limit: int) -> Sequence[Record]:
        validate_limit(limit)
        until = keys.due_until(now)

        def page(bucket: int, after: bytes | None, count: int) -> Command:
            low = b"-" if after is None else b"(" + after
            return _range(self._names.due(bucket), low, until, count)

        found = await self._merge(page, limit)
        return await self._records([keys.parse_address(member) for member, _ in found])

    async def directory(
        self,
        project: str,
        kind: str,
        label: str,
        *,
        low: Position | None = None,
        high: Position | None = None,
        descending: bool = False,
        limit: int,
    ) -> Sequence[Record]:
        validate_limit(limit)
        lowest, highest = keys.lowest(low), keys.highest(high)

        def page(bucket: int, after: bytes | None, count: int) -> Command:
            name = self._names.directory(bucket, project, kind, label)
            if after is None:
                return _range(name, lowest, highest, count, descending=descending)
            if descending:
                return _range(name, lowest, b"(" + after, count, descending=True)
            return _range(name, b"(" + after, highest, count)

        found = await self._merge(page, limit, descending=descending)
        places = [keys.parse_place(member) for member, _ in found]
        return await self._records([(Partition(project, name), kind, id) for id, name in places])

    async def commit(self, commit: Commit) -> tuple[Version | None, ...]:
        self._refuse_if_closed()
        validate(commit)
        call, versions = commit_call(self._names, commit, secrets.token_hex(8), self.now())
        if not await self._batches.ask(call):
            raise Conflict(f"{commit.partition.name} is not as expected")
        return tuple(versions)

    async def read(
        self, partition: Partition, log: str, after: EventId, limit: int
    ) -> Sequence[Entry]:
        validate_limit(limit)
        name = self._names.log(partition, log)
        found = await self._ask(("XRANGE", name, f"({after}", "+", "COUNT", limit))
        return [answers.entry(id, fields) for id, fields in found]

    async def partitions(self, cursor: str, limit: int) -> Portion[Partition]:
        self._refuse_if_closed()
        validate_limit(limit)
        return await self._scans.partitions(cursor, limit)

    async def logs(self, cursor: str, limit: int) -> Portion[Log]:
        self._refuse_if_closed()
        validate_limit(limit)
        return await self._scans.logs(cursor, limit)

    async def records(self, partition: Partition, cursor: str, limit: int) -> Portion[Stored]:
        self._refuse_if_closed()
        validate_limit(limit)
        return await self._scans.records(partition, cursor, limit)

    def watch(self, partition: Partition | None) -> Watch:
        self._refuse_if_closed()
        return self._watches.watch(partition)

    async def ping(self) -> None:
        """A real write: a server whose disk is full answers reads and takes none."""
        await self._ask(("SET", self._names.ping(), "1"))

    async def cautions(self) -> Sequence[str]:
        self._refuse_if_closed()
        try:
            servers = await server_settings(self._client, cautions.SETTINGS)
        except ResponseError:
            return [cautions.UNKNOWN]
        except (RedisError, OSError) as error:
            raise StoreUnavailable(f"Redis does not answer: {error}") from error
        return list(dict.fromkeys(words for each in servers for words in cautions.judge(each)))

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._watches.wake_all()
        await self._time.stop()
        await self._wake_ups.stop()
        await self._batches.drain()
        await disconnect(self._client)

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise StoreUnavailable("the store is closed")

    async def _ask(self, command: Command) -> Any:
        """The answer to a command that may be given up and asked again."""
        self._refuse_if_closed()
        try:
            return await self._batches.ask(command)
        except OutcomeUnknown as error:
            raise StoreUnavailable(error.message) from error

    async def _ask_time(self) -> int:
        seconds, microseconds = await self._ask(("TIME",))
        return int(seconds) * SECOND + int(microseconds)

    async def _merge(self, page: _Page, limit: int, *, descending: bool = False) -> Sequence[Found]:
        async def ask(unfinished: Mapping[int, bytes | None], count: int) -> Pages:
            commands = [page(bucket, after, count) for bucket, after in unfinished.items()]
            pages: Pages = await self._ask_all(commands)
            return pages

        # Cores that start at different buckets attend to different records first.
        order = [(self._first_bucket + n) % keys.BUCKETS for n in range(keys.BUCKETS)]
        return await merged(ask, order, limit, descending=descending)

    async def _ask_all(self, commands: Sequence[Command]) -> Any:
        self._refuse_if_closed()
        try:
            return await self._batches.ask_all(list(commands))
        except OutcomeUnknown as error:
            raise StoreUnavailable(error.message) from error

    async def _records(self, addresses: Sequence[tuple[Partition, str, str]]) -> Sequence[Record]:
        """Those of the records that are still there."""
        all_fields = await self._ask_all(
            [("HMGET", self._names.record(*address), *answers.FIELDS) for address in addresses]
        )
        found = zip(addresses, all_fields, strict=True)
        records = (answers.record(*address, fields) for address, fields in found)
        return [record for record in records if record is not None]


def _range(name: str, low: bytes, high: bytes, count: int, *, descending: bool = False) -> Command:
    if descending:
        return ("ZRANGE", name, high, low, "BYLEX", "REV", "LIMIT", 0, count)
    return ("ZRANGE", name, low, high, "BYLEX", "LIMIT", 0, count)
