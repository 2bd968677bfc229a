"""What the HTTP client and its transport raise, as ``UpstreamFailure``. Pure.

Three libraries lie over each other (``openai``, ``httpx2``, ``aiohttp``), and the lowest one knows best what
happened. Its texts are not passed on: they are made for programmers, and repeat what the provider sent.
"""

from __future__ import annotations

import os
import ssl
from typing import Final

import aiohttp
import httpx2
import openai
from aiohttp.http_exceptions import HttpProcessingError

from understudy_server.models.failure import UpstreamFailure
from understudy_server.models.provider import ProviderConfig

MISHAPS: Final = (
    openai.OpenAIError,
    httpx2.HTTPError,
    httpx2.InvalidURL,
    httpx2.StreamError,
    aiohttp.ClientError,
    HttpProcessingError,
    OSError,
    ValueError,
)
"""Everything that these libraries raise for what a network or a server did. ``ValueError``: bytes in a head that
are no text."""

_BAD_HTTP: Final = (aiohttp.ClientResponseError, HttpProcessingError, ValueError)


def mishap(error: Exception, config: ProviderConfig) -> UpstreamFailure:
    """What happened; ``error`` is one of ``MISHAPS``."""
    root = _root(error)
    match root:
        case aiohttp.InvalidURL() | httpx2.InvalidURL() | httpx2.UnsupportedProtocol():
            return UpstreamFailure(kind="unreachable", message="its base_url is no valid URL")
        case aiohttp.ClientConnectorError() | httpx2.ConnectError():
            return UpstreamFailure(kind="unreachable", message=_why_unreachable(root))
        case aiohttp.ConnectionTimeoutError() | httpx2.ConnectTimeout():
            waited = _seconds(config.connect_timeout)
            return UpstreamFailure(kind="unreachable", message=f"no connection within {waited}")
        case httpx2.PoolTimeout():
            return UpstreamFailure(kind="unreachable", message="too many calls are under way")
        case TimeoutError() | httpx2.TimeoutException():
            return stalled(config)
        case httpx2.DecodingError():
            return UpstreamFailure(kind="malformed", message="it is not compressed as it says")
        case aiohttp.ClientPayloadError() if isinstance(root.__cause__, _BAD_HTTP):
            return _payload(str(root.__cause__))
        case aiohttp.ClientResponseError() | HttpProcessingError() | ValueError():
            return UpstreamFailure(kind="malformed", message="it is not HTTP")
        case _:
            return UpstreamFailure(kind="dropped")


def stalled(config: ProviderConfig) -> UpstreamFailure:
    waited = _seconds(config.stall_timeout)
    return UpstreamFailure(kind="stalled", message=f"nothing came for {waited}")


def _root(error: Exception) -> Exception:
    """The lowest exception that one of the libraries wrapped."""
    while isinstance(error, openai.APIConnectionError | httpx2.TransportError):
        if not isinstance(error.__cause__, Exception):
            break
        error = error.__cause__
    return error


def _payload(said: str) -> UpstreamFailure:
    # The same exceptions tell of a body that ends early and of one that is not encoded as promised.
    if "Not enough data" in said:
        return UpstreamFailure(kind="dropped")
    return UpstreamFailure(kind="malformed", message="it is not HTTP")


def _why_unreachable(error: Exception) -> str:
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        cause = error.certificate_error
    match cause:
        case ssl.SSLCertVerificationError(verify_message=message):
            return f"its certificate is not accepted: {message}"
        case ssl.SSLError():
            return "no secure connection could be agreed on"
        case OSError(strerror=str(words)) if words and "(" not in words:
            return words
        case OSError(errno=int(number)) if number > 0:
            return os.strerror(number)
        case _:
            return "no connection could be made"


def _seconds(seconds: float) -> str:
    return f"{seconds:g} second{'' if seconds == 1 else 's'}"
