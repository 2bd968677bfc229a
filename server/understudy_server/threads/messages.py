"""Messages as they are stored, from messages as they are given. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from understudy.v1 import content_pb2, message_pb2
from understudy_server.store import tables
from understudy_server.store.port import Put
from understudy_server.store.v1.records_pb2 import MessageRecord

Input: TypeAlias = message_pb2.NewMessage | message_pb2.CreateMessageRequest


def new_message(given: Input, *, id: str, thread_id: str, now: int) -> message_pb2.Message:
    """A message that somebody adds is complete at once. ``now`` in Unix seconds."""
    message = message_pb2.Message(
        id=id,
        created_at=now,
        thread_id=thread_id,
        status=message_pb2.MESSAGE_STATUS_COMPLETED,
        completed_at=now,
        role=given.role,
        attachments=given.attachments,
        metadata=given.metadata,
    )
    message.content.extend(_parts(given.content))
    return message


def puts(messages: Sequence[message_pb2.Message], first_order: int) -> list[Put]:
    """New records, in the order given."""
    return [
        tables.messages.put(
            message.id, MessageRecord(message=message), expected=None, order=first_order + offset
        )
        for offset, message in enumerate(messages)
    ]


def _parts(content: content_pb2.MessageInput) -> Iterator[content_pb2.ContentPart]:
    if content.WhichOneof("content") == "text":
        yield content_pb2.ContentPart(text=content_pb2.TextContent(value=content.text))
        return
    for part in content.parts.parts:
        match part.WhichOneof("part"):
            case "text":
                yield content_pb2.ContentPart(text=content_pb2.TextContent(value=part.text))
            case "image_url":
                yield content_pb2.ContentPart(image_url=part.image_url)
            case "image_file":
                yield content_pb2.ContentPart(image_file=part.image_file)


@dataclass(frozen=True, slots=True)
class Reference:
    """A file that a request names."""

    file_id: str
    path: str
    """Where in the request."""
    is_searched: bool = False
    """Whether its text is to be searched, which is not possible for every kind of file."""


def file_references(given: Iterable[Input], path: str) -> Iterator[Reference]:
    """Every file that the messages name. ``path`` leads to them, and has a ``{}`` for their index."""
    for index, message in enumerate(given):
        at = path.format(index)
        for number, part in enumerate(message.content.parts.parts):
            if part.HasField("image_file"):
                yield Reference(
                    part.image_file.file_id, f"{at}content[{number}].image_file.file_id"
                )
        for number, attachment in enumerate(message.attachments):
            if attachment.HasField("file_id"):
                yield Reference(
                    attachment.file_id,
                    f"{at}attachments[{number}].file_id",
                    any(tool.HasField("file_search") for tool in attachment.tools),
                )
