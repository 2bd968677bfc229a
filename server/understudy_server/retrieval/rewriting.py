"""A question made shorter for searching: without the words that every question has. Pure."""

from __future__ import annotations

import re
from typing import Final

_WORD: Final = re.compile(r"[^\W_](?:['\u2019.\-_]?[^\W_])*")

# Of English alone: in another language a question stays as it is, but for its punctuation.
_EMPTY: Final = frozenset(
    """
    a about all also am an and any are aren't as at be been being but by can can't could couldn't did didn't do does
    doesn't doing don't each for from give had has hasn't have haven't having he her hers him his how i i'd i'll i'm
    i've if in into is isn't it it's its itself just know let let's like me mine my myself of on or our ours ourselves
    please shall she should so some such tell than that that's the their theirs them then there there's these they
    this those to us want was wasn't we were weren't what what's when where which who whom whose why will with would
    you your yours yourself
    """.split()  # noqa: SIM905 - a list of them would take a page
)


def rewritten(query: str) -> str:
    """The words that say what is asked about, in their order; the question itself if there are none."""
    words = _WORD.findall(query)
    kept = [word for word in words if word.casefold().replace("\u2019", "'") not in _EMPTY]
    return " ".join(kept) or query
