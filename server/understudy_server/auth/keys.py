"""API keys, kept as hashes: making, listing and revoking them."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from uuid import uuid4

from understudy_server.clock import Clock
from understudy_server.errors import Conflict, InvalidRequest, NotFound
from understudy_server.store.commits import settle
from understudy_server.store.port import Commit, Partition, Position, Put, Record, Store
from understudy_server.store.v1.records_pb2 import ApiKey

KEYS = Partition(project="", name="keys")
"""A key has to be found before its project is known, so all keys live in one partition."""

DEFAULT_PROJECT = "default"

_KIND = "key"
_PREFIX = "sk-understudy-"
_PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """A key that was made here, without its text."""

    id: str
    """Its ``key_hash``."""
    key: ApiKey
    record: Record

    @property
    def revoked(self) -> bool:
        return self.key.HasField("revoked_at")


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

    async def create(self, project: str, name: str) -> tuple[str, StoredKey]:
        """A new key: its text, which is kept nowhere, and what is stored of it."""
        text = _PREFIX + secrets.token_urlsafe(32)
        id = key_hash(text)
        now = self._store.now()
        key = ApiKey(
            hash=bytes.fromhex(id),
            project=project,
            name=name,
            created_at=now // 1_000_000,
            hint=f"{text[: len(_PREFIX) + 4]}...{text[-4:]}",
        )
        put = Put(kind=_KIND, id=id, expected=None, order=now, body=key.SerializeToString())
        return text, await self._put(put, key)

    async def list(self) -> list[StoredKey]:
        """Every key, oldest first, revoked ones included."""
        found: list[StoredKey] = []
        low: Position | None = None
        while True:
            page = await self._store.list(KEYS, _KIND, low=low, limit=_PAGE)
            found += [_parse(record) for record in page]
            if len(page) < _PAGE:
                return found
            low = page[-1].position

    async def find(self, id: str) -> StoredKey | None:
        # An ordinary read may lag behind a key that was just made; it is not enough to refuse one.
        record = await self._store.get(KEYS, _KIND, id)
        if record is None:
            record = await self._store.get(KEYS, _KIND, id, fresh=True)
        return None if record is None else _parse(record)

    async def revoke(self, which: str) -> StoredKey:
        """End the key whose id begins with ``which`` or whose hint it is; again is no error.

        Raises ``NotFound``, and ``InvalidRequest`` when several keys match.
        """
        stored = await self._choose(which)
        while not stored.revoked:
            key = ApiKey()
            key.CopyFrom(stored.key)
            key.revoked_at = self._store.now() // 1_000_000
            put = Put(
                kind=_KIND,
                id=stored.id,
                expected=stored.record.version,
                order=stored.record.order,
                body=key.SerializeToString(),
            )
            try:
                return await self._put(put, key)
            except Conflict:
                # Only another revocation writes this record, so the second look ends it.
                stored = await self._read(stored.id)
        return stored

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
        return _parse(record)

    async def _put(self, put: Put, key: ApiKey) -> StoredKey:
        commit = Commit(id=uuid4().hex, partition=KEYS, operations=(put,))
        versions = await settle(self._store, commit, self._clock)
        record = Record(
            partition=KEYS,
            kind=put.kind,
            id=put.id,
            order=put.order,
            version=versions[0] or "",
            commit=commit.id,
            body=put.body,
        )
        return StoredKey(id=put.id, key=key, record=record)


def _parse(record: Record) -> StoredKey:
    return StoredKey(id=record.id, key=ApiKey.FromString(record.body), record=record)
