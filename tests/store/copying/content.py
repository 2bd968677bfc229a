"""What is copied in the tests: what servers really keep, and what the port allows beyond that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from tests.conformance.samples import append, commit_of, entry, put
from tests.server.runs.scripted import ScriptedModels, calls, says
from tests.server.runs.world import function, new_message
from understudy.v1 import assistant_pb2, run_pb2, thread_pb2
from understudy.v1.assistants_service_pb2_grpc import AssistantsServiceStub
from understudy_server.auth.keys import ApiKeys
from understudy_server.clock import Clock
from understudy_server.config import CoreConfig
from understudy_server.local import local
from understudy_server.store.copying.comparing import Copyable, everything
from understudy_server.store.port import LOG_START, Log, Partition, Put, Stored

if TYPE_CHECKING:
    from understudy.v1.assistants_service_pb2_grpc import AssistantsServiceAsyncStub


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What clients know of it."""

    assistant: str
    keyed: str
    """An assistant that was made with a key of idempotency."""
    answered: str
    """A thread with a run that is over."""
    waiting: str
    """A thread with a run that waits for a tool's output."""


KEYED = (("idempotency-key", "once"),)


async def converse(store: Copyable, clock: Clock) -> Made:
    """Assistants, threads, messages, runs, events and a key, as a core makes them."""
    await ApiKeys(store=store, clock=clock).create("default", "a key")
    models = ScriptedModels(says("Hel", "lo", "!"), calls("look"))
    config = CoreConfig(keep_model_requests=True)
    async with local(store=store, models=models, config=config, clock=clock) as channel:
        stub = AssistantsServiceStub(channel)
        assistant = await stub.CreateAssistant(
            assistant_pb2.CreateAssistantRequest(model="m", tools=[function("look")])
        )
        again = assistant_pb2.CreateAssistantRequest(model="m")
        keyed = await stub.CreateAssistant(again, metadata=KEYED)
        answered = await _thread(stub, "Hi", "there")
        await run(stub, answered, assistant.id)
        waiting = await _thread(stub, "Look")
        await run(stub, waiting, assistant.id)
        gone = await _thread(stub, "Bye")
        await stub.DeleteThread(thread_pb2.DeleteThreadRequest(thread_id=gone))
        await _thread(stub, *(f"message {n}" for n in range(150)))
        return Made(assistant=assistant.id, keyed=keyed.id, answered=answered, waiting=waiting)


async def run(stub: AssistantsServiceAsyncStub, thread_id: str, assistant_id: str) -> run_pb2.Run:
    """To where it needs nobody here any more."""
    request = run_pb2.CreateRunRequest(thread_id=thread_id, assistant_id=assistant_id, wait=True)
    return await stub.CreateRun(request)


async def _thread(stub: AssistantsServiceAsyncStub, *texts: str) -> str:
    messages = [new_message(text) for text in texts]
    return (await stub.CreateThread(thread_pb2.CreateThreadRequest(messages=messages))).id


async def fill(store: Copyable, random: Random, partitions: int = 40) -> None:
    """Partitions of many sizes, with bodies that need several commits, due times, labels and logs."""
    for number in range(partitions):
        partition = Partition(random.choice(("", "p", "q\0")), f"thread/{number}")
        records = [_record(random, n) for n in range(random.choice((1, 2, 30, 130)))]
        for first in range(0, len(records), 20):
            # Two large bodies would not fit into one commit.
            small = [each for each in records[first : first + 20] if len(each.body) < 1_000]
            await store.commit(commit_of(*small, partition=partition))
            for each in records[first : first + 20]:
                if each not in small:
                    await store.commit(commit_of(each, partition=partition))
        for log in range(random.choice((0, 1, 3))):
            entries = [
                entry((attempt, 2 * n), (attempt, 2 * n + 1), random.randbytes(200))
                for attempt in (1, 2)
                for n in range(1, random.choice((2, 50)))
            ]
            one = append(*entries, log=f"run_{log}")
            await store.commit(commit_of(one, partition=partition))


def _record(random: Random, number: int) -> Put:
    size = random.choice((0, 1, 50)) if random.random() < 0.98 else 600_000
    return put(
        f"id_{number}",
        kind=random.choice(("message", "run", "step/run_1")),
        order=random.randrange(5),
        body=random.randbytes(size),
        due=random.choice((None, None, 2**61, 2**62)),
        labels=tuple(random.sample(("all", "status=done", "a:b%/\0"), random.randrange(3))),
    )


async def snapshot(store: Copyable) -> dict[Partition | Log, Sequence[object]]:
    """Everything that a reader can see, but for versions and commits; listings are right as well."""
    found: dict[Partition | Log, Sequence[object]] = {}
    listed: dict[tuple[str, str, str], set[tuple[Partition, str]]] = {}
    async for partition in everything(store.partitions):
        records = [each async for each in everything(partial(store.records, partition))]
        found[partition] = sorted(map(_visible, records))
        for each in records:
            for label in each.labels:
                listing = listed.setdefault((partition.project, each.record.kind, label), set())
                listing.add((partition, each.record.id))
    for listed_under, members in listed.items():
        page = await store.directory(*listed_under, limit=10_000)
        assert {(record.partition, record.id) for record in page} == members
    async for log in everything(store.logs):
        found[log] = list(await store.read(log.partition, log.name, LOG_START, 10_000))
    return found


def _visible(stored: Stored) -> tuple[object, ...]:
    record = stored.record
    due = -1 if record.due is None else record.due
    return (record.kind, record.id, record.order, due, stored.labels, record.body)
