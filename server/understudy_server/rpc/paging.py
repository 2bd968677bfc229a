"""Pages of a listing, in both directions (CONTRACT section 4)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypedDict

from understudy.v1 import pagination_pb2
from understudy_server.errors import InvalidRequest
from understudy_server.store.port import Position, Record

DEFAULT_LIMIT = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What to ask the store for, so that it yields one page."""

    low: Position | None
    high: Position | None
    descending: bool
    limit: int
    flip: bool
    """Whether the answer stands in the opposite of the requested order."""


class PageRequest(Protocol):
    """The fields that every List request has."""

    @property
    def limit(self) -> int: ...
    @property
    def order(self) -> pagination_pb2.SortOrder.ValueType: ...
    @property
    def after(self) -> str: ...
    @property
    def before(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    records: Sequence[Record]
    has_more: bool


class Lister(Protocol):
    """``Store.list`` or ``Store.directory``, with the place already given."""

    def __call__(
        self, *, low: Position | None, high: Position | None, descending: bool, limit: int
    ) -> Awaitable[Sequence[Record]]: ...


def window(
    *, ascending: bool, after: Position | None, before: Position | None, limit: int
) -> Window:
    """One item more than the page is asked for, to know whether there are more.

    With ``before`` alone the page is what lies next to that cursor, so it is read away from the cursor
    and turned round.
    """
    flip = before is not None and after is None
    low, high = (after, before) if ascending else (before, after)
    return Window(
        low=low,
        high=high,
        descending=ascending if flip else not ascending,
        limit=limit + 1,
        flip=flip,
    )


async def page(
    request: PageRequest, lister: Lister, locate: Callable[[str], Awaitable[Position]]
) -> Page:
    """``locate`` turns a cursor's id into its position, or raises ``NotFound`` or ``InvalidRequest``."""
    limit = request.limit or DEFAULT_LIMIT
    view = window(
        ascending=request.order == pagination_pb2.SORT_ORDER_ASC,
        after=await _cursor("after", request.after, locate),
        before=await _cursor("before", request.before, locate),
        limit=limit,
    )
    found = await lister(low=view.low, high=view.high, descending=view.descending, limit=view.limit)
    shown = list(found[:limit])
    if view.flip:
        shown.reverse()
    return Page(records=shown, has_more=len(found) > limit)


async def _cursor(
    name: str, id: str, locate: Callable[[str], Awaitable[Position]]
) -> Position | None:
    if not id:
        return None
    try:
        return await locate(id)
    except InvalidRequest as error:
        # A lookup speaks of the place where such an id usually stands.
        message = error.message.replace(f"'{error.param}'", f"'{name}'", 1)
        raise InvalidRequest(message, reason=error.reason, param=name) from None


class Ends(TypedDict, total=False):
    """The ids that a page shows beside its data; absent for an empty page."""

    first_id: str
    last_id: str


def ends(ids: Sequence[str]) -> Ends:
    return Ends(first_id=ids[0], last_id=ids[-1]) if ids else Ends()
