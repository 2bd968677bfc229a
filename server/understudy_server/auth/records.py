"""Where keys are kept."""

from __future__ import annotations

from understudy_server.store.port import Partition
from understudy_server.store.tables import Table
from understudy_server.store.v1 import records_pb2 as records

KEYS = Partition(project="", name="keys")
"""A key has to be found before its project is known, so all keys live in one partition."""

KEY = "key"

key_uses = Table("key-use", records.KeyUse)
"""When a key was last used, under the key's id."""
