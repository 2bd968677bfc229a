"""What a run is created with: looked up, filled in and judged, before anything is written."""

from __future__ import annotations

import structlog

from understudy.v1 import run_pb2, tool_pb2
from understudy_server.errors import InvalidRequest
from understudy_server.idempotency import Identity
from understudy_server.limits.models import check_model
from understudy_server.rpc import lookup, references
from understudy_server.rpc.assistants import check_tools
from understudy_server.rpc.caller import Caller
from understudy_server.runs import spec as specs
from understudy_server.runs import starting
from understudy_server.runs.collaborators import Collaborators
from understudy_server.store.v1.records_pb2 import RunSpec

MAX_SPEC_BYTES = 800_000
"""Of what a run is created with; it goes into one commit with the rest."""


async def prepare(
    shared: Collaborators,
    caller: Caller,
    request: specs.CreateRequest,
    identity: Identity,
    *,
    thread_id: str,
    resources: tool_pb2.ToolResources,
    drop_unavailable_tools: bool,
) -> starting.NewRun:
    """The run that ``request`` asks for, on a thread with these ``resources``.

    Raises ``NotFound`` for the assistant, ``ModelNotFound``, ``ModelNotAllowed``, ``InvalidRequest``, and
    ``StateConflict`` for a vector store that has expired.
    """
    check_tools(request.tools.tools)
    found = await lookup.assistant(shared.store, caller.project, request.assistant_id)
    used = [found.body.assistant.tool_resources, resources]
    stores = await references.check_stores(shared, caller.project, used)
    run = specs.effective(
        request,
        found.body.assistant,
        resources,
        run_id=identity.id,
        thread_id=thread_id,
    )
    if run.ByteSize() > MAX_SPEC_BYTES:
        raise InvalidRequest(
            f"The run's instructions and tools are too large: {run.ByteSize()} bytes together, "
            f"of at most {MAX_SPEC_BYTES}.",
            reason="STRING_ABOVE_MAX_LENGTH",
            param="instructions",
        )
    log = structlog.get_logger()
    dropped = specs.check(run, drop_unavailable=drop_unavailable_tools)
    if dropped:
        log.warning("tools_dropped", run_id=run.id, tools=dropped)
    resolved = shared.models.resolve(run.model)
    check_model(shared.models, caller.limits.models, run.model, project=caller.project)
    served = f"{resolved.provider}/{resolved.model}"
    if resolved.alias_of is not None:
        log.info("model_replaced", run_id=run.id, requested=run.model, served=served)
    include = request.include if isinstance(request, run_pb2.CreateRunRequest) else ()
    return starting.NewRun(
        spec=RunSpec(
            run=run,
            fingerprint=identity.fingerprint,
            include=include,
            key_id=caller.key_id,
            budget=caller.budget if caller.limits.counts_runs else "",
        ),
        metadata=dict(request.metadata),
        requested_model=run.model,
        served_model=served,
        stores=stores,
    )
