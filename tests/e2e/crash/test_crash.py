"""A server killed under load, again and again: what it had acknowledged is there, and it goes on."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path

import openai
import pytest
from openai.types.beta.threads import Message

from tests.e2e.crash.load import Ledger, write_until
from tests.servers import KEY, environment, start
from tests.upstream.threaded import ThreadedUpstream

_ROUNDS = 4
_CLIENTS = 6


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", ["one"])
async def test_nothing_acknowledged_is_lost(
    seed: str, tmp_path: Path, upstream: ThreadedUpstream
) -> None:
    # Each process waits for the end of the leases of the one before.
    variables = environment(tmp_path, upstream) | {"UNDERSTUDY_LEASE": "15"}
    ledger = Ledger()
    points = random.Random(seed)
    for round_ in range(_ROUNDS):
        process = start(["serve"], tmp_path, variables)
        await write_until(
            points.randint(20, 200),
            process.popen.kill,
            url=process.facts["REST"],
            key=KEY,
            ledger=ledger,
            seed=f"{seed} {round_}",
            clients=_CLIENTS,
        )
        process.kill()

    process = start(["serve"], tmp_path, variables)
    try:
        async with openai.AsyncOpenAI(base_url=process.facts["REST"], api_key=KEY) as client:
            await _everything_is_there(client, ledger)
        process.terminate()
    except BaseException:
        process.kill()
        print(process.log.read_text()[-20_000:])  # noqa: T201  (pytest shows it with the failure)
        raise


async def _everything_is_there(client: openai.AsyncOpenAI, ledger: Ledger) -> None:
    assert len(ledger.runs) > _ROUNDS
    assert len(ledger.answers) > _ROUNDS
    listed = await asyncio.gather(*(_settled(client, thread_id) for thread_id in ledger.threads))
    statuses = {run_id: status for runs, _ in listed for run_id, status in runs.items()}
    messages = {message.id: message for _, found in listed for message in found}

    assert ledger.runs.keys() <= statuses.keys()
    # Each run was taken over at most a few times, which its budget allows.
    assert set(statuses.values()) == {"completed"}
    assert {run_id: statuses[run_id] for run_id in ledger.ended} == ledger.ended
    for id, (thread_id, text) in ledger.messages.items():
        assert (messages[id].thread_id, _text(messages[id])) == (thread_id, text)
    for id, text in ledger.answers.items():
        assert (messages[id].status, _text(messages[id])) == ("completed", text)
    for runs, found in listed:
        _no_message_twice(runs, found)
    for thread_id, possible in ledger.metadata.items():
        thread = await client.beta.threads.retrieve(thread_id)
        assert (thread.metadata or {}).get("label", "") in possible


async def _settled(
    client: openai.AsyncOpenAI, thread_id: str
) -> tuple[dict[str, str], list[Message]]:
    """The final status of each run, and every message, oldest first; the thread is unlocked."""
    runs = [run async for run in client.beta.threads.runs.list(thread_id)]
    done = [await client.beta.threads.runs.poll(run.id, thread_id=thread_id) for run in runs]
    messages = [
        message async for message in client.beta.threads.messages.list(thread_id, order="asc")
    ]
    await client.beta.threads.messages.create(thread_id, role="user", content="unlocked")
    return {run.id: run.status for run in done}, messages


def _no_message_twice(runs: dict[str, str], messages: list[Message]) -> None:
    texts = Counter(_text(message) for message in messages)
    assert set(texts.values()) == {1}, texts
    whole = Counter(message.run_id for message in messages if message.run_id)
    assert set(whole.values()) <= {1}
    completed = {id for id, status in runs.items() if status == "completed"}
    assert {m.run_id for m in messages if m.run_id and m.status == "completed"} == completed


def _text(message: Message) -> str:
    (part,) = message.content
    assert part.type == "text"
    return part.text.value
