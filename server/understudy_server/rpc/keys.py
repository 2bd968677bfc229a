"""Operations on the keys of a project, for a key that may manage them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial

from understudy.v1 import key_pb2 as pb
from understudy_server.auth.authority import Authority
from understudy_server.auth.keys import ApiKeys, missing
from understudy_server.auth.scopes import ADMIN, READ, RUN, WRITE, parse_scopes
from understudy_server.auth.stored_key import Policy, StoredKey, parse
from understudy_server.errors import InvalidRequest
from understudy_server.limits.key_limits import UNLIMITED, limits_of
from understudy_server.rpc import paging
from understudy_server.rpc.caller import Caller
from understudy_server.store.port import Position

_SCOPES: Mapping[str, pb.KeyScope.ValueType] = {
    READ: pb.KEY_SCOPE_READ,
    WRITE: pb.KEY_SCOPE_WRITE,
    RUN: pb.KEY_SCOPE_RUN,
    ADMIN: pb.KEY_SCOPE_ADMIN,
}
_WORDS = {number: word for word, number in _SCOPES.items()}


class Keys:
    def __init__(self, keys: ApiKeys) -> None:
        self._keys = keys

    async def create(self, caller: Caller, request: pb.CreateKeyRequest) -> pb.CreateKeyResponse:
        by = _authority(caller, once=True)
        secret, made = await self._keys.create(by.project, request.name, _policy(request), by)
        return pb.CreateKeyResponse(key=shown(made), secret=secret)

    async def list(self, caller: Caller, request: pb.ListKeysRequest) -> pb.ListKeysResponse:
        async def locate(id: str) -> Position:
            found = await self._keys.find(id)
            if found is None or found.key.project != caller.project:
                raise missing(id)
            return found.record.position

        page = await paging.page(request, partial(self._keys.page, caller.project), locate)
        uses = await asyncio.gather(*(self._keys.used(record.id) for record in page.records))
        data = [shown(parse(record), used) for record, used in zip(page.records, uses, strict=True)]
        ends = paging.ends([key.id for key in data])
        return pb.ListKeysResponse(data=data, has_more=page.has_more, **ends)

    async def rotate(self, caller: Caller, request: pb.RotateKeyRequest) -> pb.RotateKeyResponse:
        by = _authority(caller, once=True)
        secret, made, replaced = await self._keys.rotate(request.key_id, request.overlap, by)
        return pb.RotateKeyResponse(key=shown(made), secret=secret, replaced=shown(replaced))

    async def revoke(self, caller: Caller, request: pb.RevokeKeyRequest) -> pb.RevokeKeyResponse:
        by = _authority(caller)
        ended = await self._keys.revoke(request.key_id, by, with_created=request.with_created)
        return pb.RevokeKeyResponse(data=[shown(stored) for stored in ended])


def shown(stored: StoredKey, used: int | None = None) -> pb.ApiKey:
    """``used``: Unix seconds. Pure."""
    key = stored.key
    shown = pb.ApiKey(
        id=stored.id,
        created_at=key.created_at,
        name=key.name,
        hint=key.hint,
        scopes=[number for word, number in _SCOPES.items() if word in stored.scopes],
        created_by=key.created_by,
    )
    limits = limits_of(key.limits)
    if limits != UNLIMITED:
        shown.limits.CopyFrom(pb.KeyLimits(**asdict(limits)))
    if key.HasField("expires_at"):
        shown.expires_at = key.expires_at
    if key.HasField("revoked_at"):
        shown.revoked_at = key.revoked_at
    if used is not None:
        shown.last_used_at = used
    return shown


def _policy(request: pb.CreateKeyRequest) -> Policy:
    return Policy(
        scopes=parse_scopes(_WORDS[scope] for scope in request.scopes) if request.scopes else (),
        lifetime=request.lifetime,
        limits=limits_of(request.limits),
    )


def _authority(caller: Caller, *, once: bool = False) -> Authority:
    """``once``: for what gives the text of a key away."""
    if once and caller.idempotency_key is not None:
        raise InvalidRequest(
            "'idempotency-key' cannot be honoured: the text of a key is kept nowhere, so it cannot be shown twice.",
            reason="INVALID_VALUE",
            param="idempotency-key",
        )
    return Authority(project=caller.project, key=caller.stored_key or caller.key_id)
