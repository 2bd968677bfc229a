"""Whether an account and a container keep what the store promises, in words. Pure.

Consistency levels: https://learn.microsoft.com/azure/cosmos-db/consistency-levels
"""

from __future__ import annotations

from collections.abc import Sequence

from azure.cosmos.documents import DatabaseAccount

from understudy_server.store.cosmos.connecting import INDEXED, Properties

EMULATOR = "is only good enough on this machine, with one copy of the data: "


def refuse_account(account: DatabaseAccount, *, loopback: bool) -> str | None:
    """Why cores on this account would work on stale data; None: they do not."""
    # The SDK gives no public name to this one.
    if account._EnableMultipleWritableLocations:  # noqa: SLF001
        return "the account takes writes in several regions: turn multi-region writes off"
    weakness = weak_consistency(account)
    return None if loopback else weakness


def weak_consistency(account: DatabaseAccount) -> str | None:
    """Why one core might not see at once what another one wrote."""
    level = (account.ConsistencyPolicy or {}).get("defaultConsistencyLevel", "unknown")
    if level == "Strong":
        return None
    if level != "BoundedStaleness":
        return (
            f"the account's default consistency is {level}: set Strong, or BoundedStaleness if it "
            "has one region"
        )
    if len(account.ReadableLocations) > 1:
        return (
            "the account has several regions, of which others may lag with BoundedStaleness: set "
            "Strong"
        )
    return None


def refuse_container(properties: Properties) -> str | None:
    """Why this container cannot be used; None: it can."""
    paths = (properties.get("partitionKey") or {}).get("paths")
    if paths != ["/pk"]:
        return f"its container has the partition key {paths}, and must have ['/pk']"
    return None


def cautions(account: DatabaseAccount, properties: Properties) -> Sequence[str]:
    """A sentence for each setting that loses data, or costs more than it has to."""
    found = []
    if weakness := weak_consistency(account):
        found.append(f"Cosmos DB: {weakness} (it {EMULATOR}this is taken for an emulator)")
    seconds = properties.get("defaultTtl", -1)
    if seconds is not None and seconds > 0:
        found.append(
            f"Cosmos DB deletes everything {seconds} seconds after it was written: set the container's "
            "time to live to on, without a default"
        )
    policy = properties.get("indexingPolicy") or {}
    included = {path.get("path") for path in policy.get("includedPaths", [])}
    if not included >= set(INDEXED):
        missing = sorted(set(INDEXED) - included)
        found.append(
            f"Cosmos DB: the container's indexing policy does not name {', '.join(missing)}: take the one of "
            "docs/cosmos.md, or every listing gets slow and dear"
        )
    return found
