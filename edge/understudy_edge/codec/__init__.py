"""The JSON dialect of `understudy.wire.v1`, compiled from descriptors when the process starts."""

from understudy_edge.codec.codec import Codec
from understudy_edge.codec.plan import DialectError, Entry, Kind, Member, MessagePlan, Union

__all__ = ["Codec", "DialectError", "Entry", "Kind", "Member", "MessagePlan", "Union"]
