"""A ``Store`` on Azure Cosmos DB, API for NoSQL.

One container holds everything. A partition of the port is a logical partition of Cosmos DB, a commit is a transactional
batch, the version of a record is an etag. ``items`` says what is stored, ``names`` how it is found again, ``batch``
what a commit becomes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from azure.cosmos.aio import ContainerProxy, CosmosClient
from azure.cosmos.documents import DatabaseAccount

from understudy_server.clock import Clock
from understudy_server.errors import StoreError, StoreUnavailable
from understudy_server.store.cosmos import items, judging, names, scanning
from understudy_server.store.cosmos.commits import Commits
from understudy_server.store.cosmos.connecting import (
    Address,
    Properties,
    connect,
    open_container,
    read_account,
)
from understudy_server.store.cosmos.ends import Ends
from understudy_server.store.cosmos.reads import between, position_range, query, read_item
from understudy_server.store.cosmos.sending import Transport, one_call, one_read
from understudy_server.store.cosmos.sweeping import Sweeper
from understudy_server.store.cosmos.time import StoreTime
from understudy_server.store.cosmos.wakeups import WakeUps
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
from understudy_server.store.validation import validate, validate_limit

T = TypeVar("T")

OPENING = 60.0
"""Seconds to open: making a container takes a while."""


class CosmosStore:
    """Use on the event loop on which ``open`` ran."""

    def __init__(
        self,
        client: CosmosClient,
        account: DatabaseAccount,
        container: ContainerProxy,
        properties: Properties,
        clock: Clock,
        time: StoreTime,
    ) -> None:
        """For ``open``."""
        self._client = client
        self._account = account
        self._container = container
        self._clock = clock
        self._time = time
        self._properties = properties
        self._ends = Ends(container)
        self._commits = Commits(container, self._ends, clock, time.now)
        self._wake_ups = WakeUps(container, clock, time)
        self.sweeper = Sweeper(container, clock, time)
        self._accepted: set[asyncio.Task[tuple[Version | None, ...]]] = set()
        self._closed = False

    @classmethod
    async def open(cls, address: Address, clock: Clock) -> CosmosStore:
        """Connect; make what is missing. Raises ``StoreUnavailable``."""
        time = StoreTime(clock)
        transport = Transport(clock, time.hear, proxies=not address.loopback)
        client = connect(address, transport)
        try:
            async with one_call(clock, OPENING):
                await client.__aenter__()
                account = await read_account(client)
                if why := judging.refuse_account(account, loopback=address.loopback):
                    raise StoreUnavailable(why)
                container, properties = await open_container(client, address)
                if why := judging.refuse_container(properties):
                    raise StoreUnavailable(why)
            store = cls(client, account, container, properties, clock, time)
            await store._wake_ups.start()
        except BaseException as error:
            await client.close()
            if isinstance(error, StoreError):
                where = f"{address.endpoint} (database {address.database})"
                raise StoreUnavailable(f"the store {where} does not open: {error}") from error
            raise
        store.sweeper.start()
        return store

    def now(self) -> int:
        return self._time.now()

    async def get(
        self, partition: Partition, kind: str, id: str, *, fresh: bool = False
    ) -> Record | None:
        del fresh  # the account's consistency makes every read fresh
        self._refuse_if_closed()
        key = names.partition_key(partition)
        async with one_read(self._clock):
            item = await read_item(self._container, key, names.record_id(kind, id))
        return None if item is None else items.record(item)

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
        property, start = names.listing(partition, kind)
        text = between(property, descending=descending)
        bounds = position_range(start, low, high)
        return await self._records(text, bounds, limit, names.partition_key(partition))

    async def due(self, now: int, limit: int) -> Sequence[Record]:
        bounds = {"@low": "", "@high": names.number(now + 1)}
        return await self._records(between("due"), bounds, limit, None)

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
        text = between("dirs", names.label_property(label), descending=descending)
        bounds = position_range(names.directory(project, kind, label), low, high)
        return await self._records(text, bounds, limit, None)

    async def commit(self, commit: Commit) -> tuple[Version | None, ...]:
        self._refuse_if_closed()
        validate(commit)
        # A task of its own: a caller that gives up must not leave half of the tries.
        task = asyncio.create_task(self._commit(commit))
        self._accepted.add(task)
        task.add_done_callback(self._settled)
        return await asyncio.shield(task)

    async def read(
        self, partition: Partition, log: str, after: EventId, limit: int
    ) -> Sequence[Entry]:
        validate_limit(limit)
        self._refuse_if_closed()
        async with one_read(self._clock):
            end = await self._ends.read(partition, log)
            if end is None or end.last <= after:
                return []
            start = names.log_start(partition, log, end.generation)
            # Not beyond the end that was read: its generation is sure up to there.
            bounds = {
                "@low": start + names.event(after),
                "@high": start + names.event(end.last) + "~",
            }
            key = names.partition_key(partition)
            found = await query(self._container, between("log"), bounds, limit, key)
        return items.entries(found, after, limit)

    async def partitions(self, cursor: str, limit: int) -> Portion[Partition]:
        return await self._portion(scanning.partitions(self._container, cursor, limit), limit)

    async def logs(self, cursor: str, limit: int) -> Portion[Log]:
        return await self._portion(scanning.logs(self._container, cursor, limit), limit)

    async def records(self, partition: Partition, cursor: str, limit: int) -> Portion[Stored]:
        found = scanning.records(self._container, partition, cursor, limit)
        return await self._portion(found, limit)

    def watch(self, partition: Partition | None) -> Watch:
        self._refuse_if_closed()
        return self._wake_ups.watch(partition)

    async def ping(self) -> None:
        """A real write: with a read-only key, reads work and nothing else does."""
        self._refuse_if_closed()
        async with one_read(self._clock):
            await self._container.upsert_item({"id": "ping", "pk": "ping"})

    async def cautions(self) -> Sequence[str]:
        """As of when the store was opened."""
        self._refuse_if_closed()
        return judging.cautions(self._account, self._properties)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._wake_ups.wake_all()
        while self._accepted:
            await asyncio.wait(self._accepted)
        await self.sweeper.stop()
        await self._wake_ups.stop()
        await self._client.close()

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise StoreUnavailable("the store is closed")

    async def _commit(self, commit: Commit) -> tuple[Version | None, ...]:
        versions = await self._commits.commit(commit)
        self._wake_ups.announce(commit)
        return versions

    def _settled(self, task: asyncio.Task[tuple[Version | None, ...]]) -> None:
        self._accepted.discard(task)
        if not task.cancelled():
            # Looked at, so that an abandoned one is not reported as forgotten.
            task.exception()

    async def _portion(self, asked: Coroutine[Any, Any, Portion[T]], limit: int) -> Portion[T]:
        try:
            validate_limit(limit)
            self._refuse_if_closed()
            async with one_read(self._clock):
                return await asked
        finally:
            asked.close()

    async def _records(
        self, text: str, bounds: Mapping[str, str], limit: int, key: str | None
    ) -> Sequence[Record]:
        validate_limit(limit)
        self._refuse_if_closed()
        async with one_read(self._clock):
            found = await query(self._container, text, bounds, limit, key)
        return [items.record(item) for item in found]
