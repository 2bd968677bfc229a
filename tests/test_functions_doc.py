"""The module in docs/functions.md works, and does what the page says."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from understudy_server.clock import SystemClock
from understudy_server.tools import CallContext
from understudy_server.tools.loading import load_functions
from understudy_server.tools.port import Functions

PAGE = (Path(__file__).parent.parent / "docs" / "functions.md").read_text(encoding="utf-8")
CONTEXT = CallContext(project="p", thread_id="t", run_id="r", assistant_id="a", call_id="call_7")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Functions]:
    source = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert source is not None
    (tmp_path / "shop_of_the_page.py").write_text(source[1])
    path = list(sys.path)
    try:
        yield load_functions("shop_of_the_page", tmp_path, clock=SystemClock())
    finally:
        sys.path[:] = path
        del sys.modules["shop_of_the_page"]


def test_what_it_offers(shop: Functions) -> None:
    price, order = shop.definitions()
    assert (price.name, price.description) == ("price", "Tells what an article costs.")
    properties = json.loads(price.parameters)["properties"]
    assert properties["article"]["description"] == "Its name, in the singular."
    assert json.loads(order.parameters)["properties"] == {
        "article": {"type": "string"},
        "count": {"type": "integer", "description": "how many pieces"},
    }


@pytest.mark.parametrize(
    ("name", "arguments", "output"),
    [
        ("price", '{"article": "lamp"}', '{"article":"lamp","price":40,"currency":"EUR"}'),
        ("order", '{"article": "lamp", "count": 2}', "ordered: 2 lamp (call_7)"),
        (
            "price",
            '{"article": "bed"}',
            '{"error": "The function failed: LookupError: no article \'bed\'; there are chair, lamp"}',
        ),
        (
            "order",
            '{"article": "lamp", "count": "3"}',
            '{"error": "The arguments do not fit the schema: count: Input should be a valid integer"}',
        ),
    ],
)
async def test_what_it_answers(shop: Functions, name: str, arguments: str, output: str) -> None:
    assert await shop.call(name, arguments, context=CONTEXT) == output
