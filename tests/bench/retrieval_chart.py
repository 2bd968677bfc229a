"""The figures of ``bench_retrieval`` as a picture: recall as bars, time against size as lines. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import ceil, floor, log10

_COLOURS = {"words": "#0072b2", "vectors": "#d55e00", "fused": "#009e73"}
_INK, _FAINT = "#333333", "#d0d0d0"
_WIDTH, _HEIGHT = 860, 340
_TOP, _BOTTOM = 50, 280
_LEFT = (60, 360)
_RIGHT = (480, 760)
"""From where to where the two pictures go."""


def draw(
    recalls: Mapping[str, tuple[float, float]], times: Mapping[str, Sequence[tuple[int, float]]]
) -> str:
    """``recalls``: at 5 and at 10, of 1. ``times``: chunks and milliseconds."""
    parts = [*_bars(recalls), *_lines(times)]
    return "\n".join(
        [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
                f' width="{_WIDTH}" height="{_HEIGHT}" font-family="sans-serif" font-size="12">'
            ),
            f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
            *parts,
            "</svg>\n",
        ]
    )


def _bars(recalls: Mapping[str, tuple[float, float]]) -> Iterator[str]:
    left, right = _LEFT
    yield _text(left, 28, "Questions whose document is among the results", size=14)

    def height(share: float) -> float:
        return _BOTTOM - share * (_BOTTOM - _TOP)

    for tenth in range(0, 11, 2):
        yield _line(left, height(tenth / 10), right, height(tenth / 10), _FAINT)
        yield _text(left - 8, height(tenth / 10) + 4, f"{tenth * 10} %", anchor="end")
    width = (right - left) / 2
    bar = min(40.0, (width - 30) / max(len(recalls), 1))
    for group, name in enumerate(("first 5", "first 10")):
        middle = left + width * (group + 0.5)
        yield _text(middle, _BOTTOM + 20, name, anchor="middle")
        begin = middle - bar * len(recalls) / 2
        for number, (kind, shares) in enumerate(recalls.items()):
            x, y = begin + number * bar, height(shares[group])
            yield (
                f'<rect x="{x + 2:.1f}" y="{y:.1f}" width="{bar - 4:.1f}" height="{_BOTTOM - y:.1f}"'
                f' fill="{_COLOURS[kind]}"/>'
            )
            yield _text(x + bar / 2, y - 4, f"{100 * shares[group]:.0f}", anchor="middle")
    yield from _legend(recalls, left, _BOTTOM + 44)


def _lines(times: Mapping[str, Sequence[tuple[int, float]]]) -> Iterator[str]:
    left, right = _RIGHT
    points = [point for each in times.values() for point in each]
    yield _text(left, 28, "Milliseconds of one search, by chunks of the store", size=14)
    first, last = (round(log10(pick(size for size, _ in points))) for pick in (min, max))
    low = floor(log10(min(time for _, time in points)))
    high = ceil(log10(max(time for _, time in points)))

    def x(size: float) -> float:
        return left + (log10(size) - first) / max(last - first, 1) * (right - left)

    def y(time: float) -> float:
        return _BOTTOM - (log10(time) - low) / max(high - low, 1) * (_BOTTOM - _TOP)

    for power in range(low, high + 1):
        yield _line(left, y(10**power), right, y(10**power), _FAINT)
        yield _text(left - 8, y(10**power) + 4, f"{10**power:,g}", anchor="end")
    for power in range(first, last + 1):
        yield _line(x(10**power), _TOP, x(10**power), _BOTTOM, _FAINT)
        yield _text(x(10**power), _BOTTOM + 20, f"{10**power:,}", anchor="middle")
    for kind, found in times.items():
        path = " ".join(f"{x(size):.1f},{y(time):.1f}" for size, time in found)
        yield f'<polyline points="{path}" fill="none" stroke="{_COLOURS[kind]}" stroke-width="2.5"/>'
        for size, time in found:
            yield f'<circle cx="{x(size):.1f}" cy="{y(time):.1f}" r="4" fill="{_COLOURS[kind]}"/>'
    yield from _legend(times, left, _BOTTOM + 44)


def _legend(kinds: Mapping[str, object], left: float, y: float) -> Iterator[str]:
    for number, kind in enumerate(kinds):
        x = left + 100 * number
        yield f'<rect x="{x}" y="{y - 10}" width="12" height="12" fill="{_COLOURS[kind]}"/>'
        yield _text(x + 18, y, kind)


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def _text(x: float, y: float, words: str, *, anchor: str = "start", size: int = 12) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{_INK}">'
        f"{words}</text>"
    )
