"""The error catalogue: what it has, and the cases of it that stand in no group of fields."""

from __future__ import annotations

from tests.contract.cases import Case, bad_word, missing, mistyped, out_of_range, unknown

ROWS: dict[str, str] = {
    # Each row of the catalogue: empty when there are cases, else why there are none.
    "no key": "",
    "bad key": "",
    "missing beta header": "",
    "assistant 404": "",
    "thread 404": "",
    "message 404": "",
    "run 404": "",
    "run step 404": "",
    "vector store 404": "",
    "vector store referenced": "",
    "file in vector store 404": "",
    "file 404": "",
    "model 404": "",
    "upload 404": "",
    "malformed id": "",
    "unknown URL": "",
    "wrong method": "",
    "not JSON": "",
    "missing required": "",
    "unknown param": "",
    "wrong type": "",
    "bad enum": "",
    "string too long": "",
    "array too long": "",
    "array empty": "",
    "number range": "",
    "metadata keys": "",
    "metadata key too long": "",
    "metadata value too long": "",
    "metadata value not string": "",
    "function name pattern": "",
    "function schema": "",
    "unsupported model": "Names of models are passed on as they are.",
    "thread busy, new run": "",
    "thread busy, new message": "",
    "cancel not possible": "",
    "tool outputs, wrong status": "",
    "tool outputs, other ids": "",
    "tool output without id": "",
    "file type for file_search": "",
    "file cannot be indexed": "A file that cannot be read fails in its vector store.",
    "unknown file ids": "",
    "expired vector store": "It takes a day; tests/server/vectors/test_expiry.py moves the clock.",
    "file purpose enum": "",
    "download not allowed": "",
    "upload: bad extension": "The name of an upload is not judged.",
    "image url extension": "The model behind the server judges the images that it is sent.",
    "image file as image_file": "What is no image is told to the model in its place.",
    "rate limit": "The server itself limits nobody; that of the model ends a run.",
    "quota": "The server itself has none; that of the model ends a run.",
    "server error": "No request should bring one about; tests/edge makes it with a broken core.",
    "overloaded": "No request should bring one about; tests/edge makes it with an absent core.",
    "region": "The server asks nobody for a country.",
}

NOT_JSON = (
    "We could not parse the JSON body of your request. (HINT: This likely means you aren't using "
    "your HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was not "
    "valid JSON. If you have trouble figuring out how to fix this, please contact us through our "
    "help center at help.openai.com.)"
)


def _absent(noun: str, id: str, method: str, path: str, body: object = None) -> Case:
    return Case(
        row=f"{noun} 404",
        method=method,
        path=path,
        body=body,
        status=404,
        message=f"No {noun} found with id '{id}'.",
    )


def _malformed(param: str, id: str, prefix: str, method: str, path: str) -> Case:
    return Case(
        row="malformed id",
        method=method,
        path=path,
        message=f"Invalid '{param}': '{id}'. Expected an ID that begins with '{prefix}'.",
        param=param,
        code="invalid_value",
    )


_RUN = {"assistant_id": "<assistant>"}
_OUTPUTS: dict[str, object] = {"tool_outputs": []}
_MESSAGE = {"role": "user", "content": "hi"}

NOT_FOUND: tuple[Case, ...] = (
    *(
        _absent("assistant", "asst_absent", method, path, body)
        for method, path, body in (
            ("GET", "/assistants/asst_absent", None),
            ("POST", "/assistants/asst_absent", {"name": "n"}),
            ("DELETE", "/assistants/asst_absent", None),
            ("GET", "/assistants?after=asst_absent", None),
            ("GET", "/assistants?before=asst_absent", None),
            ("POST", "/threads/<thread>/runs", {"assistant_id": "asst_absent"}),
            ("POST", "/threads/runs", {"assistant_id": "asst_absent"}),
        )
    ),
    *(
        _absent("thread", "thread_absent", method, f"/threads/thread_absent{rest}", body)
        for method, rest, body in (
            ("GET", "", None),
            ("POST", "", {"metadata": {}}),
            ("DELETE", "", None),
            ("GET", "/messages", None),
            ("POST", "/messages", _MESSAGE),
            ("GET", "/messages/<message>", None),
            ("POST", "/messages/<message>", {"metadata": {}}),
            ("DELETE", "/messages/<message>", None),
            ("GET", "/runs", None),
            ("POST", "/runs", _RUN),
            ("GET", "/runs/<run>", None),
            ("POST", "/runs/<run>", {"metadata": {}}),
            ("POST", "/runs/<run>/cancel", None),
            ("POST", "/runs/<run>/submit_tool_outputs", _OUTPUTS),
            ("GET", "/runs/<run>/events", None),
            ("GET", "/runs/<run>/steps", None),
            ("GET", "/runs/<run>/steps/<step>", None),
            ("GET", "/runs/<run>/steps/<step>/request", None),
        )
    ),
    *(
        _absent("message", "msg_absent", method, f"/threads/<thread>/messages{rest}", body)
        for method, rest, body in (
            ("GET", "/msg_absent", None),
            ("POST", "/msg_absent", {"metadata": {}}),
            ("DELETE", "/msg_absent", None),
            ("GET", "?after=msg_absent", None),
            ("GET", "?before=msg_absent", None),
        )
    ),
    # An object of another thread is not in this one.
    _absent("message", "<message>", "GET", "/threads/<waiting_thread>/messages/<message>"),
    _absent("run", "<run>", "GET", "/threads/<waiting_thread>/runs/<run>"),
    _absent(
        "run step", "<step>", "GET", "/threads/<waiting_thread>/runs/<waiting_run>/steps/<step>"
    ),
    *(
        _absent("run", "run_absent", method, f"/threads/<thread>{rest}", body)
        for method, rest, body in (
            ("GET", "/runs/run_absent", None),
            ("POST", "/runs/run_absent", {"metadata": {}}),
            ("POST", "/runs/run_absent/cancel", None),
            ("POST", "/runs/run_absent/submit_tool_outputs", _OUTPUTS),
            ("GET", "/runs/run_absent/events", None),
            ("GET", "/runs/run_absent/steps", None),
            ("GET", "/runs/run_absent/steps/<step>", None),
            ("GET", "/runs/run_absent/steps/<step>/request", None),
            ("GET", "/runs?after=run_absent", None),
            ("GET", "/messages?run_id=run_absent", None),
        )
    ),
    _absent("run", "run_absent", "GET", "/runs?after=run_absent"),
    _absent("thread", "thread_absent", "GET", "/threads?before=thread_absent"),
    _absent("run step", "step_absent", "GET", "/threads/<thread>/runs/<run>/steps/step_absent"),
    _absent(
        "run step", "step_absent", "GET", "/threads/<thread>/runs/<run>/steps/step_absent/request"
    ),
    _absent(
        "run step", "step_absent", "GET", "/threads/<thread>/runs/<run>/steps?after=step_absent"
    ),
    *(
        Case(
            row="model 404",
            method=method,
            path="/models/fake_id",
            status=404,
            message="The model 'fake_id' does not exist",
            param="model",
            code="model_not_found",
        )
        for method in ("GET", "DELETE")
    ),
    _malformed("assistant_id", "xyz", "asst", "GET", "/assistants/xyz"),
    _malformed("assistant_id", "xyz", "asst", "DELETE", "/assistants/xyz"),
    _malformed("thread_id", "xyz", "thread", "GET", "/threads/xyz"),
    _malformed("thread_id", "<assistant>", "thread", "GET", "/threads/<assistant>/messages"),
    _malformed("message_id", "xyz", "msg", "GET", "/threads/<thread>/messages/xyz"),
    _malformed("run_id", "xyz", "run", "GET", "/threads/<thread>/runs/xyz"),
    _malformed("run_id", "xyz", "run", "POST", "/threads/<thread>/runs/xyz/cancel"),
    _malformed("step_id", "xyz", "step", "GET", "/threads/<thread>/runs/<run>/steps/xyz"),
    Case(
        row="malformed id",
        path="/threads/<thread>/runs",
        body={"assistant_id": "xyz"},
        message="Invalid 'assistant_id': 'xyz'. Expected an ID that begins with 'asst'.",
        param="assistant_id",
        code="invalid_value",
    ),
)

STATES: tuple[Case, ...] = (
    Case(
        row="thread busy, new run",
        path="/threads/<waiting_thread>/runs",
        body=_RUN,
        message="Thread <waiting_thread> already has an active run <waiting_run>.",
    ),
    Case(
        row="thread busy, new message",
        path="/threads/<waiting_thread>/messages",
        body=_MESSAGE,
        message="Can't add messages to <waiting_thread> while a run <waiting_run> is active.",
    ),
    Case(
        row="cancel not possible",
        path="/threads/<thread>/runs/<run>/cancel",
        message="Cannot cancel run with status 'completed'.",
    ),
    Case(
        row="tool outputs, wrong status",
        path="/threads/<thread>/runs/<run>/submit_tool_outputs",
        body={"tool_outputs": [{"tool_call_id": "call_x", "output": ""}]},
        message='Runs in status "completed" do not accept tool outputs.',
    ),
    *(
        Case(
            row="tool outputs, other ids",
            path="/threads/<waiting_thread>/runs/<waiting_run>/submit_tool_outputs",
            body={"tool_outputs": [{"tool_call_id": id, "output": "o"} for id in given]},
            message=f"Expected tool outputs for call_ids ['<call_a>', '<call_b>'], got {given}",
            note=str(len(given)),
        )
        for given in (
            [],
            ["<call_b>"],
            ["call_unknown"],
            ["<call_a>", "<call_b>", "call_unknown"],
            ["<call_a>", "<call_b>", "<call_b>", "<call_b>"],
        )
    ),
    Case(
        path="/threads/<waiting_thread>/runs/<waiting_run>/submit_tool_outputs",
        body={"tool_outputs": [{"output": "o"}]},
        **(missing("tool_outputs[0].tool_call_id") | {"row": "tool output without id"}),
    ),
    *(
        Case(
            path="/threads/<waiting_thread>/runs/<waiting_run>/submit_tool_outputs",
            body=body,
            **expected,
        )
        for body, expected in (
            ({}, missing("tool_outputs")),
            ({"tool_outputs": None}, mistyped("tool_outputs", "an array of objects", "null")),
            ({"tool_outputs": [1]}, mistyped("tool_outputs[0]", "an object", "an integer")),
            (
                {"tool_outputs": [{"tool_call_id": "<call_a>", "output": {"a": 1}}]},
                mistyped("tool_outputs[0].output", "a string", "an object"),
            ),
            ({"tool_outputs": [{"tool_call_id": "c", "x": 1}]}, unknown("tool_outputs[0].x")),
        )
    ),
)

_LISTS = (
    "/assistants",
    "/threads",
    "/runs",
    "/threads/<thread>/messages",
    "/threads/<thread>/runs",
    "/threads/<thread>/runs/<run>/steps",
)
_AN_INTEGER = mistyped("limit", "an integer", "a string")
_INCLUDE = "'step_details.tool_calls[*].file_search.results[*].content'"

_ON_LISTS = tuple(
    Case(method="GET", path=f"{path}?{query}", **expected)
    for path in _LISTS
    for query, expected in (
        ("limit=101", out_of_range("limit", "integer", "above", "100", "101")),
        ("limit=0", out_of_range("limit", "integer", "below", "1", "0")),
        ("limit=-1", out_of_range("limit", "integer", "below", "1", "-1")),
        (
            "limit=99999999999999999999",
            out_of_range("limit", "integer", "above", "100", "99999999999999999999"),
        ),
        ("limit=abc", _AN_INTEGER),
        ("limit=", _AN_INTEGER),
        ("limit=1&limit=abc", _AN_INTEGER),
        ("limit=1.5", mistyped("limit", "an integer", "a decimal number")),
        ("order=foo", bad_word("order", "foo", "'asc' and 'desc'")),
        ("order=ASC", bad_word("order", "ASC", "'asc' and 'desc'")),
        ("order=", bad_word("order", "", "'asc' and 'desc'")),
        ("foo=1", unknown("foo")),
        ("limit[]=1", unknown("limit[]")),
        ("limit=+1", _AN_INTEGER),
        ("limit=1;order=asc", _AN_INTEGER),
    )
)

QUERIES: tuple[Case, ...] = (
    *_ON_LISTS,
    Case(
        method="GET",
        path="/runs?status=done",
        **bad_word(
            "status",
            "done",
            "'queued', 'in_progress', 'requires_action', 'cancelling', 'cancelled', 'failed', "
            "'completed', 'incomplete', and 'expired'",
        ),
    ),
    *(
        Case(
            method=method,
            path=f"{path}?{name}=all",
            body=body,
            **bad_word("include[0]", "all", _INCLUDE),
        )
        for name in ("include", "include[]", "include%5B%5D")
        for method, path, body in (
            ("GET", "/threads/<thread>/runs/<run>/steps", None),
            ("GET", "/threads/<thread>/runs/<run>/steps/<step>", None),
            ("POST", "/threads/<thread>/runs", _RUN),
        )
    ),
    Case(method="GET", path="/assistants/<assistant>?x=1", **unknown("x")),
    Case(
        method="GET", path="/threads/<thread>/runs/<run>/steps/<step>/request?x=1", **unknown("x")
    ),
    Case(method="GET", path="/models?x=1", **unknown("x")),
    Case(method="POST", path="/threads?metadata=1", **unknown("metadata")),
    Case(method="POST", path="/threads/runs?include[]=x", body=_RUN, **unknown("include[]")),
    *(
        Case(
            row="malformed id",
            method="GET",
            path=f"{path}?{cursor}=xyz",
            message=f"Invalid '{cursor}': 'xyz'. Expected an ID that begins with '{prefix}'.",
            param=cursor,
            code="invalid_value",
        )
        for path, prefix in zip(
            _LISTS[:2] + _LISTS[3:5], ("asst", "thread", "msg", "run"), strict=True
        )
        for cursor in ("after", "before")
    ),
    Case(
        row="malformed id",
        method="GET",
        path="/threads/<thread>/runs/<run>/events?after=x",
        message="Invalid 'after': 'x'. Expected the id of an event, such as '1-5'.",
        param="after",
        code="invalid_value",
    ),
)
