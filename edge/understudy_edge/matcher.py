"""One lookup from (verb, path) to a route. Not found and wrong method are results, not errors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from understudy_edge.percent import decoded
from understudy_edge.templates import Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from understudy_edge.routes import Route


@dataclass(frozen=True, slots=True)
class Match:
    route: Route
    values: Mapping[str, str]
    """Decoded path variables by name."""


@dataclass(frozen=True, slots=True)
class WrongMethod:
    """The path exists, for other verbs."""

    allowed: tuple[str, ...]


@dataclass(slots=True)
class _Node:
    literals: dict[str, _Node] = field(default_factory=dict)
    variable: _Node | None = None
    rest: dict[str, Route] = field(default_factory=dict)
    """Routes that take all that is left of the path here, by verb."""
    routes: dict[str, Route] = field(default_factory=dict)
    """Routes that end here, by verb."""


class Matcher:
    """A trie over path segments. At each segment a literal is tried before a variable."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            self._add(route)

    def _add(self, route: Route) -> None:
        node = self._root
        for segment in route.segments:
            if isinstance(segment, Literal):
                node = node.literals.setdefault(segment.text, _Node())
            elif segment.rest:
                node.rest[route.verb] = route
                return
            else:
                node.variable = node.variable or _Node()
                node = node.variable
        node.routes[route.verb] = route

    def match(self, verb: str, raw_path: str) -> Match | WrongMethod | None:
        """``raw_path`` is still percent-encoded, so that an encoded slash is no separator."""
        if not raw_path.startswith("/"):
            return None
        segments = [decoded(text) for text in raw_path[1:].split("/")]
        allowed: dict[str, None] = {}
        for routes, values in _found(self._root, segments, 0, ()):
            route = routes.get(verb)
            if route is not None:
                return Match(route, dict(zip(route.path_fields, values, strict=True)))
            allowed |= dict.fromkeys(routes)
        return WrongMethod(tuple(sorted(allowed))) if allowed else None


def _found(
    node: _Node, segments: list[str], at: int, values: tuple[str, ...]
) -> Iterator[tuple[dict[str, Route], tuple[str, ...]]]:
    """Every end that the path reaches, the most literal first."""
    if at == len(segments):
        if node.routes:
            yield node.routes, values
        return
    text = segments[at]
    literal = node.literals.get(text)
    if literal is not None:
        yield from _found(literal, segments, at + 1, values)
    if node.variable is not None and text:
        yield from _found(node.variable, segments, at + 1, (*values, text))
    if node.rest and text:
        yield node.rest, (*values, "/".join(segments[at:]))
