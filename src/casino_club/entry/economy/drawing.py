"""Charts as SVG, drawn by hand: axes with names, a title and a description for those who can't see them."""

from collections.abc import Sequence
from math import ceil, floor, log10
from typing import Final, NamedTuple
from xml.etree.ElementTree import Element, SubElement

WIDTH, HEIGHT = 720, 300
LEFT, RIGHT, TOP, BOTTOM = 76, 16, 16, 44
ROW, LABEL = 30, 210
TICKS: Final = 5


class Series(NamedTuple):
    """A line, or one of several bars."""

    name: str
    values: Sequence[float]


class Interval(NamedTuple):
    """A figure with its bounds."""

    name: str
    low: float
    middle: float
    high: float
    found: float


class Frame(NamedTuple):
    """What a chart says of itself."""

    id: str
    title: str
    about: str
    x: str
    y: str


def lines(frame: Frame, series: Sequence[Series], *, unit: str = "", first: int = 1) -> Element:
    """Series over days, of which this is the first."""
    figure, svg = _figure(frame, HEIGHT)
    days = max(len(each.values) for each in series)
    highest = _nice(max((value for each in series for value in each.values), default=0))
    right, base = WIDTH - RIGHT, HEIGHT - BOTTOM
    for tick in range(TICKS + 1):
        y = base - (base - TOP) * tick / TICKS
        _line(svg, "grid", LEFT, y, right, y)
        _text(svg, LEFT - 8, y + 4, f"{_short(highest * tick / TICKS)}{unit}", "end")
    for day in range(1, days + 1, max(1, ceil((days - 1) / TICKS))):
        _text(svg, _across(day, days), base + 18, str(day - 1 + first), "middle")
    for number, each in enumerate(series):
        at = (
            f"{_across(day, days):.1f},{base - (base - TOP) * value / highest:.1f}"
            for day, value in enumerate(each.values, 1)
        )
        SubElement(svg, "polyline", {"class": f"line series-{number}", "points": " ".join(at)})
    _axes(svg, frame, HEIGHT)
    _legend(figure, [each.name for each in series])
    return figure


def bars(frame: Frame, names: Sequence[str], series: Sequence[Series]) -> Element:
    """Amounts by name, a row for each."""
    height = TOP + BOTTOM + ROW * max(1, len(names))
    figure, svg = _figure(frame, height)
    highest = _nice(max((value for each in series for value in each.values), default=0))
    _scale(svg, height, 0, highest)
    thick = (ROW - 10) / max(1, len(series))
    for row, name in enumerate(names):
        y = TOP + row * ROW
        _text(svg, LABEL - 8, y + ROW / 2 + 4, name, "end")
        for number, each in enumerate(series):
            wide = (WIDTH - RIGHT - LABEL) * each.values[row] / highest
            at = {
                "x": str(LABEL),
                "y": f"{y + 5 + number * thick:.1f}",
                "width": f"{wide:.1f}",
                "height": f"{thick:.1f}",
            }
            bar = SubElement(svg, "rect", {"class": f"bar series-{number}", **at})
            SubElement(bar, "title").text = f"{name}, {each.name}: {each.values[row]:,.0f}"
    _axes(svg, frame, height, left=LABEL)
    _legend(figure, [each.name for each in series])
    return figure


def intervals(frame: Frame, rows: Sequence[Interval]) -> Element:
    """What was found, in the bounds of what was expected."""
    height = TOP + BOTTOM + ROW * max(1, len(rows))
    figure, svg = _figure(frame, height)
    low = floor(20 * min((min(each.low, each.found) for each in rows), default=0)) / 20
    high = max(low + 0.05, ceil(20 * max((max(each.high, each.found) for each in rows), default=1)) / 20)
    _scale(svg, height, low, high)
    for number, each in enumerate(rows):
        y = TOP + number * ROW + ROW / 2
        _text(svg, LABEL - 8, y + 4, each.name, "end")
        begins, middle, ends, found = (
            LABEL + (WIDTH - RIGHT - LABEL) * (value - low) / (high - low)
            for value in (each.low, each.middle, each.high, each.found)
        )
        _line(svg, "interval", begins, y, ends, y)
        _line(svg, "middle", middle, y - 7, middle, y + 7)
        dot = SubElement(svg, "circle", {"class": "found series-0", "cx": f"{found:.1f}", "cy": f"{y:.1f}", "r": "5"})
        SubElement(dot, "title").text = f"{each.name}: {each.found:.4f}, declared {each.middle:.4f}"
    _axes(svg, frame, height, left=LABEL)
    return figure


def _figure(frame: Frame, height: int) -> tuple[Element, Element]:
    figure = Element("figure")
    SubElement(figure, "figcaption").text = frame.title
    box = {"viewBox": f"0 0 {WIDTH} {height}", "role": "img", "aria-labelledby": f"{frame.id}-title {frame.id}-about"}
    svg = SubElement(figure, "svg", {"xmlns": "http://www.w3.org/2000/svg", **box})
    SubElement(svg, "title", {"id": f"{frame.id}-title"}).text = frame.title
    SubElement(svg, "desc", {"id": f"{frame.id}-about"}).text = frame.about
    return figure, svg


def _axes(svg: Element, frame: Frame, height: int, *, left: int = LEFT) -> None:
    base = height - BOTTOM
    _line(svg, "axis", left, base, WIDTH - RIGHT, base)
    _line(svg, "axis", left, TOP, left, base)
    _text(svg, (left + WIDTH - RIGHT) / 2, height - 6, frame.x, "middle", "name")
    middle = (TOP + base) / 2
    turned = _text(svg, 14, middle, frame.y, "middle", "name")
    turned.set("transform", f"rotate(-90 14 {middle:.0f})")


def _scale(svg: Element, height: int, low: float, high: float) -> None:
    for tick in range(TICKS + 1):
        x = LABEL + (WIDTH - RIGHT - LABEL) * tick / TICKS
        _line(svg, "grid", x, TOP, x, height - BOTTOM)
        _text(svg, x, height - BOTTOM + 18, _short(low + (high - low) * tick / TICKS), "middle")


def _legend(figure: Element, names: Sequence[str]) -> None:
    if len(names) < 2:
        return
    legend = SubElement(figure, "ul", {"class": "legend"})
    for number, name in enumerate(names):
        SubElement(legend, "li", {"class": f"series-{number}"}).text = name


def _line(svg: Element, kind: str, x1: float, y1: float, x2: float, y2: float) -> None:
    at = {name: f"{value:.1f}" for name, value in (("x1", x1), ("y1", y1), ("x2", x2), ("y2", y2))}
    SubElement(svg, "line", {"class": kind, **at})


def _text(svg: Element, x: float, y: float, words: str, anchor: str, kind: str = "tick") -> Element:
    at = {"class": kind, "x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor}
    text = SubElement(svg, "text", at)
    text.text = words
    return text


def _across(day: int, days: int) -> float:
    return LEFT + (WIDTH - RIGHT - LEFT) * (day - 1) / max(1, days - 1)


def _nice(value: float) -> float:
    """The end of an axis: not less, and easy to divide."""
    if value <= 0:
        return 1.0
    power = 10 ** floor(log10(value))
    return float(next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= value))


def _short(value: float) -> str:
    for size, mark in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{mark}"
    return f"{value:.3g}"
