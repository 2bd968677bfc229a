"""Who may call, as the configuration says."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest

from tests.clock import FakeClock
from understudy_server.auth.assembly import Access, open_access
from understudy_server.auth.making import key_hash
from understudy_server.auth.principal import Principal
from understudy_server.auth.scopes import USUAL
from understudy_server.config import ConfiguredKey, CoreConfig
from understudy_server.errors import InvalidApiKey
from understudy_server.limits.key_limits import UNLIMITED, KeyLimits
from understudy_server.limits.runs import RunBudgets
from understudy_server.store.memory import MemoryStore

LIMITS = KeyLimits(requests_per_minute=1)


async def _opened(config: CoreConfig, stack: AsyncExitStack) -> Access:
    clock = FakeClock()
    store = MemoryStore(clock)
    return await open_access(config, store, clock, RunBudgets(store, clock), stack)


async def test_keys_of_the_configuration() -> None:
    strict = ConfiguredKey(key="strict", project="shop", scopes=("read",), limits=LIMITS)
    free = ConfiguredKey(key="free", project="shop")
    config = CoreConfig(keys=(strict, free), api_keys=(("plain", "default"),))
    async with AsyncExitStack() as stack:
        access = await _opened(config, stack)
        found = [
            await access.authenticator.authenticate(key) for key in ("strict", "free", "plain")
        ]
        ids = [key_hash(key)[:16] for key in ("strict", "free", "plain")]
        assert found == [
            Principal(
                project="shop",
                key_id=ids[0],
                scopes=frozenset({"read"}),
                limits=LIMITS,
                budget=ids[0],
            ),
            Principal(project="shop", key_id=ids[1]),
            Principal(project="default", key_id=ids[2]),
        ]
        assert (found[1].scopes, found[1].limits) == (USUAL, UNLIMITED)
        with pytest.raises(InvalidApiKey):
            await access.authenticator.authenticate("other")
        # The limits of each are in force on every core, under the same name.
        assert (await access.gate.admit(found[0])).refusal is None
        assert (await access.gate.admit(found[0])).refusal is not None


async def test_a_first_key_is_made_where_there_is_none() -> None:
    configured = ConfiguredKey(key="k", project="p")
    for config, makes in (
        (CoreConfig(), True),
        (CoreConfig(keys=(configured,)), False),
        (CoreConfig(api_keys=(("k", "p"),)), False),
        (CoreConfig(auth=False), False),
    ):
        async with AsyncExitStack() as stack:
            access = await _opened(config, stack)
            assert (access.first_key is not None) is makes


async def test_without_keys_nobody_has_limits() -> None:
    async with AsyncExitStack() as stack:
        access = await _opened(CoreConfig(auth=False), stack)
        principal = await access.authenticator.authenticate(None)
        assert (principal.scopes, principal.limits) == (USUAL, UNLIMITED)
        assert (await access.gate.admit(principal)).pairs == ()
