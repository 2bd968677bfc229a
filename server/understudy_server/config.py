"""The settings of one core."""

from __future__ import annotations

from dataclasses import dataclass, field

from understudy_server.limits.key_limits import UNLIMITED, KeyLimits
from understudy_server.models.provider import ModelsConfig, ProviderConfig
from understudy_server.tls import Tls
from understudy_server.tools.port import Functions


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredKey:
    """A key that the configuration gives, with what it may do."""

    key: str = field(repr=False)
    project: str
    scopes: tuple[str, ...] = ()
    """Empty: all that there are."""
    limits: KeyLimits = UNLIMITED


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreConfig:
    store: str = "memory://"
    """URL of the store."""
    models: ModelsConfig = field(
        default_factory=lambda: ModelsConfig(
            providers=(ProviderConfig(name="demo", dialect="demo"),), default_provider="demo"
        )
    )
    api_keys: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Keys that the configuration gives, each with its project; others are in the store."""
    keys: tuple[ConfiguredKey, ...] = ()
    """More of them, which may do certain things."""
    auth: bool = True
    """Whether callers need a key. Without, everybody is the project ``default``."""
    concurrent_runs: int = 256
    """Runs that this core works on at a time; more of them wait, for it or for another core."""
    lease: float = 15.0
    """Seconds after the last commit of a core that works on a run from when another may take it over."""
    grace: float = 20.0
    """Seconds that running runs get to finish when the core stops; the rest is handed over."""
    drop_unavailable_tools: bool = False
    """Whether a run that needs a hosted tool is started without it rather than refused."""
    keep_model_requests: bool = False
    """Whether each step keeps what its model's provider was sent, for ``GetRunStepModelCall``."""
    functions: Functions | None = None
    """What this core itself runs for a model; None: all function calls are the client's."""
    max_message_bytes: int = 16 * 1024 * 1024
    """Of one gRPC request."""
    blobs: str = "memory:"
    """Where the bytes of files are kept: a folder, or the URL of an object store."""
    file_limit: int = 512 * 1024 * 1024
    """Bytes of one file that is uploaded in one call."""
    file_downloads: bool = True
    """Whether files of the purposes ``assistants`` and ``user_data`` are given back."""
    embeddings: str = "none"
    """``provider/model``, ``local``, ``none``, or ``auto``: ``local`` where it is installed."""
    embedding_dimensions: int = 0
    """Length of the vectors that a provider is asked for; 0: the model's own."""
    ingestions: int = 2
    """Files of vector stores that this core works on at a time."""
    document_memory: int = 1024 * 1024 * 1024
    """Bytes of memory for reading one document."""
    document_timeout: float = 300.0
    """Seconds of processor time for reading one document."""
    retrieval_memory: int = 1024 * 1024 * 1024
    """Bytes of memory for what searches keep of vector stores."""
    tls: Tls | None = None
    """For the gRPC port; None: plain text."""
    socket_mode: int = 0o600
    """Permissions of a Unix socket for gRPC."""
