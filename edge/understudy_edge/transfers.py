"""The operations whose bodies are files: forms that are uploaded, bytes that are downloaded."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from google.protobuf.message_factory import GetMessageClass

from understudy_edge.binding import bind_place
from understudy_edge.codec import words
from understudy_edge.downloads import FileBytes, write_file
from understudy_edge.patience import Patience, attempt_metadata, reached
from understudy_edge.uploads import UploadBody, upload

if TYPE_CHECKING:
    import grpc
    from aiohttp import web
    from google.protobuf.message import Message

    from understudy_edge.caller import Metadata
    from understudy_edge.codec import Codec
    from understudy_edge.config import EdgeConfig
    from understudy_edge.form import Form
    from understudy_edge.matcher import Match

_FILENAME = "filename"


class Transfers:
    """Serves them over one channel. However long one takes, only silence ends it."""

    def __init__(self, channel: grpc.aio.Channel, codec: Codec, config: EdgeConfig) -> None:
        self._channel = channel
        self._codec = codec
        self._config = config

    async def upload(
        self,
        method: grpc.aio.StreamUnaryMultiCallable[Message, Message],
        request: web.Request,
        match: Match,
        *,
        metadata: Metadata,
        repeatable: bool,
    ) -> Message:
        """The answer to a form. Raises ``Problem``, ``AioRpcError`` and ``TimeoutError``."""
        route = match.route
        assert route.upload is not None
        message_class = GetMessageClass(route.request)
        names_file = route.upload.names_file
        told = {*route.path_fields, *route.query_fields}

        def make(form: Form) -> Message:
            value = self._codec.form_value(message_class, form.fields.items())
            if names_file:
                if _FILENAME in value:
                    raise words.unknown((None, _FILENAME))
                value[_FILENAME] = form.filename
            message = self._codec.decode(message_class, value, bound=frozenset(told))
            bind_place(self._codec, message, request, match)
            return message

        placed = message_class()
        bind_place(self._codec, placed, request, match)
        body = UploadBody(
            request,
            route.upload,
            message_class=GetMessageClass(route.method.input_type),
            metadata=make,
            first=placed if told >= {*route.request.fields_by_name} else None,
            silence=self._config.client_silence,
        )
        answer: Message = await upload(
            self._channel,
            method,
            body,
            metadata=metadata,
            silence=self._config.request_timeout,
            repeatable=repeatable,
            patience=Patience(self._config.retry_seconds),
        )
        return answer

    async def download(
        self,
        method: grpc.aio.UnaryStreamMultiCallable[Message, Any],
        request: web.Request,
        message: Message,
        *,
        metadata: Metadata,
    ) -> web.StreamResponse:
        """The bytes. Raises ``AioRpcError`` and ``TimeoutError`` as long as nothing has been sent."""
        source = FileBytes(
            lambda earlier: method(message, metadata=metadata + attempt_metadata(earlier)),
            reached=partial(reached, self._channel),
            silence=self._config.request_timeout,
            patience=Patience(self._config.resume_seconds),
        )
        try:
            file = await source.open(Patience(self._config.retry_seconds))
            return await write_file(request, source, file, silence=self._config.client_silence)
        finally:
            source.cancel()
