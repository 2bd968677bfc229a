"""The one tree of domain errors. Every room raises from it; ``rpc/errors.py`` maps it to gRPC.

DomainError
├── InvalidRequest            the caller's fault, in one field of the request (carries ``reason``)
├── NotFound                  no such object in this project
│   └── ModelNotFound
├── StateConflict             the object's present state forbids it (a busy thread, a finished run)
├── IdempotencyMismatch       one key, two different requests
├── Unauthenticated
│   ├── MissingApiKey
│   └── InvalidApiKey
├── Forbidden                 the key lacks the scope for it
│   └── ModelNotAllowed
├── Unimplemented             understood, and not offered here
├── Overloaded                a limit of this server is reached; try again later
│   ├── RequestLimit          of the key: requests in a minute, runs at a time
│   └── TokenLimit            of the key: tokens in a day
├── Stalled                   the caller neither reads nor sends, and is cut
├── TooLarge                  more bytes than this server takes
├── UnsupportedFile           a kind of file from which no text is taken
├── InvalidFile               broken, encrypted, too large, or without text
├── EmbeddingError            no vectors came, after all retries
├── BlobMissing               bytes that a record names are not there
├── BlobsUnavailable          the place where bytes are kept did not take the call
└── StoreError                between the server and its store; never shown as the caller's fault
    ├── Conflict              an expected version did not match; nothing was changed
    ├── StoreUnavailable      the store did not take it; nothing was changed
    └── OutcomeUnknown        a commit may or may not have happened
"""

from __future__ import annotations


class DomainError(Exception):
    """``message`` is shown to the caller; ``param`` names the request field at fault, if one is."""

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param


class InvalidRequest(DomainError):
    """``reason`` is a name of ``understudy.v1.Reason`` without its prefix, such as ``INVALID_VALUE``."""

    def __init__(self, message: str, *, reason: str, param: str | None = None) -> None:
        super().__init__(message, param=param)
        self.reason = reason


class NotFound(DomainError):
    """No such object for this project, or no longer.

    ``resource``: the full name of its message in the contract, and the id that was asked for.
    """

    def __init__(
        self, message: str, *, param: str | None = None, resource: tuple[str, str] | None = None
    ) -> None:
        super().__init__(message, param=param)
        self.resource = resource


class ModelNotFound(NotFound):
    def __init__(self, model: str) -> None:
        super().__init__(
            f"The model '{model}' does not exist",
            param="model",
            resource=("understudy.v1.Model", model),
        )


class StateConflict(DomainError):
    """Refused because of the state in which the object is."""


class IdempotencyMismatch(DomainError):
    """An idempotency key came again with a different request."""


class Unauthenticated(DomainError):
    """The caller did not show who it is."""


class MissingApiKey(Unauthenticated):
    """No key in the request."""


class InvalidApiKey(Unauthenticated):
    """A key that this server does not know, or no longer."""


class Forbidden(DomainError):
    """The key lacks the scope that the operation needs."""


class ModelNotAllowed(Forbidden):
    """The key is for certain models, and this is none of them."""


class Unimplemented(DomainError):
    """Understood, and not offered by this server."""


class Overloaded(DomainError):
    """A limit of this server is reached. ``retry_after``: seconds until it is worth another try."""

    def __init__(self, message: str, *, param: str | None = None, retry_after: float = 1.0) -> None:
        super().__init__(message, param=param)
        self.retry_after = retry_after


class RequestLimit(Overloaded):
    """The key has used up its requests of this minute, or has as many runs as it may have at a time."""


class TokenLimit(Overloaded):
    """The key has used up its tokens of this day."""


class Stalled(DomainError):
    """The caller does not read its stream, or sends nothing more of its request: the call is cut."""


class TooLarge(DomainError):
    """More bytes than this server takes."""


class UnsupportedFile(DomainError):
    """A kind of file from which no text is taken. The message is for the user."""


class InvalidFile(DomainError):
    """Broken, encrypted, too large, or without text. The message is for the user."""


class EmbeddingError(DomainError):
    """No vectors came, after all retries. The message is for the user, and holds no key."""


class BlobMissing(DomainError):
    """Bytes that a record names are not there."""


class BlobsUnavailable(DomainError):
    """The place where bytes are kept did not take the call; it may be repeated."""


class StoreError(DomainError):
    """Between the server and its store."""


class Conflict(StoreError):
    """An expected version did not match; nothing was changed."""

    def __init__(self, message: str = "conflict") -> None:
        super().__init__(message)


class StoreUnavailable(StoreError):
    """The store did not take the call; nothing was changed."""


class Unsent(StoreUnavailable):
    """The store's server was not reached, so it does not know of the call."""


class OutcomeUnknown(StoreError):
    """A commit may or may not have happened; repeat it unchanged until the answer is clear."""
