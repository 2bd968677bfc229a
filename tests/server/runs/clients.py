"""What clients do in a history, what they remember of it, and what they may be refused."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tests.server.runs.random_models import output_of
from tests.server.runs.readers import read
from tests.server.runs.stage import Stage
from tests.server.runs.story import Said
from tests.server.runs.world import Core, caller, function, new_message, text_of
from understudy.v1 import message_pb2, run_pb2, thread_pb2
from understudy_server.errors import (
    DomainError,
    IdempotencyMismatch,
    NotFound,
    Overloaded,
    StateConflict,
)
from understudy_server.rpc.runs import Begun
from understudy_server.runs import machine


class Client:
    """One client of one thread: it does one thing after the other."""

    def __init__(self, stage: Stage, thread: str, name: str) -> None:
        self._stage = stage
        self._thread = thread
        self._said = stage.story.said[thread, name]
        self._again: dict[str, Callable[[Core, bool], Awaitable[Any]]] = {}
        """By key: the request that was acknowledged; True makes it another one."""
        self.readers: list[asyncio.Task[None]] = []

    async def act(self) -> None:
        """Goes on for as long as there is chaos, or until its thread is deleted."""
        stage = self._stage
        deeds = (self._say, self._run, self._edit, self._unsay, self._repeat, self._contradict)
        weights = (20, 44, 12, 4, 5, 4)
        while stage.chaotic():
            await stage.pause(0.05, 0.5, 4.0)
            if stage.random.random() < stage.conditions.deletes:
                await self._delete()
                return
            (deed,) = stage.random.choices(deeds, weights)
            await deed()

    async def _say(self) -> None:
        key = self._stage.key()

        async def say(core: Core, other: bool) -> str:
            text = f"not {key}" if other else key
            return await self._stage.world.say(core, self._thread, text, key)

        began = self._stage.clock.monotonic()
        id = await self._stage.request(lambda core: say(core, False))
        if isinstance(id, DomainError):
            self._may_be_refused(id, began, key)
            return
        self._said.append(Said(id=id, key=key, texts=(key,)))
        self._again[key] = say

    async def _run(self) -> None:
        stage, random, key = self._stage, self._stage.random, self._stage.key()
        texts = tuple(f"{key}.{number}" for number in range(random.choice((0, 0, 1, 2))))
        fields: dict[str, Any] = {"additional_messages": [new_message(text) for text in texts]}
        if random.random() < 0.15:
            fields["max_completion_tokens"] = random.choice((1, 2, 3))
        if random.random() < 0.1:
            fields["max_prompt_tokens"] = random.choice((20, 200, 2000))

        async def run(core: Core, other: bool) -> Begun:
            instructions = f"not {key}" if other else key
            return await stage.world.run(
                core, self._thread, stage.story.assistant, key, instructions=instructions, **fields
            )

        began = stage.clock.monotonic()
        begun = await stage.request(lambda core: run(core, False))
        if isinstance(begun, DomainError):
            self._may_be_refused(begun, began, key)
            return
        self._said.append(Said(id=begun.spec.run.id, key=key, texts=texts, begun=begun))
        self._again[key] = run
        for _ in range(stage.conditions.readers):
            self.readers.append(asyncio.create_task(read(stage, begun)))
        await self._attend(begun)

    async def _attend(self, begun: Begun) -> None:
        """Polls, answers calls, perhaps cancels; loses patience at times."""
        stage, random = self._stage, self._stage.random
        cancels = random.random() < 0.25
        while stage.chaotic():
            if cancels and random.random() < 0.4:
                cancels = False
                await self._cancel(begun)
            waits = random.random() < 0.2
            state = await stage.request(
                lambda core, waits=waits: (  # type: ignore[misc]  # a default binds the value of now
                    _wait(core, begun) if waits else stage.world.state(core, begun)
                )
            )
            if isinstance(state, DomainError):
                self._may_be_missing(state, "a run")
                return
            if state.status in machine.TERMINAL or random.random() < 0.02:
                return
            if state.status == machine.REQUIRES_ACTION and random.random() < 0.7:
                await self._submit(begun, state)
            await stage.pause(0.2, 3.0)

    async def _cancel(self, begun: Begun) -> None:
        stage, id = self._stage, begun.spec.run.id
        answer = await stage.request(lambda core: stage.world.cancel(core, begun))
        if not isinstance(answer, DomainError):
            stage.story.cancelled.add(id)
        elif isinstance(answer, StateConflict):
            state = stage.observer.view(self._thread).runs.get(id)
            if state is not None and state.run.status not in machine.TERMINAL:
                stage.observer.bad(f"the cancel of {id} is refused though it lives")
        else:
            self._may_be_missing(answer, "a run")

    async def _submit(self, begun: Begun, state: run_pb2.Run) -> None:
        random = self._stage.random
        calls = [call.id for call in state.required_action.submit_tool_outputs.tool_calls]
        outputs = {id: output_of(id) for id in calls}
        if random.random() < 0.15:
            await self._submit_wrong(begun, outputs)
        if random.random() < 0.2:
            second = outputs if random.random() < 0.5 else {id: f"{id}, again" for id in calls}
            await asyncio.gather(
                self._submit_these(begun, outputs), self._submit_these(begun, second)
            )
        else:
            await self._submit_these(begun, outputs)

    async def _submit_these(self, begun: Begun, outputs: dict[str, str]) -> None:
        stage = self._stage
        answer = await stage.request(lambda core: stage.world.submit(core, begun, **outputs))
        if isinstance(answer, NotFound):
            self._may_be_missing(answer, "a run")
        elif isinstance(answer, DomainError):
            if not isinstance(answer, StateConflict | Overloaded):
                stage.observer.bad(f"outputs are refused: {answer!r}")
        else:
            for id, output in outputs.items():
                if stage.story.outputs.setdefault(id, output) != output:
                    stage.observer.bad(f"two outputs of {id} are acknowledged")

    async def _submit_wrong(self, begun: Begun, outputs: dict[str, str]) -> None:
        wrong = {**outputs, "call_x": "x"}
        if len(outputs) > 1 and self._stage.random.random() < 0.5:
            wrong = dict(list(outputs.items())[1:])
        world = self._stage.world
        answer = await self._stage.request(lambda core: world.submit(core, begun, **wrong))
        if not isinstance(answer, DomainError):
            answered = self._stage.observer.answered
            if any(answered.get(id, (0, None))[1] != output for id, output in wrong.items()):
                self._stage.observer.bad(f"wrong outputs are accepted: {wrong}")

    async def _edit(self) -> None:
        """Metadata of the thread, of a run or of a message: it disturbs nothing, and is kept."""
        stage, value = self._stage, self._stage.key()
        edit = await self._choose_edit({"edit": value})
        answer = await stage.request(edit)
        if not isinstance(answer, DomainError):
            stage.story.edits.add(value)

    async def _choose_edit(self, metadata: dict[str, str]) -> Callable[[Core], Awaitable[Any]]:
        stage, thread = self._stage, self._thread
        view, kind = stage.observer.view(thread), stage.random.random()
        if kind < 0.5 and view.runs:
            run = run_pb2.ModifyRunRequest(
                thread_id=thread, run_id=list(view.runs)[-1], metadata=metadata
            )
            return lambda core: core.stored_runs.modify(caller(), run)
        if kind < 0.75 and view.messages:
            id = stage.random.choice(list(view.messages))
            message = message_pb2.ModifyMessageRequest(
                thread_id=thread, message_id=id, metadata=metadata
            )
            return lambda core: core.messages.modify(caller(), message)
        request = thread_pb2.ModifyThreadRequest(thread_id=thread, metadata=metadata)
        return lambda core: core.threads.modify(caller(), request)

    async def _unsay(self) -> None:
        """Deletes a message, perhaps while a run is about to read it."""
        stage = self._stage
        messages = list(stage.observer.view(self._thread).messages)
        if not messages:
            return
        id = stage.random.choice(messages)
        stage.story.unsaying.add(id)
        request = message_pb2.DeleteMessageRequest(thread_id=self._thread, message_id=id)
        answer = await stage.request(lambda core: core.messages.delete(caller(), request))
        if not isinstance(answer, DomainError):
            stage.story.unsaid.add(id)
        elif id in stage.observer.view(self._thread).messages:
            self._may_be_missing(answer, id)

    async def _repeat(self) -> None:
        """A key with the same body finds what it made, or that it is gone; it never makes it again."""
        if not self._again:
            return
        said = self._stage.random.choice([said for said in self._said if said.key in self._again])
        unsaid = said.id in self._stage.story.unsaid
        again = self._again[said.key]
        answer = await self._stage.request(lambda core: again(core, False))
        if isinstance(answer, NotFound):
            view = self._stage.observer.view(self._thread)
            if view.exists() and (said.id in view.messages or said.id in view.runs):
                self._stage.observer.bad(f"{said.id} is not found by its key")
        elif isinstance(answer, DomainError):
            if not isinstance(answer, Overloaded):
                self._stage.observer.bad(f"the key of {said.id} is refused: {answer!r}")
        else:
            id = answer if isinstance(answer, str) else answer.spec.run.id
            if id != said.id or unsaid:
                self._stage.observer.bad(f"the key of {said.id} leads to {id}")

    async def _contradict(self) -> None:
        """A key with another body is an error, whatever has become of the object."""
        if not self._again:
            return
        said = self._stage.random.choice([said for said in self._said if said.key in self._again])
        again = self._again[said.key]
        answer = await self._stage.request(lambda core: again(core, True))
        if not isinstance(answer, IdempotencyMismatch | NotFound | Overloaded):
            self._stage.observer.bad(f"the key of {said.id} with another body: {answer!r}")
        if isinstance(answer, NotFound):
            view = self._stage.observer.view(self._thread)
            if view.exists() and (said.id in view.messages or said.id in view.runs):
                self._stage.observer.bad(f"{said.id} is not found by its key")

    async def _delete(self) -> None:
        thread = self._thread
        answer = await self._stage.request(
            lambda core: self._stage.world.delete_thread(core, thread)
        )
        if isinstance(answer, DomainError):
            self._may_be_missing(answer, "a thread")
        else:
            self._stage.story.deleted.add(thread)

    def _may_be_missing(self, error: DomainError, what: str) -> None:
        if isinstance(error, Overloaded):
            return
        if not isinstance(error, NotFound) or self._stage.observer.view(self._thread).exists():
            self._stage.observer.bad(f"{what} is there, and yet: {error!r}")

    def _may_be_refused(self, error: DomainError, began: float, key: str) -> None:
        """Only while another run was active, and only if nothing came of the request."""
        stage, view = self._stage, self._stage.observer.view(self._thread)
        unsaying = stage.story.unsaying
        if isinstance(error, NotFound):
            # Somebody may have deleted the message before its author had an answer.
            if not any(text_of(m) == key for id, m in view.ever.items() if id in unsaying):
                self._may_be_missing(error, "a thread")
            return
        if not isinstance(error, StateConflict | Overloaded):
            stage.observer.bad(f"refused: {error!r}")
        if not view.exists():
            return
        if any(text_of(m) == key for m in view.ever.values()) or any(
            spec.run.instructions == key for spec in view.specs.values()
        ):
            stage.observer.bad(f"{key} is refused though it is stored: {error!r}")
        free = view.free_since
        if isinstance(error, StateConflict) and free is not None and free <= began:
            stage.observer.bad(f"{key} is refused though the thread was free: {error!r}")


async def _wait(core: Core, begun: Begun) -> run_pb2.Run:
    """As a blocking call does."""
    return await core.runs.answer(begun, run_pb2.CreateRunRequest(wait=True, wait_timeout=8))


async def create_thread(stage: Stage, *, messages: int, runs: bool) -> tuple[str, Begun | None]:
    """A thread with its first messages, in as many commits as they need, perhaps with its first run."""
    key = stage.key()
    texts = tuple(f"{key}.{number}" for number in range(messages))
    given = [new_message(text) for text in texts]
    begun: Begun | None = None
    if runs:
        both = run_pb2.CreateThreadAndRunRequest(
            assistant_id=stage.story.assistant,
            thread=thread_pb2.CreateThreadRequest(messages=given),
        )
        started = await stage.request(
            lambda core: core.runs.create_thread_and_run(caller(key), both)
        )
        if isinstance(started, DomainError):
            stage.observer.bad(f"no thread can be created: {started!r}")
            return "", None
        begun, thread = started, started.spec.run.thread_id
    else:
        request = thread_pb2.CreateThreadRequest(messages=given)
        answer = await stage.request(lambda core: core.threads.create(caller(key), request))
        if isinstance(answer, DomainError):
            stage.observer.bad(f"no thread can be created: {answer!r}")
            return "", None
        thread = answer.id
    stage.story.threads[thread] = texts
    return thread, begun


async def create_assistant(stage: Stage, *functions: str) -> None:
    key = stage.key()
    answer = await stage.request(
        lambda core: stage.world.assistant(core, key, tools=[function(name) for name in functions])
    )
    assert not isinstance(answer, DomainError), answer
    stage.story.assistant = answer
