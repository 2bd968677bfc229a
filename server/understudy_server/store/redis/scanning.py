"""Everything that is there, portion by portion: Redis walks its keys itself, in an order of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from redis.asyncio import RedisCluster
from redis.exceptions import RedisError

from understudy_server.errors import StoreUnavailable
from understudy_server.store.port import Log, Partition, Portion, Stored
from understudy_server.store.redis import answers, keys
from understudy_server.store.redis.connecting import Client
from understudy_server.store.redis.scripts import STORED, Command


class Scans:
    """Keep the slots of a Cluster where they are meanwhile: what moves behind the walk is not met."""

    def __init__(
        self,
        client: Client,
        names: keys.Names,
        ask_all: Callable[[Sequence[Command]], Awaitable[Any]],
    ) -> None:
        self._client = client
        self._names = names
        self._ask_all = ask_all

    async def partitions(self, cursor: str, limit: int) -> Portion[Partition]:
        # Each partition that has a record has one sorted set of all of them.
        found, after = await self._walk("all", cursor, limit)
        return Portion([Partition(*texts) for texts in found], after)

    async def logs(self, cursor: str, limit: int) -> Portion[Log]:
        found, after = await self._walk("log", cursor, limit)
        return Portion([Log(Partition(*texts[:2]), texts[2]) for texts in found], after)

    async def records(self, partition: Partition, cursor: str, limit: int) -> Portion[Stored]:
        after = b"(" + bytes.fromhex(cursor) if cursor else b"-"
        listing = self._names.listing(partition, None)
        (members,) = await self._ask_all(
            [("ZRANGE", listing, after, "+", "BYLEX", "LIMIT", 0, limit)]
        )
        # Behind the position, of which the id is a part, comes the kind.
        places = [keys.unpacked(member[16:]) for member in members]
        all_fields = await self._ask_all(
            [STORED.call(self._names.record(partition, kind, id)) for id, kind in places]
        )
        found = []
        for (id, kind), (*fields, indexes) in zip(places, all_fields, strict=True):
            record = answers.record(partition, kind, id, fields)
            if record is not None:
                found.append(Stored(record=record, labels=keys.labels_of(indexes)))
        return Portion(found, members[-1].hex() if len(members) == limit else "")

    async def _walk(self, room: str, cursor: str, limit: int) -> tuple[list[list[str]], str]:
        """The texts in some names of a room, and where to go on. The last server's last step ends it."""
        number, _, step = (cursor or "0 0").partition(" ")
        try:
            servers = await self._servers()
            target = {} if servers[int(number)] is None else {"target_nodes": servers[int(number)]}
            client: Any = self._client
            after, names = await client.scan(
                int(step), match=self._names.pattern(room), count=limit, **target
            )
        except (RedisError, OSError) as error:
            raise StoreUnavailable(f"Redis does not answer: {error}") from error
        except IndexError:
            raise StoreUnavailable("the Cluster has lost a primary meanwhile") from None
        if isinstance(after, dict):
            (after,) = after.values()
        found = [self._names.parse(room, name) for name in names]
        if after:
            return found, f"{number} {after}"
        following = int(number) + 1
        return found, f"{following} 0" if following < len(servers) else ""

    async def _servers(self) -> Sequence[Any]:
        """All that keep data, in an order that stays; None for the only one."""
        if not isinstance(self._client, RedisCluster):
            return [None]
        await self._client.initialize()
        return sorted(self._client.get_primaries(), key=lambda node: str(node.name))
