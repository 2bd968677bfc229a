"""The limits of one key."""

from __future__ import annotations

from dataclasses import dataclass

from understudy.v1 import key_pb2
from understudy_server.store.v1 import records_pb2 as records


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLimits:
    """Zero and empty: no limit."""

    requests_per_minute: int = 0
    concurrent_runs: int = 0
    tokens_per_day: int = 0
    models: tuple[str, ...] = ()

    @property
    def counts_runs(self) -> bool:
        """Whether its runs have slots."""
        return self.concurrent_runs > 0 or self.tokens_per_day > 0

    def record(self) -> records.KeyLimits:
        return records.KeyLimits(
            requests_per_minute=self.requests_per_minute,
            concurrent_runs=self.concurrent_runs,
            tokens_per_day=self.tokens_per_day,
            models=self.models,
        )


UNLIMITED = KeyLimits()


def limits_of(record: records.KeyLimits | key_pb2.KeyLimits) -> KeyLimits:
    """From what is stored, or what the contract says: both have the same fields."""
    return KeyLimits(
        requests_per_minute=record.requests_per_minute,
        concurrent_runs=record.concurrent_runs,
        tokens_per_day=record.tokens_per_day,
        models=tuple(record.models),
    )
