"""What a model was sent is shown only by a server that was told to keep it."""

from __future__ import annotations

from tests.contract.client import Api
from tests.contract.world import World


async def test_it_is_refused_in_words_that_tell_how_to_enable_it(looker: Api, world: World) -> None:
    answer = await looker.call(
        "GET", world.fill("/threads/<thread>/runs/<run>/steps/<step>/request")
    )
    assert answer.status == 400
    assert answer.error == {
        "message": "This server does not keep what it sends to models. With "
        "UNDERSTUDY_KEEP_MODEL_REQUESTS=true it does, for steps that begin from then on.",
        "type": "invalid_request_error",
        "param": None,
        "code": "unimplemented",
    }
