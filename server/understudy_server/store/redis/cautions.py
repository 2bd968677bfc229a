"""What a server's settings may lose, in words. Pure.

What each setting promises: https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

SETTINGS = ("appendonly", "appendfsync", "save", "maxmemory", "maxmemory-policy")
"""What ``judge`` wants to know."""

UNKNOWN = (
    "Redis does not tell its settings (CONFIG is forbidden): see for yourself that it persists what it is "
    "given and that its maxmemory-policy is noeviction"
)


def judge(settings: Mapping[str, str]) -> Sequence[str]:
    """One sentence for each thing that can be lost; none for a server that keeps what it confirmed."""
    cautions = []
    if settings["appendonly"] != "yes":
        lost = (
            "what came since its last snapshot"
            if settings["save"]
            else "everything, for it takes no snapshots"
        )
        cautions.append(
            f"Redis loses {lost}, when it ends: set appendonly yes, and appendfsync always"
        )
    elif settings["appendfsync"] != "always":
        much = (
            "the last second" if settings["appendfsync"] == "everysec" else "the last half minute"
        )
        cautions.append(
            f"Redis loses about {much} when its machine fails: appendfsync always keeps "
            "all that was confirmed"
        )
    # Policies that are called volatile-* take only what has an expiry, which nothing here has.
    if settings["maxmemory"] != "0" and settings["maxmemory-policy"].startswith("allkeys"):
        cautions.append(
            f"Redis throws away stored threads when its memory is full (maxmemory-policy "
            f"{settings['maxmemory-policy']}): set maxmemory-policy noeviction"
        )
    return cautions
