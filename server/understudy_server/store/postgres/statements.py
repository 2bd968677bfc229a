"""What is asked of the tables: one statement, and so one round trip, for each call. Pure.

Names carry their schema, for behind a proxy a session keeps no settings. Every page comes in the order of an index,
and each bound is part of what is looked up there.
"""

from __future__ import annotations

from collections.abc import Mapping

from understudy_server.store.port import Position
from understudy_server.store.postgres.commits import NAMES

BOTTOM = (-1, b"")
"""A position below all ..."""
TOP = (2**63 - 1, b"")
"""... and above all."""

_COLUMNS = "project, partition, kind, id, position, due, version, commit_id, body"

_COMMIT = "SELECT SCHEMA.apply_commit(ARGUMENTS)"

_GET = """
    SELECT COLUMNS FROM SCHEMA.records
    WHERE project = $1 AND partition = $2 AND kind = $3 AND id = $4
"""

_LIST_KIND = """
    SELECT COLUMNS FROM SCHEMA.records
    WHERE project = $1 AND partition = $2 AND kind = $3 AND position >= 0
    AND (position, id) > ($4, $5) AND (position, id) < ($6, $7)
    ORDER BY position WAY, id WAY LIMIT $8
"""

# An index of its own would cost every write; a partition has a handful of kinds, each in order.
_LIST_ALL = """
    WITH RECURSIVE kinds (kind) AS (
        SELECT (
            SELECT r.kind FROM SCHEMA.records AS r
            WHERE r.project = $1 AND r.partition = $2 ORDER BY r.kind LIMIT 1
        )
        UNION ALL
        SELECT (
            SELECT r.kind FROM SCHEMA.records AS r
            WHERE r.project = $1 AND r.partition = $2 AND r.kind > kinds.kind
            ORDER BY r.kind LIMIT 1
        ) FROM kinds WHERE kinds.kind IS NOT NULL
    )
    SELECT found.* FROM kinds CROSS JOIN LATERAL (
        SELECT COLUMNS FROM SCHEMA.records AS r
        WHERE r.project = $1 AND r.partition = $2 AND r.kind = kinds.kind
        AND position >= 0 AND (position, id) > ($3, $4) AND (position, id) < ($5, $6)
        ORDER BY position WAY, id WAY LIMIT $7
    ) AS found
    ORDER BY position WAY, id WAY, kind WAY LIMIT $7
"""

_DUE = """
    SELECT COLUMNS FROM SCHEMA.records
    WHERE due IS NOT NULL AND due <= $1 ORDER BY due LIMIT $2
"""

_DIRECTORY = """
    SELECT COLUMNS FROM (
        SELECT project, kind, position, id, partition FROM SCHEMA.directory
        WHERE project = $1 AND kind = $2 AND label = $3
        AND (position, id) > ($4, $5) AND (position, id) < ($6, $7)
        ORDER BY position WAY, id WAY, partition WAY LIMIT $8
    ) AS place
    CROSS JOIN LATERAL (
        SELECT due, version, commit_id, body FROM SCHEMA.records AS r
        WHERE r.project = place.project AND r.partition = place.partition
        AND r.kind = place.kind AND r.id = place.id
        LIMIT 1
    ) AS found
    ORDER BY position WAY, id WAY, partition WAY
"""

_PARTITIONS = """
    WITH RECURSIVE found (project, partition) AS (
        (
            SELECT project, partition FROM SCHEMA.records WHERE (project, partition) AFTER ($1, $2)
            ORDER BY project, partition LIMIT 1
        )
        UNION ALL
        SELECT next.* FROM found CROSS JOIN LATERAL (
            SELECT r.project, r.partition FROM SCHEMA.records AS r
            WHERE (r.project, r.partition) > (found.project, found.partition)
            ORDER BY r.project, r.partition LIMIT 1
        ) AS next
    )
    SELECT project, partition FROM found LIMIT $3
"""

_LOGS = """
    WITH RECURSIVE found (project, partition, log) AS (
        (
            SELECT project, partition, log FROM SCHEMA.entries
            WHERE (project, partition, log) AFTER ($1, $2, $3)
            ORDER BY project, partition, log LIMIT 1
        )
        UNION ALL
        SELECT next.* FROM found CROSS JOIN LATERAL (
            SELECT e.project, e.partition, e.log FROM SCHEMA.entries AS e
            WHERE (e.project, e.partition, e.log) > (found.project, found.partition, found.log)
            ORDER BY e.project, e.partition, e.log LIMIT 1
        ) AS next
    )
    SELECT project, partition, log FROM found LIMIT $4
"""

_RECORDS = """
    SELECT labels, COLUMNS FROM SCHEMA.records
    WHERE project = $1 AND partition = $2 AND (kind, id) AFTER ($3, $4)
    ORDER BY kind, id LIMIT $5
"""

_READ = """
    SELECT first_attempt, first_n, last_attempt, last_n, body FROM SCHEMA.entries
    WHERE project = $1 AND partition = $2 AND log = $3
    AND (last_attempt, last_n) > ($4, $5)
    ORDER BY last_attempt, last_n LIMIT $6
"""

_PING = "UPDATE SCHEMA.probe SET writes = writes + 1"

_TIME = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"


class Statements:
    """For the tables of one deployment."""

    def __init__(self, schema: str) -> None:
        """``schema``: a plain name, which ``address`` has checked."""

        def ours(statement: str) -> str:
            return statement.replace("SCHEMA.", f'"{schema}".').replace("COLUMNS", _COLUMNS)

        arguments = ", ".join(f"${number}" for number in range(1, len(NAMES) + 1))
        self.commit = ours(_COMMIT).replace("ARGUMENTS", arguments)
        self.get = ours(_GET)
        self.list_kind = _both_ways(ours(_LIST_KIND))
        self.list_all = _both_ways(ours(_LIST_ALL))
        self.due = ours(_DUE)
        self.directory = _both_ways(ours(_DIRECTORY))
        self.partitions = _both_starts(ours(_PARTITIONS))
        self.logs = _both_starts(ours(_LOGS))
        self.records = _both_starts(ours(_RECORDS))
        self.read = ours(_READ)
        self.ping = ours(_PING)
        self.time = _TIME


def _both_ways(statement: str) -> Mapping[bool, str]:
    """By whether it descends."""
    return {False: statement.replace("WAY", "ASC"), True: statement.replace("WAY", "DESC")}


def _both_starts(statement: str) -> Mapping[bool, str]:
    """By whether something came before: to begin with nothing is excluded, not even the empty text."""
    return {False: statement.replace("AFTER", ">="), True: statement.replace("AFTER", ">")}


def bounds(low: Position | None, high: Position | None) -> tuple[int, bytes, int, bytes]:
    bottom = BOTTOM if low is None else (low.order, low.id.encode())
    top = TOP if high is None else (high.order, high.id.encode())
    return (*bottom, *top)
