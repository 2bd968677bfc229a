"""What a server's settings may lose, in words. Pure.

What each setting promises: https://www.postgresql.org/docs/current/runtime-config-wal.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

QUERY = """
    SELECT name, setting FROM pg_settings
    WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')
"""


def judge(settings: Mapping[str, str]) -> Sequence[str]:
    """One sentence for each thing that can be lost; none for a server that keeps what it confirmed."""
    cautions = []
    if settings["fsync"] == "off":
        cautions.append(
            "PostgreSQL may lose everything when its machine fails (fsync is off): set fsync on"
        )
    elif settings["full_page_writes"] == "off":
        cautions.append(
            "PostgreSQL may damage its files when its machine fails (full_page_writes is off): "
            "set full_page_writes on"
        )
    if settings["synchronous_commit"] == "off":
        cautions.append(
            "PostgreSQL loses the last moments when it fails (synchronous_commit is off): "
            "set synchronous_commit on"
        )
    return cautions
