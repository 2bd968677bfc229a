"""Every setting, once: its names, its default, what it means. README's table is this one.

A value is looked for in this order: command line, environment (a `.env` file in the working folder counts as
environment), the `[server]` table of the configuration file, default.
"""

from __future__ import annotations

from pathlib import Path

from understudy_cli.setting import (
    Setting,
    boolean,
    file,
    integer,
    keys,
    lease,
    one_of,
    permissions,
    seconds,
    time_limit,
    words,
)
from understudy_edge.channel import parse_addresses

DEFAULT_STORE = "sqlite:///<data>/understudy.db"
"""Unless older names (``older_names``) mean another one."""

DEFAULT_FILES = "<data>/files"


SETTINGS: tuple[Setting, ...] = (
    Setting(
        name="host",
        env=("UNDERSTUDY_HOST",),
        default="127.0.0.1",
        meaning="Address of the REST face.",
        flag=True,
    ),
    Setting(
        name="port",
        env=("UNDERSTUDY_PORT", "PORT"),
        default="3500",
        meaning="Port of the REST face; 0 takes a free one.",
        parse=integer(0, 65_535),
        flag=True,
    ),
    Setting(
        name="grpc",
        env=("UNDERSTUDY_GRPC",),
        default="127.0.0.1:50051",
        meaning="Where gRPC listens: `host:port`, `unix:/path`, or `off`.",
        flag=True,
    ),
    Setting(
        name="core",
        env=("UNDERSTUDY_CORE",),
        default="127.0.0.1:50051",
        meaning="`understudy edge` only: the core's address, or those of several, comma-separated; "
        "`unix:/path` and `dns:///name:port` are addresses too.",
        parse=parse_addresses,
        flag=True,
    ),
    Setting(
        name="data",
        env=("UNDERSTUDY_DATA",),
        default="~/.local/share/understudy",
        meaning="Folder of what the server keeps; made if missing, for its owner only.",
        parse=lambda text: Path(text).expanduser().absolute(),
    ),
    Setting(
        name="store",
        env=("UNDERSTUDY_STORE",),
        default=DEFAULT_STORE,
        meaning="URL of the [store](docs/stores.md): `sqlite:///relative/file`, `sqlite:////absolute/file`, "
        "`redis://host:6379/0`, `postgresql://user:password@host/database`, `cosmos://host/database`, "
        "`memory://`. With `?shared=true` at its end, several processes on one machine use one SQLite "
        "file.",
        flag=True,
    ),
    Setting(
        name="files",
        env=("UNDERSTUDY_FILES",),
        default=DEFAULT_FILES,
        meaning="Where [the bytes of files](docs/files.md) are kept: a folder, or `s3://bucket/prefix`, "
        "`gs://bucket/prefix`, `az://container/prefix`, `memory:`.",
        flag=True,
    ),
    Setting(
        name="file_limit",
        env=("UNDERSTUDY_FILE_LIMIT",),
        default="536870912",
        meaning="Bytes of one file that is uploaded in one request.",
        parse=integer(1, 8 * 1024**3),
    ),
    Setting(
        name="file_downloads",
        env=("UNDERSTUDY_FILE_DOWNLOADS",),
        default="true",
        meaning="Whether files of the purposes `assistants` and `user_data` may be downloaded again; OpenAI "
        "refused it.",
        parse=boolean,
    ),
    Setting(
        name="embeddings",
        env=("UNDERSTUDY_EMBEDDINGS",),
        default="auto",
        meaning="The model that makes the vectors of a vector store: `provider/model`, `local` (the extra "
        "`understudy[local-embeddings]`), `none` for search by words alone, or `auto`: `local` if it is "
        "installed.",
    ),
    Setting(
        name="embedding_dimensions",
        env=("UNDERSTUDY_EMBEDDING_DIMENSIONS",),
        default="0",
        meaning="Length of the vectors that the provider is asked for; 0 for the model's own.",
        parse=integer(0, 16_384),
    ),
    Setting(
        name="ingestions",
        env=("UNDERSTUDY_INGESTIONS",),
        default="2",
        meaning="Files of vector stores that a core works on at a time.",
        parse=integer(1, 256),
    ),
    Setting(
        name="document_memory",
        env=("UNDERSTUDY_DOCUMENT_MEMORY",),
        default="1073741824",
        meaning="Bytes of memory for reading one document ...",
        parse=integer(128 * 1024**2, 64 * 1024**3),
    ),
    Setting(
        name="document_timeout",
        env=("UNDERSTUDY_DOCUMENT_TIMEOUT",),
        default="300",
        meaning="... and seconds of processor time.",
        parse=integer(1, 86_400),
    ),
    Setting(
        name="retrieval_memory",
        env=("UNDERSTUDY_RETRIEVAL_MEMORY",),
        default="1073741824",
        meaning="Bytes of memory for what searches keep of vector stores.",
        parse=integer(1024**2, 1024**4),
    ),
    Setting(
        name="api_keys",
        env=("UNDERSTUDY_API_KEYS",),
        default="",
        meaning="Keys that are accepted besides those of `understudy keys`: `key` or `key:project`, "
        "comma-separated.",
        parse=keys,
    ),
    Setting(
        name="tls_certificate",
        env=("UNDERSTUDY_TLS_CERTIFICATE",),
        default="",
        meaning="PEM file of the server's certificate: with it, REST and gRPC are served by "
        "[TLS](docs/security.md#tls). Read again when it changes.",
        parse=file,
    ),
    Setting(
        name="tls_key",
        env=("UNDERSTUDY_TLS_KEY",),
        default="",
        meaning="PEM file of its private key.",
        parse=file,
    ),
    Setting(
        name="tls_client_ca",
        env=("UNDERSTUDY_TLS_CLIENT_CA",),
        default="",
        meaning="PEM file of who must have signed the certificates of clients; without, they need none.",
        parse=file,
    ),
    Setting(
        name="core_ca",
        env=("UNDERSTUDY_CORE_CA",),
        default="",
        meaning="`understudy edge` only: PEM file of who must have signed the cores' certificates; with it, the way to "
        "the cores is TLS. Read again when it changes.",
        parse=file,
    ),
    Setting(
        name="core_certificate",
        env=("UNDERSTUDY_CORE_CERTIFICATE",),
        default="",
        meaning="PEM file of the edge's own certificate, for cores that ask for one.",
        parse=file,
    ),
    Setting(
        name="core_key",
        env=("UNDERSTUDY_CORE_KEY",),
        default="",
        meaning="PEM file of its private key.",
        parse=file,
    ),
    Setting(
        name="plain_text",
        env=("UNDERSTUDY_PLAIN_TEXT",),
        default="false",
        meaning="Serve without TLS also where other machines can connect: on a trusted network, or behind a proxy "
        "that has it.",
        parse=boolean,
    ),
    Setting(
        name="socket_mode",
        env=("UNDERSTUDY_SOCKET_MODE",),
        default="600",
        meaning="Permissions, in octal, of a Unix socket for gRPC.",
        parse=permissions,
    ),
    Setting(
        name="no_auth",
        env=("UNDERSTUDY_NO_AUTH",),
        default="false",
        meaning="Ask nobody for a key; everybody is the project `default`.",
        parse=boolean,
        flag=True,
    ),
    Setting(
        name="workers",
        env=("UNDERSTUDY_WORKERS",),
        default="1",
        meaning="Processes, of `understudy serve` and `understudy core`, that [share the work]"
        "(#run-it-for-many). Each has a gRPC port of its own, from that of `UNDERSTUDY_GRPC` upwards.",
        parse=integer(1, 256),
        flag=True,
    ),
    Setting(
        name="concurrent_runs",
        env=("UNDERSTUDY_CONCURRENT_RUNS",),
        default="256",
        meaning="Runs at work at a time; more of them wait as `queued`.",
        parse=integer(1, 100_000),
    ),
    Setting(
        name="lease",
        env=("UNDERSTUDY_LEASE",),
        default="15",
        meaning="Seconds without a sign of life after which another core takes over a run.",
        parse=lease,
    ),
    Setting(
        name="grace",
        env=("UNDERSTUDY_GRACE",),
        default="20",
        meaning="Seconds that requests and runs get to finish when the server stops.",
        parse=seconds,
    ),
    Setting(
        name="unavailable_tools",
        env=("UNDERSTUDY_UNAVAILABLE_TOOLS",),
        default="refuse",
        meaning="A run that needs `code_interpreter` or `file_search`: `refuse` it, or `ignore` the tool "
        "(a warning is logged).",
        parse=one_of("refuse", "ignore"),
    ),
    Setting(
        name="functions",
        env=("UNDERSTUDY_FUNCTIONS",),
        default="",
        meaning="Python module, in the working folder or installed, with [functions](docs/functions.md) "
        "that the server runs itself.",
    ),
    Setting(
        name="function_timeout",
        env=("UNDERSTUDY_FUNCTION_TIMEOUT",),
        default="30",
        meaning="Seconds for one call of such a function that sets no limit of its own.",
        parse=time_limit,
    ),
    Setting(
        name="keep_model_requests",
        env=("UNDERSTUDY_KEEP_MODEL_REQUESTS",),
        default="false",
        meaning="Keep with each run step [what its model was sent](#what-the-model-was-sent), until its thread is "
        "deleted. Each request repeats the conversation, so this takes room.",
        parse=boolean,
    ),
    Setting(
        name="body_limit",
        env=("UNDERSTUDY_BODY_LIMIT",),
        default="8388608",
        meaning="Bytes of a request body.",
        parse=integer(1_024, 1_073_741_824),
    ),
    Setting(
        name="request_timeout",
        env=("UNDERSTUDY_REQUEST_TIMEOUT",),
        default="60",
        meaning="Seconds for a request that is not a stream.",
        parse=seconds,
    ),
    Setting(
        name="heartbeat",
        env=("UNDERSTUDY_HEARTBEAT",),
        default="15",
        meaning="Seconds of silence after which a stream gets a comment that keeps it open.",
        parse=seconds,
    ),
    Setting(
        name="resume",
        env=("UNDERSTUDY_RESUME",),
        default="30",
        meaning="Seconds for which the edge tries to go on with a stream whose core went away.",
        parse=seconds,
    ),
    Setting(
        name="retry",
        env=("UNDERSTUDY_RETRY",),
        default="5",
        meaning="Seconds for which the edge waits for a core that is there, and repeats a call whose core went "
        "away where that is safe; 0 for never.",
        parse=seconds,
    ),
    Setting(
        name="keepalive",
        env=("UNDERSTUDY_KEEPALIVE",),
        default="10",
        meaning="Seconds of silence after which the edge asks a core for a sign of life ...",
        parse=time_limit,
    ),
    Setting(
        name="keepalive_timeout",
        env=("UNDERSTUDY_KEEPALIVE_TIMEOUT",),
        default="5",
        meaning="... and seconds without one after which the core counts as gone.",
        parse=time_limit,
    ),
    Setting(
        name="poll_after_ms",
        env=("UNDERSTUDY_POLL_AFTER_MS",),
        default="300",
        meaning="Milliseconds between two requests of a polling SDK helper.",
        parse=integer(1, 60_000),
    ),
    Setting(
        name="event_ids",
        env=("UNDERSTUDY_EVENT_IDS",),
        default="true",
        meaning="Whether streamed events carry an `id:` line, by which a client can resume.",
        parse=boolean,
    ),
    Setting(
        name="cors_origins",
        env=("UNDERSTUDY_CORS_ORIGINS",),
        default="",
        meaning="Origins of web pages that may call from a browser, comma-separated; `*` for all.",
        parse=words,
    ),
    Setting(
        name="cors_methods",
        env=("UNDERSTUDY_CORS_METHODS",),
        default="GET,POST,DELETE",
        meaning="Methods that such pages may use.",
        parse=words,
    ),
    Setting(
        name="log_level",
        env=("UNDERSTUDY_LOG_LEVEL",),
        default="info",
        meaning="`debug`, `info`, `warning` or `error`.",
        parse=one_of("debug", "info", "warning", "error"),
    ),
    Setting(
        name="log_format",
        env=("UNDERSTUDY_LOG_FORMAT",),
        default="auto",
        meaning="`json`, `text`, or `auto`: text on a terminal.",
        parse=one_of("auto", "json", "text"),
    ),
)
