"""API keys, kept as hashes: making, listing, replacing and revoking them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from uuid import uuid4

from understudy_server.auth.authority import Authority, still_good
from understudy_server.auth.lineage import MOST_AT_ONCE, came_of, portions
from understudy_server.auth.making import ID_DIGITS, copied, made, put, revoked
from understudy_server.auth.pausing import Pause, no_pause
from understudy_server.auth.records import KEY, KEYS, key_uses
from understudy_server.auth.stored_key import EVERYTHING, ID_LENGTH, Policy, StoredKey, parse
from understudy_server.auth.words import ended_key
from understudy_server.clock import SECOND, Clock
from understudy_server.errors import (
    Conflict,
    InvalidApiKey,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    StateConflict,
    StoreUnavailable,
)
from understudy_server.store.commits import settle
from understudy_server.store.port import Check, Commit, Position, Put, Record, Store
from understudy_server.store.tables import record_of
from understudy_server.store.v1.records_pb2 import ApiKey

DEFAULT_PROJECT = "default"

_PAGE = 100


def missing(which: str) -> NotFound:
    """The error for a key that was not found."""
    return NotFound(f"No key found with id '{which}'.", resource=("understudy.v1.ApiKey", which))


class ApiKeys:
    """The keys in the store. Every method may also raise a ``StoreError``.

    ``by``: the key that manages keys here, which knows those of its project only, by their whole ids; None: somebody
    beside the server, who has the whole store in hands. Raises ``InvalidApiKey`` when that key is good no more at the
    moment of the change, and ``Overloaded`` when it is to make another in a pause (see `pausing`).
    """

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def now(self) -> int:
        """The store's time, by which keys expire."""
        return self._store.now()

    async def create(
        self, project: str, name: str, policy: Policy = EVERYTHING, by: Authority | None = None
    ) -> tuple[str, StoredKey]:
        """A new key: its text, which is kept nowhere, and what is stored of it."""
        while True:
            now, checks = self.now(), await self._checks(by, makes=True)
            text, key = made(now, project=project, name=name, policy=policy, by=by)
            try:
                return text, (await self._commit([put(key, None, now)], checks))[0]
            except Conflict:
                # Not with the new key, which nobody else can have made: with the one that makes it.
                continue

    async def list(self) -> list[StoredKey]:
        """Every key, oldest first; those that are revoked or have expired included."""
        return [parse(record) async for record in self._each(KEY)]

    async def page(
        self,
        project: str,
        *,
        low: Position | None,
        high: Position | None,
        descending: bool,
        limit: int,
    ) -> Sequence[Record]:
        """As ``Store.list``, of one project."""
        found: list[Record] = []
        async with aclosing(self._each(KEY, low=low, high=high, descending=descending)) as records:
            async for record in records:
                if parse(record).key.project == project:
                    found.append(record)
                    if len(found) == limit:
                        break
        return found

    async def uses(self) -> dict[str, int]:
        """When each key was last used, in Unix seconds, to about a minute; by its id, for those that ever were."""
        return {
            record.id: key_uses.parse(record).body.used_at
            async for record in self._each(key_uses.kind)
        }

    async def used(self, id: str) -> int | None:
        """When this key was."""
        row = await key_uses.get(self._store, KEYS, id)
        return None if row is None else row.body.used_at

    async def _each(
        self,
        kind: str,
        *,
        low: Position | None = None,
        high: Position | None = None,
        descending: bool = False,
    ) -> AsyncGenerator[Record, None]:
        """As ``Store.list``, without an end to its pages."""
        while True:
            page = await self._store.list(
                KEYS, kind, low=low, high=high, descending=descending, limit=_PAGE
            )
            for record in page:
                yield record
            if len(page) < _PAGE:
                return
            last = page[-1].position
            low, high = (low, last) if descending else (last, high)

    async def find(self, id: str) -> StoredKey | None:
        # An ordinary read may lag behind a key that was just made; it is not enough to refuse one.
        record = await self._store.get(KEYS, KEY, id)
        if record is None:
            return await self._fresh(id)
        return parse(record)

    async def _fresh(self, id: str) -> StoredKey | None:
        record = await self._store.get(KEYS, KEY, id, fresh=True)
        return None if record is None else parse(record)

    async def revoke(
        self, which: str, by: Authority | None = None, *, with_created: bool = False
    ) -> Sequence[StoredKey]:
        """End the key whose id begins with ``which`` or whose hint it is; again is no error.

        ``with_created``: and the keys that were made by it, and by those, and so on; they stand behind it. Keys are
        listed after their makers have been ended, which make nothing from then on, until none is left: so none slips
        through. When some are being made meanwhile, there is a pause in which no key of the project makes others. Cut
        off in the middle it is repeated. Raises ``NotFound``, and ``InvalidRequest`` when several match.
        """

        def decide(stored: StoredKey) -> Sequence[ApiKey]:
            return [] if stored.revoked else [revoked(stored.key, self.now())]

        (first,) = await self._change(which, decide, by)
        return [first, *await self._end_created(first, by)] if with_created else [first]

    async def _end_created(self, maker: StoredKey, by: Authority | None) -> Sequence[StoredKey]:
        most, ended = MOST_AT_ONCE, {maker.id}
        pause = Pause(self._store, maker.key.project, self._clock)
        while True:
            came = came_of(maker.id, await self.list())
            good = [stored for stored in came if not stored.revoked]
            if not good:
                return came
            now = self.now()
            puts = [put(revoked(stored.key, now), stored, now) for stored in good]
            try:
                for portion in portions(puts, most):
                    # Not in the name of a key that this very call has ended.
                    own = by is not None and by.key in ended
                    await self._commit(portion, [] if own else await self._checks(by))
                    ended.update(put.id for put in portion)
                    await pause.hold()
            except Conflict:
                # The fewer they are, the less likely is it that one of them changes.
                most = max(1, most // 4)
            await pause.look_again()

    async def rotate(
        self, which: str, overlap: int, by: Authority | None = None
    ) -> tuple[str, StoredKey, StoredKey]:
        """Replace a key: the text of a new one, what is stored of it, and the old one.

        The old one is good for ``overlap`` more seconds. The new key is for the same project, under the same name, with
        the same scopes, limits and lifetime, which begins anew; the use of both is counted as one key's. Raises as
        ``revoke`` does, and ``StateConflict`` for a key that is good no more.
        """
        text = ""

        def decide(stored: StoredKey) -> Sequence[ApiKey]:
            nonlocal text
            now = self.now()
            if not stored.is_good(now):
                raise StateConflict(f"The key {stored.key.hint} is good no more; create another.")
            old = stored.key
            text, new = made(now, project=old.project, name=old.name, policy=stored.policy(), by=by)
            new.budget = old.budget or stored.key_id
            key = copied(old)
            end = now // SECOND + overlap
            key.expires_at = min(key.expires_at, end) if key.HasField("expires_at") else end
            return [key, new]

        replaced, replacement = await self._change(which, decide, by, makes=True)
        return text, replacement, replaced

    async def _change(
        self,
        which: str,
        decide: Callable[[StoredKey], Sequence[ApiKey]],
        by: Authority | None = None,
        *,
        makes: bool = False,
    ) -> Sequence[StoredKey]:
        """What ``decide`` wants written: the key first, and others beside it; or for nothing the key as it is.

        After a conflict it decides again.
        """
        while True:
            stored = await self._choose(which, by)
            which = stored.id
            keys, checks = decide(stored), await self._checks(by, makes=makes)
            if not keys:
                return [stored]
            now = self.now()
            puts = [put(keys[0], stored, now), *(put(key, None, now) for key in keys[1:])]
            try:
                return await self._commit(puts, checks)
            except Conflict:
                continue

    async def _choose(self, which: str, by: Authority | None) -> StoredKey:
        if len(which) == ID_DIGITS:
            whole = await self._fresh(which)
            if whole is not None and (by is None or whole.key.project == by.project):
                return whole
        return _chosen([] if by else await self.list(), which)

    async def _checks(self, by: Authority | None, *, makes: bool = False) -> Sequence[Check]:
        """``makes``: whether a key is to be made, for which there must be no pause."""
        if by is None:
            return []
        own = [await self._own(by)] if by.is_stored else []
        return [*own, await no_pause(self._store, by.project)] if makes else own

    async def _own(self, by: Authority) -> Check:
        own = await self._fresh(by.key)
        if own is None:
            # No key is ever removed: this store is not the one that knew it.
            raise InvalidApiKey(ended_key(by.key[:ID_LENGTH]))
        return still_good(own, self.now())

    async def _commit(self, puts: Sequence[Put], checks: Sequence[Check]) -> Sequence[StoredKey]:
        # A put states the version of what it replaces anyway, and one commit may speak of a record once.
        written = {put.id for put in puts}
        others = [check for check in checks if check.id not in written]
        commit = Commit(id=uuid4().hex, partition=KEYS, operations=(*puts, *others))
        try:
            versions = await settle(self._store, commit, self._clock)
        except Conflict:
            # Nobody else makes the new key among them: if it is there, this happened, and was changed since.
            if any([put.expected is None and await self._reread(put) for put in puts]):
                return [stored for put in puts if (stored := await self._reread(put))]
            raise
        return [
            parse(record_of(KEYS, put, version or "", commit.id))
            for put, version in zip(puts, versions, strict=False)
        ]

    async def _reread(self, put: Put) -> StoredKey | None:
        """After a conflict, when an earlier try of the same may have happened."""
        try:
            return await self._fresh(put.id)
        except StoreUnavailable as error:
            raise OutcomeUnknown(f"after a conflict nothing could be read: {error}") from error


def _chosen(seen: Sequence[StoredKey], which: str) -> StoredKey:
    matching = [
        stored
        for stored in seen
        if which and (stored.id.startswith(which) or stored.key.hint == which)
    ]
    if not matching:
        raise missing(which)
    if len(matching) > 1:
        message = f"'{which}' fits {len(matching)} keys. Give more of the id."
        raise InvalidRequest(message, reason="INVALID_VALUE")
    return matching[0]
