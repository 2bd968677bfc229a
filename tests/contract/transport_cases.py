"""The catalogue's rows about keys, headers, paths and verbs."""

from __future__ import annotations

from tests.contract.cases import Case

NO_KEY = (
    "You didn't provide an API key. You need to provide your API key in an Authorization header "
    "using Bearer auth (i.e. Authorization: Bearer YOUR_KEY), or as the password field (with blank "
    "username) if you're accessing the API from your browser and are prompted for a username and "
    "password. You can obtain an API key from https://platform.openai.com/account/api-keys."
)
WRONG_KEY = (
    "Incorrect API key provided: {}. You can find your API key at "
    "https://platform.openai.com/account/api-keys."
)
NO_BETA = (
    "You must provide the 'OpenAI-Beta' header to access the Assistants API. Please try again by "
    "setting the header 'OpenAI-Beta: assistants=v2'."
)

OPERATIONS: tuple[tuple[str, str], ...] = (
    ("POST", "/assistants"),
    ("GET", "/assistants"),
    ("GET", "/assistants/<assistant>"),
    ("POST", "/assistants/<assistant>"),
    ("DELETE", "/assistants/<assistant>"),
    ("POST", "/threads"),
    ("GET", "/threads"),
    ("GET", "/threads/<thread>"),
    ("POST", "/threads/<thread>"),
    ("DELETE", "/threads/<thread>"),
    ("POST", "/threads/<thread>/messages"),
    ("GET", "/threads/<thread>/messages"),
    ("GET", "/threads/<thread>/messages/<message>"),
    ("POST", "/threads/<thread>/messages/<message>"),
    ("DELETE", "/threads/<thread>/messages/<message>"),
    ("POST", "/threads/<thread>/runs"),
    ("POST", "/threads/runs"),
    ("GET", "/threads/<thread>/runs"),
    ("GET", "/runs"),
    ("GET", "/threads/<thread>/runs/<run>"),
    ("POST", "/threads/<thread>/runs/<run>"),
    ("POST", "/threads/<thread>/runs/<run>/cancel"),
    ("POST", "/threads/<thread>/runs/<run>/submit_tool_outputs"),
    ("GET", "/threads/<thread>/runs/<run>/events"),
    ("GET", "/threads/<thread>/runs/<run>/steps"),
    ("GET", "/threads/<thread>/runs/<run>/steps/<step>"),
)
"""Those that want the beta header; ``/models`` does not."""

MODELS = (("GET", "/models"), ("GET", "/models/demo"), ("DELETE", "/models/demo"))

KEYS: tuple[Case, ...] = tuple(
    case
    for method, path in (*OPERATIONS, *MODELS)
    for case in (
        Case(row="no key", method=method, path=path, status=401, message=NO_KEY),
        Case(
            row="bad key",
            method=method,
            path=path,
            status=401,
            message=WRONG_KEY.format("not-a-re**************************ized"),
            code="invalid_api_key",
        ),
    )
) + tuple(
    Case(row="missing beta header", method=method, path=path, message=NO_BETA, code="invalid_beta")
    for method, path in OPERATIONS
)

ROUTES: tuple[Case, ...] = tuple(
    Case(
        row="unknown URL",
        method=method,
        path=path,
        status=404,
        message=f"Invalid URL ({method} /v1{path})",
    )
    for method, path in (
        ("POST", "/assistantz"),
        ("GET", "/foo"),
        ("PUT", "/foo/bar"),
        ("GET", "/"),
        ("GET", "/assistants/"),
        ("GET", "//assistants"),
        ("GET", "/assistants//x"),
        ("GET", "/threads/<thread>/messages/<message>/files"),
        ("GET", "/Assistants"),
        ("POST", "/threads/<thread>/runs/<run>/cancel/"),
    )
) + tuple(
    Case(
        row="wrong method",
        method=method,
        path=path,
        status=405,
        message=f"Not allowed to {method} on /v1{path}. (HINT: Perhaps you meant to use a different "
        "HTTP method?)",
    )
    for method, path in (
        ("PUT", "/assistants"),
        ("PATCH", "/assistants/<assistant>"),
        ("DELETE", "/assistants"),
        ("PUT", "/threads/<thread>"),
        ("PATCH", "/threads/<thread>/messages/<message>"),
        ("GET", "/threads/<thread>/runs/<run>/cancel"),
        ("GET", "/threads/<thread>/runs/<run>/submit_tool_outputs"),
        ("POST", "/threads/<thread>/runs/<run>/events"),
        ("OPTIONS", "/assistants"),
        ("POST", "/models"),
        ("TRACE", "/assistants"),
    )
)
