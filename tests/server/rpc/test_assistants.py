"""Assistants of several cores whose ideas of the store's time differ."""

from __future__ import annotations

from tests.clock import FakeClock
from tests.server.runs.scripted import ScriptedModels, says
from tests.server.runs.world import caller, open_world
from tests.store.forwarding import ForwardingStore
from understudy.v1 import assistant_pb2, pagination_pb2
from understudy_server.store.memory import MemoryStore
from understudy_server.store.port import Store


class Behind(ForwardingStore):
    """A core's view of a store, whose time it believes to be half a second earlier."""

    def now(self) -> int:
        return super().now() - 500_000


async def test_they_are_listed_as_they_were_made() -> None:
    clock = FakeClock()
    store: Store = MemoryStore(clock)
    async with open_world(ScriptedModels(says("x")), store, clock=clock) as world:
        cores = [world.core(), world.core(store=Behind(store))]
        made = [await world.assistant(cores[number % 2]) for number in range(5)]
        for core in cores:
            request = assistant_pb2.ListAssistantsRequest(order=pagination_pb2.SORT_ORDER_ASC)
            found = await core.assistants.list(caller(), request)
            assert [assistant.id for assistant in found.data] == made
