"""Whose key is it: asked at the start of every call."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from understudy_server.auth.keys import DEFAULT_PROJECT, ApiKeys, key_hash
from understudy_server.auth.principal import Principal
from understudy_server.auth.words import MISSING_KEY, wrong_key
from understudy_server.clock import Clock
from understudy_server.errors import InvalidApiKey, MissingApiKey

_KEY_ID_LENGTH = 16


@dataclass(frozen=True, slots=True)
class _Known:
    principal: Principal
    until: float


class KeyAuthenticator:
    """Recognizes keys of the store and of the environment.

    ``environment``: the hashes (``key_hash``) of keys that the configuration gives, with their
    projects. A good key is remembered for ``remember`` seconds, which is how long a revoked one may
    live on; at most ``capacity`` are. Bad keys are not remembered.
    """

    def __init__(
        self,
        *,
        keys: ApiKeys,
        clock: Clock,
        environment: Mapping[str, str],
        remember: float = 5.0,
        capacity: int = 1_024,
    ) -> None:
        self._keys = keys
        self._clock = clock
        self._environment = {
            id: Principal(project=project, key_id=id[:_KEY_ID_LENGTH])
            for id, project in environment.items()
        }
        self._remember = remember
        self._capacity = capacity
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def authenticate(self, key: str | None) -> Principal:
        """Raises ``MissingApiKey``, ``InvalidApiKey``, or a ``StoreError``.

        A key is only ever looked up by its hash, so the time that takes tells nothing of other keys.
        """
        if not key:
            raise MissingApiKey(MISSING_KEY)
        id = key_hash(key)
        if (given := self._environment.get(id)) is not None:
            return given
        known = self._known.get(id)
        if known is not None and self._clock.monotonic() < known.until:
            return known.principal
        stored = await self._keys.find(id)
        if stored is None or stored.revoked:
            self._known.pop(id, None)
            raise InvalidApiKey(wrong_key(key))
        principal = Principal(project=stored.key.project, key_id=id[:_KEY_ID_LENGTH])
        self._keep(id, principal)
        return principal

    def _keep(self, id: str, principal: Principal) -> None:
        until = self._clock.monotonic() + self._remember
        self._known[id] = _Known(principal, until)
        self._known.move_to_end(id)
        if len(self._known) > self._capacity:
            self._known.popitem(last=False)


class OpenAccess:
    """For a server that asks for no key: everybody is the default project."""

    async def authenticate(self, key: str | None) -> Principal:
        del key
        return Principal(project=DEFAULT_PROJECT, key_id="")
