"""What a request says outside its body: in its path, its query and its headers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from understudy_edge.percent import query_pairs

if TYPE_CHECKING:
    from aiohttp import web
    from google.protobuf.message import Message

    from understudy_edge.codec import Codec
    from understudy_edge.matcher import Match
    from understudy_edge.routes import Route


def bind_place(codec: Codec, message: Message, request: web.Request, match: Match) -> None:
    """Sets the fields of the path and of the query. Raises ``Problem``."""
    for name, value in match.values.items():
        setattr(message, name, value)
    codec.bind(message, _query(request, match.route), fields=match.route.query_fields)


def _query(request: web.Request, route: Route) -> list[tuple[str, str]]:
    """Decoded pairs, with those that came as headers instead."""
    pairs = query_pairs(request.rel_url.raw_query_string)
    given = {name for name, _ in pairs}
    for name, header in route.header_fields:
        value = request.headers.get(header)
        if value and name not in given:
            pairs.append(
                (name, value.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
            )
    return pairs
