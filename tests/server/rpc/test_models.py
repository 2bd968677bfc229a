"""Operations on models: the catalogue, read only."""

from __future__ import annotations

import pytest

from tests.server.runs.scripted import ScriptedModels
from understudy.v1 import model_pb2
from understudy_server.errors import ModelNotFound, Unimplemented
from understudy_server.rpc.models import Models


async def test_what_is_configured_is_listed() -> None:
    models = Models(ScriptedModels([]), created=5)
    (only,) = (await models.list()).data
    assert (only.id, only.created, only.owned_by) == ("scripted", 5, "test")
    assert await models.get(model_pb2.GetModelRequest(model="scripted")) == only


async def test_unknown_models_do_not_exist_and_known_ones_cannot_be_deleted() -> None:
    models = Models(ScriptedModels([]), created=5)
    with pytest.raises(ModelNotFound):
        await models.get(model_pb2.GetModelRequest(model="x"))
    with pytest.raises(ModelNotFound):
        await models.delete(model_pb2.DeleteModelRequest(model="x"))
    with pytest.raises(Unimplemented):
        await models.delete(model_pb2.DeleteModelRequest(model="scripted"))


async def test_a_key_sees_the_models_that_it_may_use() -> None:
    models = Models(ScriptedModels([]), created=5)
    request = model_pb2.GetModelRequest(model="scripted")
    for allowed in (("other", "scripted"), ("scripted",)):
        assert [model.id for model in (await models.list(allowed)).data] == ["scripted"]
        assert (await models.get(request, allowed)).id == "scripted"
    assert not (await models.list(("other",))).data
    with pytest.raises(ModelNotFound):
        await models.get(request, ("other",))
