"""A ``Store`` on PostgreSQL 14 and newer; ``migrations`` says what its tables are.

A commit is one call of a function in the database, a page one statement: one round trip each.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from functools import partial

import asyncpg

from understudy_server.clock import Clock
from understudy_server.errors import Conflict, OutcomeUnknown, StoreError, StoreUnavailable, Unsent
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
from understudy_server.store.postgres import answers, cautions
from understudy_server.store.postgres.address import Address
from understudy_server.store.postgres.commits import commit_arguments
from understudy_server.store.postgres.connecting import (
    OLDEST,
    PLAIN,
    TIMEOUT,
    Manner,
    connect,
    facts,
    manner,
)
from understudy_server.store.postgres.migrating import migrate, migrations
from understudy_server.store.postgres.pool import Pool, Rows
from understudy_server.store.postgres.statements import Statements, bounds
from understudy_server.store.postgres.wakeups import WakeUps
from understudy_server.store.scanning import Texts, cursor_of, portion, texts_of
from understudy_server.store.server_time import StoreTime
from understudy_server.store.shown_url import shown_url
from understudy_server.store.validation import validate, validate_limit
from understudy_server.store.watches import Watches


class PostgresStore:
    """Use on the event loop on which ``open`` ran."""

    def __init__(self, address: Address, how: Manner, clock: Clock) -> None:
        """For ``open``."""
        connector = partial(connect, address, how)
        self._statements = Statements(address.schema)
        self._pool = Pool(connector, size=address.pool, timeout=TIMEOUT)
        self._watches = Watches(clock)
        self._wake_ups = WakeUps(connector, address.schema, self._watches, clock, listen=how.listen)
        self._time = StoreTime(self._ask_time, clock)
        self._closed = False

    @classmethod
    async def open(cls, address: Address, clock: Clock) -> PostgresStore:
        """Connect, and bring the schema up to date. Raises ``StoreUnavailable``."""
        try:
            store = cls(address, await _prepare(address), clock)
            try:
                await store._wake_ups.start()
                await store._time.start()
            except BaseException:
                await store.close()
                raise
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, StoreError) as error:
            words = f"the store {shown_url(address.url)} does not open: {str(error) or 'no answer'}"
            raise StoreUnavailable(words) from error
        return store

    def now(self) -> int:
        return self._time.now()

    async def get(
        self, partition: Partition, kind: str, id: str, *, fresh: bool = False
    ) -> Record | None:
        del fresh  # every read asks the primary
        names = _encoded(*partition, kind, id)
        for row in await self._ask(self._statements.get, *names):
            return answers.record(row)
        return None

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
        statements = self._statements.list_all if kind is None else self._statements.list_kind
        names = _encoded(*partition, *([] if kind is None else [kind]))
        rows = await self._ask(statements[descending], *names, *bounds(low, high), limit)
        return [answers.record(row) for row in rows]

    async def due(self, now: int, limit: int) -> Sequence[Record]:
        validate_limit(limit)
        return [answers.record(row) for row in await self._ask(self._statements.due, now, limit)]

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
        statement = self._statements.directory[descending]
        names = _encoded(project, kind, label)
        rows = await self._ask(statement, *names, *bounds(low, high), limit)
        return [answers.record(row) for row in rows]

    async def commit(self, commit: Commit) -> tuple[Version | None, ...]:
        self._refuse_if_closed()
        validate(commit)
        arguments, versions = commit_arguments(commit, secrets.token_hex(8))
        answer = self._pool.start(self._statements.commit, *arguments.values())
        answer.add_done_callback(partial(self._committed, commit))
        ((happened,),) = await asyncio.shield(answer)
        if not happened:
            raise Conflict(f"{commit.partition.name} is not as expected")
        return tuple(versions)

    async def read(
        self, partition: Partition, log: str, after: EventId, limit: int
    ) -> Sequence[Entry]:
        validate_limit(limit)
        rows = await self._ask(self._statements.read, *_encoded(*partition, log), *after, limit)
        return [answers.entry(row) for row in rows]

    async def partitions(self, cursor: str, limit: int) -> Portion[Partition]:
        validate_limit(limit)
        page = await self._scan(self._statements.partitions, cursor, 2, limit)
        return Portion([Partition(*key) for key in page.found], page.cursor)

    async def logs(self, cursor: str, limit: int) -> Portion[Log]:
        validate_limit(limit)
        page = await self._scan(self._statements.logs, cursor, 3, limit)
        return Portion([Log(Partition(*key[:2]), key[2]) for key in page.found], page.cursor)

    async def records(self, partition: Partition, cursor: str, limit: int) -> Portion[Stored]:
        validate_limit(limit)
        after = texts_of(cursor) or ("", "")
        statement = self._statements.records[bool(cursor)]
        rows = await self._ask(statement, *_encoded(*partition, *after), limit)
        found = [answers.stored(row) for row in rows]
        last = found[-1].record if len(found) == limit else None
        return Portion(found, cursor_of(last.kind, last.id) if last else "")

    def watch(self, partition: Partition | None) -> Watch:
        self._refuse_if_closed()
        return self._watches.watch(partition)

    async def ping(self) -> None:
        """A real write: a server whose disk is full answers reads and takes none."""
        await self._ask(self._statements.ping)

    async def cautions(self) -> Sequence[str]:
        return cautions.judge(dict(await self._ask(cautions.QUERY)))

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._watches.wake_all()
        await self._time.stop()
        await self._pool.close()
        await self._wake_ups.stop()

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise StoreUnavailable("the store is closed")

    def _committed(self, commit: Commit, answer: asyncio.Future[Rows]) -> None:
        # Also when it is not known whether it happened: early wake-ups are harmless.
        if isinstance(answer.exception(), OutcomeUnknown) or (
            answer.exception() is None and answer.result()[0][0]
        ):
            self._wake_ups.announce(commit, self.now())

    async def _ask(self, query: str, *arguments: object) -> Rows:
        """The answer to what may be given up and asked again."""
        self._refuse_if_closed()
        try:
            return await self._pool.ask(query, *arguments)
        except OutcomeUnknown as error:
            raise StoreUnavailable(error.message) from error

    async def _scan(
        self, statements: Mapping[bool, str], cursor: str, width: int, limit: int
    ) -> Portion[Texts]:
        after = texts_of(cursor) or ("",) * width
        rows = await self._ask(statements[bool(cursor)], *_encoded(*after), limit + 1)
        return portion([answers.texts(row) for row in rows], limit)

    async def _ask_time(self) -> int:
        ((microseconds,),) = await self._ask(self._statements.time)
        return int(microseconds)


async def _prepare(address: Address) -> Manner:
    """Look at the server, and give it its tables."""
    connection = await connect(address, PLAIN)
    try:
        found = await facts(connection)
        if found.version < OLDEST:
            raise Unsent(f"PostgreSQL {found.version} is older than {OLDEST}")
        await migrate(connection, address.schema, migrations())
    finally:
        connection.terminate()
    return manner(address, proxied=found.proxied)


def _encoded(*texts: str) -> list[bytes]:
    return [text.encode() for text in texts]
