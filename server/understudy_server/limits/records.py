"""Where is counted: in a partition for each budget, which is a key, or a line of keys that replaced one another."""

from __future__ import annotations

from understudy_server.store.port import Partition
from understudy_server.store.tables import Table
from understudy_server.store.v1 import records_pb2 as records

request_budgets = Table("request-budget", records.RequestBudget)
run_budgets = Table("run-budget", records.RunBudget)
run_slots = Table("run-slot", records.RunSlot)

ONLY = "only"
"""The id of a record of which there is one."""

_PREFIX = "limits/"


def budget_partition(budget: str) -> Partition:
    """Of no project, as the keys themselves."""
    return Partition("", f"{_PREFIX}{budget}")


def budget_of(partition: Partition) -> str:
    return partition.name.removeprefix(_PREFIX)
