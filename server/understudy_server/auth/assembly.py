"""What decides, at the start of every call, whose it is and whether it may be made; put together."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass

from understudy_server.auth.authenticator import KeyAuthenticator, OpenAccess
from understudy_server.auth.bootstrap import bootstrap
from understudy_server.auth.keys import ApiKeys
from understudy_server.auth.last_use import LastUse
from understudy_server.auth.making import key_hash
from understudy_server.auth.principal import Principal
from understudy_server.auth.scopes import USUAL
from understudy_server.auth.stored_key import ID_LENGTH
from understudy_server.clock import Clock
from understudy_server.config import ConfiguredKey, CoreConfig
from understudy_server.limits.admission import Admission
from understudy_server.limits.key_limits import UNLIMITED
from understudy_server.limits.runs import RunBudgets
from understudy_server.store.port import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    authenticator: KeyAuthenticator | OpenAccess
    gate: Admission
    keys: ApiKeys
    first_key: str | None
    """The text of the key that was made because there was none."""


async def open_access(
    config: CoreConfig, store: Store, clock: Clock, budgets: RunBudgets, stack: AsyncExitStack
) -> Access:
    """Works until ``stack`` is left. Raises ``StoreError``."""
    gate = Admission(store, clock, budgets)
    gate.start()
    stack.push_async_callback(gate.stop)
    keys = ApiKeys(store=store, clock=clock)
    if not config.auth:
        return Access(authenticator=OpenAccess(), gate=gate, keys=keys, first_key=None)
    uses = LastUse(store, clock)
    uses.start()
    stack.push_async_callback(uses.stop)
    given = {key_hash(key): project for key, project in config.api_keys}
    configured = {key_hash(each.key): _principal(each) for each in config.keys}
    authenticator = KeyAuthenticator(
        keys=keys, clock=clock, environment=given, configured=configured, uses=uses
    )
    first_key = None if configured else await bootstrap(keys, given)
    return Access(authenticator=authenticator, gate=gate, keys=keys, first_key=first_key)


def _principal(given: ConfiguredKey) -> Principal:
    key_id = key_hash(given.key)[:ID_LENGTH]
    return Principal(
        project=given.project,
        key_id=key_id,
        scopes=frozenset(given.scopes) or USUAL,
        limits=given.limits,
        budget="" if given.limits == UNLIMITED else key_id,
    )
