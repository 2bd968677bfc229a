"""Whose key is it: asked at the start of every call."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from understudy_server.auth.keys import DEFAULT_PROJECT, ApiKeys
from understudy_server.auth.last_use import LastUse
from understudy_server.auth.making import key_hash
from understudy_server.auth.principal import Principal
from understudy_server.auth.stored_key import ID_LENGTH
from understudy_server.auth.words import MISSING_KEY, wrong_key
from understudy_server.clock import Clock
from understudy_server.errors import InvalidApiKey, MissingApiKey


@dataclass(frozen=True, slots=True)
class _Known:
    principal: Principal
    until: float


class KeyAuthenticator:
    """Recognizes keys of the store and of the environment.

    ``environment``: the hashes (``key_hash``) of keys that the configuration gives, with their
    projects; ``configured``: those of whom it says more. A good key is remembered for ``remember``
    seconds, which is how long a revoked one may live on, but not beyond its expiry; at most
    ``capacity`` are. Bad keys are not remembered.
    """

    def __init__(
        self,
        *,
        keys: ApiKeys,
        clock: Clock,
        environment: Mapping[str, str],
        configured: Mapping[str, Principal] | None = None,
        uses: LastUse | None = None,
        remember: float = 5.0,
        capacity: int = 1_024,
    ) -> None:
        self._keys = keys
        self._clock = clock
        self._uses = uses
        self._environment = {
            id: Principal(project=project, key_id=id[:ID_LENGTH])
            for id, project in environment.items()
        } | dict(configured or {})
        self._remember = remember
        self._capacity = capacity
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def authenticate(self, key: str | None) -> Principal:
        """Raises ``MissingApiKey``, ``InvalidApiKey``, or a ``StoreError``.

        Nothing here compares a secret with another. A key is only ever looked up by its SHA-256, so how long that
        takes depends on hashes alone: who can measure it learns at best how much of the hash of a text of their
        own some key's hash shares, and cannot steer towards a text whose hash shares more.
        """
        if not key:
            raise MissingApiKey(MISSING_KEY)
        id = key_hash(key)
        if (given := self._environment.get(id)) is not None:
            return given
        known = self._known.get(id)
        if known is None or self._clock.monotonic() >= known.until:
            known = await self._look_up(id, key)
        if self._uses is not None:
            self._uses.note(id)
        return known.principal

    async def _look_up(self, id: str, key: str) -> _Known:
        # It was good when it was read; the answer may have taken its time.
        began = self._clock.monotonic()
        stored = await self._keys.find(id)
        now = self._keys.now()
        if stored is None or not stored.is_good(now):
            self._known.pop(id, None)
            raise InvalidApiKey(wrong_key(key))
        left = stored.good_for(now)
        seconds = self._remember if left is None else min(self._remember, left)
        known = _Known(stored.principal(), began + seconds)
        self._known[id] = known
        self._known.move_to_end(id)
        if len(self._known) > self._capacity:
            self._known.popitem(last=False)
        return known


class OpenAccess:
    """For a server that asks for no key: everybody is the default project."""

    async def authenticate(self, key: str | None) -> Principal:
        del key
        return Principal(project=DEFAULT_PROJECT, key_id="")
