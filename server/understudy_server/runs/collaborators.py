"""What the rooms of a run share; made once, by the composition root."""

from __future__ import annotations

from dataclasses import dataclass, field

from understudy_server.blobs.port import Blobs
from understudy_server.clock import Clock
from understudy_server.ids import Ids
from understudy_server.limits.port import NoSlots, Slots
from understudy_server.models.port import Models
from understudy_server.runs.head import LEASE
from understudy_server.runs.history import History
from understudy_server.store.port import Store
from understudy_server.tools.port import Functions


@dataclass(frozen=True, slots=True, kw_only=True)
class Collaborators:
    """Ports and what stands directly on them."""

    store: Store
    blobs: Blobs
    clock: Clock
    ids: Ids
    models: Models
    history: History
    functions: Functions
    slots: Slots = field(default_factory=NoSlots)
    """What keys may run at a time, and in a day."""
    lease: int = LEASE
    """Microseconds for which a core holds a run without a commit."""
    keep_model_requests: bool = False
    """Whether what a provider is sent is kept with the steps that come of it."""
