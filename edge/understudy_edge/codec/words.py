"""The texts of refusals, in OpenAI's wording."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from understudy_edge.problems import Problem

# Where a value is, innermost key first: `(((None, "tools"), 0), "type")` is `tools[0].type`. A chain of pairs
# costs nothing to build while all is well.
Path: TypeAlias = "tuple[Path, str | int] | None"

_NOUNS = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "decimal number",
    list: "array",
    dict: "object",
    type(None): "null",
}


def render(path: Path) -> str | None:
    """`tools[0].function.name`; None for the body itself."""
    if path is None:
        return None
    keys: list[str] = []
    while path is not None:
        path, key = path
        keys.append(f"[{key}]" if isinstance(key, int) else f".{_printable(key)}")
    return "".join(reversed(keys)).removeprefix(".")


def depth(path: Path) -> int:
    """How many keys lead to it."""
    keys = 0
    while path is not None:
        path = path[0]
        keys += 1
    return keys


def unknown(path: Path) -> Problem:
    name = render(path)
    return Problem("UNKNOWN_PARAMETER", f"Unknown parameter: '{name}'.", name)


def missing(path: Path) -> Problem:
    name = render(path)
    return Problem("MISSING_REQUIRED_PARAMETER", f"Missing required parameter: '{name}'.", name)


def repeated(path: Path) -> Problem:
    name = render(path)
    return Problem("INVALID_VALUE", f"Invalid '{name}': given more than once.", name)


def mistyped(path: Path, expected: str, value: Any) -> Problem:
    """`expected` with its article, as `one_of` gives it."""
    name = render(path)
    place = "" if name is None else f" for '{name}'"
    got = _with_article(_NOUNS[type(value)])
    text = f"Invalid type{place}: expected {expected}, but got {got} instead."
    return Problem("INVALID_TYPE", text, name)


def unsupported(path: Path, value: str, words: Iterable[str]) -> Problem:
    supported = _series([f"'{word}'" for word in words], "and")
    text = f"Invalid value: '{_printable(value)}'. Supported values are: {supported}."
    return Problem("INVALID_VALUE", text, render(path))


def not_one_of(path: Path, value: str, words: Iterable[str]) -> Problem:
    """As forms are told, in the words of another validator."""
    name = render(path)
    choices = ", ".join(f"'{word}'" for word in words)
    text = f"'{_printable(value)}' is not one of [{choices}] - '{name}'"
    return Problem("INVALID_VALUE", text, name, coded=False)


def out_of_range(path: Path, value: object, bounds: tuple[int, int], *, above: bool) -> Problem:
    name = render(path)
    side, sign, bound = (
        ("above maximum", "<=", bounds[1]) if above else ("below minimum", ">=", bounds[0])
    )
    text = f"Invalid '{name}': integer {side} value. Expected a value {sign} {bound}, but got {value} instead."
    reason = "INTEGER_ABOVE_MAX_VALUE" if above else "INTEGER_BELOW_MIN_VALUE"
    return Problem(reason, text, name)


def not_unicode(path: Path) -> Problem:
    name = render(path)
    text = (
        f"Invalid '{name}': string is not valid Unicode. Expected a string without lone surrogates."
    )
    return Problem("INVALID_VALUE", text, name)


def too_deep(path: Path) -> Problem:
    name = render(path)
    return Problem("INVALID_VALUE", f"Invalid '{name}': object is nested too deeply.", name)


def not_json() -> Problem:
    return Problem(
        "INVALID_JSON",
        "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP "
        "library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON. If you "
        "have trouble figuring out how to fix this, please contact us through our help center at help.openai.com.)",
    )


def one_of(nouns: Iterable[str]) -> str:
    """`a string`, or `one of an array of objects or string` of several."""
    first, *rest = sorted(set(nouns))
    if not rest:
        return _with_article(first)
    return "one of " + _series([_with_article(first), *rest], "or")


def _with_article(noun: str) -> str:
    if noun == "null":
        return noun
    return f"{'an' if noun[0] in 'aio' else 'a'} {noun}"


def _series(items: Sequence[str], conjunction: str) -> str:
    if len(items) < 3:
        return f" {conjunction} ".join(items)
    return ", ".join(items[:-1]) + f", {conjunction} {items[-1]}"


def _printable(text: str) -> str:
    # A lone surrogate would make the answer itself impossible to encode.
    return text.encode(errors="replace").decode()
