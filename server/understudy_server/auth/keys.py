"""API keys, kept as hashes: making, listing, replacing and revoking them."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence
from functools import partial
from uuid import uuid4

from understudy_server.auth.records import KEYS, key_uses
from understudy_server.auth.stored_key import (
    EVERYTHING,
    ID_LENGTH,
    Policy,
    StoredKey,
    parse,
)
from understudy_server.clock import Clock
from understudy_server.errors import Conflict, InvalidRequest, NotFound, StateConflict
from understudy_server.limits.key_limits import UNLIMITED
from understudy_server.store.commits import settle
from understudy_server.store.port import Commit, Operation, Position, Put, Record, Store
from understudy_server.store.v1.records_pb2 import ApiKey

DEFAULT_PROJECT = "default"

_KIND = "key"
_PREFIX = "sk-understudy-"
_PAGE = 100
_SECOND = 1_000_000


def key_hash(key: str) -> str:
    """SHA-256, in hexadecimal.

    Plain, without salt or stretching: those protect secrets that can be guessed, and a key of this
    server is 256 random bits.
    """
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()


class ApiKeys:
    """The keys in the store. Every method may also raise a ``StoreError``."""

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def now(self) -> int:
        """The store's time, by which keys expire."""
        return self._store.now()

    async def create(
        self, project: str, name: str, policy: Policy = EVERYTHING
    ) -> tuple[str, StoredKey]:
        """A new key: its text, which is kept nowhere, and what is stored of it."""
        now = self._store.now()
        text, key = _made(now, project=project, name=name, policy=policy)
        put = _first_put(key, now)
        return text, (await self._commit([put], [key]))[0]

    async def list(self) -> list[StoredKey]:
        """Every key, oldest first, those that are revoked or have expired included."""
        return [parse(record) for record in await self._all(_KIND)]

    async def uses(self) -> dict[str, int]:
        """When each key was last used, in Unix seconds, to about a minute; by its id, for those that ever were."""
        found = await self._all(key_uses.kind)
        return {record.id: key_uses.parse(record).body.used_at for record in found}

    async def _all(self, kind: str) -> Sequence[Record]:
        """Oldest first."""
        found: list[Record] = []
        low: Position | None = None
        while True:
            page = await self._store.list(KEYS, kind, low=low, limit=_PAGE)
            found += page
            if len(page) < _PAGE:
                return found
            low = page[-1].position

    async def find(self, id: str) -> StoredKey | None:
        # An ordinary read may lag behind a key that was just made; it is not enough to refuse one.
        record = await self._store.get(KEYS, _KIND, id)
        if record is None:
            record = await self._store.get(KEYS, _KIND, id, fresh=True)
        return None if record is None else parse(record)

    async def revoke(self, which: str) -> StoredKey:
        """End the key whose id begins with ``which`` or whose hint it is; again is no error.

        Raises ``NotFound``, and ``InvalidRequest`` when several keys match.
        """

        def decide(stored: StoredKey) -> ApiKey | None:
            if stored.revoked:
                return None
            key = _copy(stored.key)
            key.revoked_at = self._store.now() // _SECOND
            return key

        return (await self._change(which, decide))[0]

    async def rotate(self, which: str, overlap: int) -> tuple[str, StoredKey, StoredKey]:
        """Replace a key: the text of a new one, what is stored of it, and the old one.

        The old one is good for ``overlap`` more seconds. The new key is for the same project, under the same name, with
        the same scopes, limits and lifetime, which begins anew; the use of both is counted as one key's. Raises as
        ``revoke`` does, and ``StateConflict`` for a key that is good no more.
        """
        now = self._store.now()
        made: tuple[str, ApiKey] | None = None

        def decide(stored: StoredKey) -> ApiKey | None:
            nonlocal made
            if not stored.is_good(now):
                raise StateConflict(f"The key {stored.key.hint} is good no more; create another.")
            made = _made(
                now, project=stored.key.project, name=stored.key.name, policy=stored.policy()
            )
            made[1].budget = stored.key.budget or stored.id[:ID_LENGTH]
            key = _copy(stored.key)
            end = now // _SECOND + overlap
            key.expires_at = min(key.expires_at, end) if key.HasField("expires_at") else end
            return key

        def beside() -> tuple[Put, ApiKey]:
            assert made is not None
            return _first_put(made[1], now), made[1]

        old, new = await self._change(which, decide, beside)
        assert made is not None
        return made[0], new, old

    async def _change(
        self,
        which: str,
        decide: Callable[[StoredKey], ApiKey | None],
        beside: Callable[[], tuple[Put, ApiKey]] | None = None,
    ) -> Sequence[StoredKey]:
        """The key as ``decide`` changed it, and what was put ``beside`` it; after a conflict it decides again."""
        stored = await self._choose(which)
        while (key := decide(stored)) is not None:
            old = partial(
                Put, kind=_KIND, expected=stored.record.version, order=stored.record.order
            )
            puts, keys = [old(id=stored.id, body=key.SerializeToString())], [key]
            if beside is not None:
                put, other = beside()
                puts.append(put)
                keys.append(other)
            try:
                return await self._commit(puts, keys)
            except Conflict:
                stored = await self._read(stored.id)
        return [stored]

    async def _choose(self, which: str) -> StoredKey:
        matching = [
            stored
            for stored in await self.list()
            if which and (stored.id.startswith(which) or stored.key.hint == which)
        ]
        if not matching:
            raise NotFound(f"No key found with id '{which}'.")
        if len(matching) > 1:
            message = f"'{which}' fits {len(matching)} keys. Give more of the id."
            raise InvalidRequest(message, reason="INVALID_VALUE")
        return await self._read(matching[0].id)

    async def _read(self, id: str) -> StoredKey:
        record = await self._store.get(KEYS, _KIND, id, fresh=True)
        if record is None:
            raise NotFound(f"No key found with id '{id}'.")
        return parse(record)

    async def _commit(self, puts: Sequence[Put], keys: Sequence[ApiKey]) -> Sequence[StoredKey]:
        operations: tuple[Operation, ...] = tuple(puts)
        commit = Commit(id=uuid4().hex, partition=KEYS, operations=operations)
        versions = await settle(self._store, commit, self._clock)
        return [
            StoredKey(
                id=put.id,
                key=key,
                record=Record(
                    partition=KEYS,
                    kind=put.kind,
                    id=put.id,
                    order=put.order,
                    version=version or "",
                    commit=commit.id,
                    body=put.body,
                ),
            )
            for put, key, version in zip(puts, keys, versions, strict=True)
        ]


def _made(now: int, *, project: str, name: str, policy: Policy) -> tuple[str, ApiKey]:
    """The text of a new key and what is to be stored of it."""
    text = _PREFIX + secrets.token_urlsafe(32)
    key = ApiKey(
        hash=bytes.fromhex(key_hash(text)),
        project=project,
        name=name,
        created_at=now // _SECOND,
        hint=f"{text[: len(_PREFIX) + 4]}...{text[-4:]}",
        scopes=policy.scopes,
        lifetime=policy.lifetime,
    )
    if policy.limits != UNLIMITED:
        key.limits.CopyFrom(policy.limits.record())
    if policy.lifetime:
        key.expires_at = key.created_at + policy.lifetime
    return text, key


def _first_put(key: ApiKey, now: int) -> Put:
    return Put(
        kind=_KIND, id=key.hash.hex(), expected=None, order=now, body=key.SerializeToString()
    )


def _copy(key: ApiKey) -> ApiKey:
    copy = ApiKey()
    copy.CopyFrom(key)
    return copy
