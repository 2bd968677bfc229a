"""What every room of the edge raises when it must refuse a request."""

from dataclasses import dataclass


# Hashable as any exception: what handles exceptions may keep them in sets.
@dataclass(unsafe_hash=True)
class Problem(Exception):
    """A refusal that the caller is to read.

    `reason` is a name of `understudy.v1.Reason` without its prefix, such as `INVALID_TYPE`; `message` is the
    text of the answer; `param` is the parameter at fault, such as `tools[0].function.name`.
    """

    reason: str
    message: str
    param: str | None = None
    # Whether the answer carries the reason's code.
    coded: bool = True

    def __str__(self) -> str:
        return self.message
