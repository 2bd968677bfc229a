"""The estimate of tokens: against real tokenizers, and kind by kind."""

from __future__ import annotations

from typing import Any

import pytest

from understudy_server.models import port as model
from understudy_server.runs import tokens

# Counted with OpenAI's public vocabularies o200k_base and cl100k_base.
COUNTED = (
    (
        (
            "The harbour was quiet that morning, and only a few boats had gone out before the fog came "
            "down. Nobody on the quay could remember a colder March."
        ),
        (31, 32),
    ),
    (
        (
            "hey, can you tell me what the weather's like in Rome tomorrow? i'm going there w/ my "
            "sister, thx!"
        ),
        (26, 27),
    ),
    (
        (
            "Die Geschwindigkeitsbegrenzung wurde nach langen Verhandlungen aufgehoben, obwohl mehrere "
            "Sachverständige davon abgeraten hatten."
        ),
        (26, 37),
    ),
    (
        (
            "L'été dernier, nous avons traversé les Pyrénées à pied, malgré l'orage qui menaçait "
            "chaque après-midi."
        ),
        (26, 32),
    ),
    (
        (
            "El tren llegó con cuarenta minutos de retraso y nadie explicó por qué; los pasajeros "
            "esperaron en el andén."
        ),
        (25, 32),
    ),
    (
        "Hôm qua trời mưa rất to nên chúng tôi không đi chợ được, đành ở nhà nấu cháo và kể chuyện.",
        (29, 43),
    ),
    (
        (
            "Вчера вечером поезд опоздал на сорок минут, и пассажиры терпеливо ждали на холодной "
            "платформе."
        ),
        (26, 45),
    ),
    (
        (
            "وصل القطار متأخرا مساء أمس، وانتظر الركاب بصبر على الرصيف البارد دون أن يعرف أحد سبب "
            "التأخير."
        ),
        (30, 63),
    ),
    ("הרכבת איחרה אמש בארבעים דקות, והנוסעים חיכו בסבלנות על הרציף הקר.", (28, 64)),
    (
        "कल शाम रेलगाड़ी चालीस मिनट देर से आई और यात्री ठंडे मंच पर धैर्य से प्रतीक्षा करते रहे।",
        (29, 86),
    ),
    ("เมื่อวานเย็นรถไฟมาสายสี่สิบนาทีและผู้โดยสารรออย่างอดทนบนชานชาลาที่หนาวเย็น", (35, 71)),
    ("昨天晚上火车晚点了四十分钟，乘客们在寒冷的站台上耐心等待，没有人解释延误的原因。", (32, 46)),
    ("昨日の夕方、電車が四十分遅れて到着し、乗客は寒いホームで辛抱強く待っていました。", (32, 50)),
    (
        "어제 저녁 기차가 사십 분 늦게 도착했고 승객들은 추운 승강장에서 참을성 있게 기다렸습니다.",
        (32, 53),
    ),
    ("🎉😀🚀🌈👍🔥", (9, 17)),
    (
        (
            "def fold(events):\n    found = Open()\n    for event in events:\n"
            '        if event.kind == "step_created":\n            found.steps.append(event.step)\n'
            "    return found\n"
        ),
        (35, 35),
    ),
    (
        (
            "SELECT c.name, COUNT(o.id) AS n FROM customers c LEFT JOIN orders o ON o.customer_id = c.id "
            "WHERE o.total > 100.50 GROUP BY c.name;"
        ),
        (37, 37),
    ),
    (
        (
            '<div class="row"><a href="https://example.com/p?id=12&x=y">Read more</a></div>\n'
            "<p>And so on.</p>"
        ),
        (35, 35),
    ),
    (
        (
            '{"type": "object", "properties": {"city": {"type": "string", "description": "The name of '
            'the city"}, "unit": {"enum": ["C", "F"]}}, "required": ["city"], '
            '"additionalProperties": false}'
        ),
        (53, 53),
    ),
    (
        (
            '[{"id":10,"price":311.70000000000005,"ok":true,"name":"item 10"},'
            '{"id":11,"price":342.87,"ok":false,"name":"item 11"},'
            '{"id":12,"price":374.04,"ok":true,"name":"item 12"},'
            '{"id":13,"price":405.21000000000004,"ok":false,"name":"item 13"}]'
        ),
        (91, 91),
    ),
    ("12.5,803.11,4.002,77\n991.3,0.25,18,4500.75\n3.1415,2.718,1.618,0.5772\n", (47, 47)),
)


@pytest.mark.parametrize(("text", "counted"), COUNTED)
def test_neither_far_below_nor_far_above_a_real_tokenizer(
    text: str, counted: tuple[int, int]
) -> None:
    assert 0.95 * min(counted) <= tokens.of_text(text) <= 1.6 * max(counted)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("abcd", 1),
        ("abcde", 2),
        ("a b ", 1),
        ("12345", 3),
        ("{}[]\n", 4),
        ("\u00e9" * 5, 4),
        ("\u4e16" * 5, 6),
        (b"abcd", 1),
        ("x" * 400, 100),
    ],
)
def test_kinds_of_text(text: str | bytes, count: int) -> None:
    assert tokens.of_text(text) == count


@pytest.mark.parametrize(
    ("item", "count"),
    [
        (model.Message(role="user", parts=(model.Text(text=""),)), tokens.PER_ITEM),
        (model.Message(role="user", parts=(model.Text(text="abcde"),)), tokens.PER_ITEM + 2),
        (model.Message(role="user", parts=(model.Refusal(refusal="abcd"),)), tokens.PER_ITEM + 1),
        (model.ToolCall(call_id="c", name="abcd", arguments="{}"), tokens.PER_ITEM + 3),
        (model.ToolOutput(call_id="c", output="abcdefgh"), tokens.PER_ITEM + 2),
        (model.Opaque(json=b"x" * 40), 10),
    ],
)
def test_items(item: Any, count: int) -> None:
    assert tokens.of_item(item) == count


@pytest.mark.parametrize(("detail", "count"), [("low", 85), ("high", 1_445), ("auto", 1_445)])
def test_images_by_their_detail_and_not_by_their_bytes(detail: Any, count: int) -> None:
    image = model.Image(url="data:image/png;base64," + "A" * 100_000, detail=detail)
    item = model.Message(role="user", parts=(image, image))
    assert tokens.of_item(item) == tokens.PER_ITEM + 2 * count


@pytest.mark.parametrize(
    ("fields", "count"),
    [
        ({}, 0),
        ({"instructions": "abcd"}, 1),
        ({"tools": (model.Function(name="abcd"),)}, tokens.PER_ITEM + 1),
        ({"tools": (model.Function(name="f", description="abcde"),) * 2}, 2 * tokens.PER_ITEM + 6),
        ({"tools": (model.Function(name="f", parameters=b"x" * 9),)}, tokens.PER_ITEM + 4),
        ({"response_format": "json_object"}, 0),
        ({"response_format": model.JsonSchema(name="abcd")}, 1),
        ({"response_format": model.JsonSchema(name="ab", description="c", schema=b"x" * 9)}, 4),
    ],
)
def test_what_is_beside_the_items(fields: Any, count: int) -> None:
    said = model.Message(role="user", parts=(model.Text(text="abcd"),))
    request = model.ModelRequest(model="m", items=(said,), **fields)
    assert tokens.of_rest(request) == count
    assert tokens.of_request(request) == count + tokens.PER_ITEM + 1
