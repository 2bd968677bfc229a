"""Nobody's key makes keys for a project while those that came of one of them are being ended.

Otherwise whoever holds a key that can make others could make them faster than they are found and ended: what is made
between the look and the commit is seen by the next look only, and goes on making.
"""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp

from understudy_server.auth.making import key_hash
from understudy_server.auth.records import KEYS
from understudy_server.clock import SECOND, Clock
from understudy_server.errors import Conflict, Overloaded
from understudy_server.store.commits import commit_new
from understudy_server.store.port import Check, Store
from understudy_server.store.tables import Table

PAUSE = 15
"""Seconds for which nothing is made after the last look. It ends by itself: whoever wanted it may be gone."""

_pauses = Table("key-pause", Timestamp)
"""When the latest pause of a project ends, in store time, under the project's hash."""


async def no_pause(store: Store, project: str) -> Check:
    """What a commit that makes a key for another key has to hold. Raises ``Overloaded`` in a pause."""
    id = key_hash(project)
    row = await _pauses.get(store, KEYS, id, fresh=True)
    if row is None:
        return Check(kind=_pauses.kind, id=id, expected=None)
    left = row.body.seconds - store.now() / SECOND
    if left > 0:
        raise Overloaded(
            "Keys of this project are being revoked with all that came of them."
            " Until that is done no key makes others.",
            retry_after=left,
        )
    return Check(kind=_pauses.kind, id=id, expected=row.version)


class Pause:
    """One for a project, begun when it is needed and prolonged until then."""

    def __init__(self, store: Store, project: str, clock: Clock) -> None:
        self._store = store
        self._id = key_hash(project)
        self._clock = clock
        self._began: float | None = None
        self._looks = 0

    async def look_again(self) -> None:
        """Keys have been ended and are looked for again; from the second time on in a pause."""
        self._looks += 1
        if self._looks > 1:
            await self._write()

    async def hold(self) -> None:
        """The pause, if there is one, goes on."""
        if self._began is not None and self._clock.monotonic() - self._began > PAUSE / 3:
            await self._write()

    async def _write(self) -> None:
        """From now on nothing is made, whatever has begun; an earlier pause becomes no shorter."""
        while True:
            self._began = self._clock.monotonic()
            row = await _pauses.get(self._store, KEYS, self._id, fresh=True)
            now = self._store.now()
            until = now // SECOND + 1 + PAUSE
            put = _pauses.put(
                self._id,
                Timestamp(seconds=until if row is None else max(until, row.body.seconds)),
                expected=None if row is None else row.version,
                order=now if row is None else row.order,
            )
            try:
                await commit_new(self._store, KEYS, [put], self._clock)
            except Conflict:
                continue
            return
