"""A run, or two of them, as one page that needs nothing else: no script, no font, no server."""

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from casino_club.entry.economy.checks import Verdict
from casino_club.entry.economy.comparing import ComparisonOut, Difference
from casino_club.entry.economy.drawing import Frame, Interval, Series, bars, intervals, lines
from casino_club.entry.economy.report import DayOut, ReportOut
from casino_club.kernel.money import Currency

COIN: Final = Currency.COIN.value
STYLE: Final = """
:root { color-scheme: light dark; --ink: #1c1f24; --paper: #fff; --faint: #d9dde3; --grey: #5b6470;
  --series-0: #1f5fbf; --series-1: #c2560a; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaee; --paper: #15181d; --faint: #363c46; --grey: #a3acb9;
  --series-0: #7fb0ff; --series-1: #ffa25c; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2rem auto;
  max-width: 760px; padding: 0 1rem; }
figure { margin: 2rem 0; } figcaption, h2 { font-weight: 600; font-size: 1.1rem; } svg { width: 100%; height: auto; }
text { fill: var(--ink); font-size: 12px; } text.name, .note { fill: var(--grey); color: var(--grey); }
.grid { stroke: var(--faint); } .axis { stroke: var(--grey); } .interval { stroke: var(--grey); stroke-width: 6;
  stroke-linecap: round; opacity: .45; } .middle { stroke: var(--ink); stroke-width: 2; }
.line { fill: none; stroke-width: 2.5; } .line.series-0 { stroke: var(--series-0); }
.line.series-1 { stroke: var(--series-1); stroke-dasharray: 7 4; }
.bar.series-0, .found.series-0 { fill: var(--series-0); } .bar.series-1 { fill: var(--series-1); }
.legend { list-style: none; display: flex; gap: 1.5rem; padding: 0; margin: .25rem 0; }
.legend li::before { content: "■ "; } .legend .series-0::before { color: var(--series-0); }
.legend .series-1::before { color: var(--series-1); }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: right; padding: .25rem .5rem; border-bottom: 1px solid var(--faint); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } .broken { font-weight: 700; }
"""


def page_of(report: ReportOut) -> str:
    """One run."""
    return _written([report], [])


def page_of_both(comparison: ComparisonOut) -> str:
    """Two runs and what differs."""
    return _written([comparison.first, comparison.second], comparison.differences)


def _written(reports: Sequence[ReportOut], differences: Sequence[Difference]) -> str:
    html = Element("html", {"lang": "en"})
    head, body = SubElement(html, "head"), SubElement(html, "body")
    SubElement(head, "meta", {"charset": "utf-8"})
    SubElement(head, "meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"})
    SubElement(head, "title").text = "Economy of synthetic users"
    SubElement(head, "style").text = STYLE
    _introduce(body, reports)
    if differences:
        _tell_differences(body, reports, differences)
    body.extend(_over_days(reports))
    for number, report in enumerate(reports):
        body.extend(_of_one(report, number, name=report.plan.rules if len(reports) > 1 else ""))
    return "<!DOCTYPE html>\n" + tostring(html, encoding="unicode") + "\n"


def _introduce(body: Element, reports: Sequence[ReportOut]) -> None:
    plan = reports[0].plan
    SubElement(body, "h1").text = "Economy of synthetic users"
    SubElement(body, "p").text = (
        f"{plan.users:,} users, {plan.days} days, mix {plan.mix}, seed {plan.seed}. Rules: "
        + " and ".join(each.plan.rules for each in reports)
    )
    SubElement(body, "p", {"class": "note"}).text = (
        "Odds, prices and free coins are the platform's own rules. How users behave is assumed, so read differences "
        "between versions rather than single figures."
    )
    names = [each.plan.rules for each in reports]
    fields = list(reports[0].headlines.__struct_fields__)
    rows = [
        (field.replace("_", " "), *(_number(getattr(each.headlines, field)) for each in reports)) for field in fields
    ]
    _table(body, "In short", ("", *names) if len(reports) > 1 else ("", "Figure"), rows)


def _tell_differences(body: Element, reports: Sequence[ReportOut], differences: Iterable[Difference]) -> None:
    heads = ("Per user", reports[0].plan.rules, reports[1].plan.rules, "Difference", "95% interval", "Clear")
    rows = [
        (
            *(each.figure.replace("_", " "), _number(each.first), _number(each.second), _number(each.difference)),
            *(f"{_number(each.low)} … {_number(each.high)}", "yes" if each.is_clear else "no"),
        )
        for each in differences
    ]
    _table(body, "What differs", heads, rows)


def _over_days(reports: Sequence[ReportOut]) -> Iterable[Element]:
    def series(of: str) -> list[Series]:
        return [Series(each.plan.rules, [_daily(day, of) for day in each.days]) for each in reports]

    about = "One line for each version, by day."
    frame = Frame("held", "Coins held by those who came, each on average", about, "Day", "Coins")
    yield lines(frame, series("held"))
    frame = Frame("empty", "Share of those who came that ran out of coins", about, "Day", "Share of active users")
    yield lines(frame, series("ran_out"), unit="%")
    yield lines(Frame("active", "Users who came", about, "Day", "Users"), series("active"))
    frame = Frame("first", "Users who have paid, by days since they came", about, "Days since they came", "Users")
    yield lines(frame, [Series(each.plan.rules, list(accumulate(each.first_purchases))) for each in reports], first=0)


def _daily(day: DayOut, of: str) -> float:
    return {"held": day.held_per_active[COIN], "ran_out": day.ran_out_share * 100, "active": day.active}[of]


def _of_one(report: ReportOut, number: int, *, name: str) -> Iterable[Element]:
    of = f" – {name}" if name else ""
    coins = [flow for flow in report.flows if flow.currency == COIN]
    about = "For each reason what it brought in or took out, all in all: stakes without what they gave back."
    frame = Frame(f"flows-{number}", f"Coins brought in and taken out{of}", about, "Coins", "Reason")
    net = [flow.came_in - flow.went_out for flow in coins]
    both = [
        Series("brought in", [max(each, 0) for each in net]),
        Series("taken out", [max(-each, 0) for each in net]),
    ]
    yield bars(frame, [flow.reason.replace("_", " ") for flow in coins], both)
    rows = [
        Interval(f"{game.product} {game.bet}", game.rtp_low, game.rtp_declared, game.rtp_high, game.rtp_observed)
        for game in report.games
        if game.currency == COIN
    ]
    about = "A dot for what was observed, a mark for what is declared, a bar of four standard deviations around it."
    yield intervals(Frame(f"rtp-{number}", f"RTP in coins, observed and declared{of}", about, "RTP", "Bet"), rows)
    yield from _checks(report, of)


def _checks(report: ReportOut, of: str) -> Iterable[Element]:
    section = Element("section")
    rows = [
        (
            check.name,
            check.verdict.value.replace("_", " "),
            _number(check.found),
            _number(check.expected),
            _number(check.off_max),
        )
        for check in report.checks
    ]
    _table(section, f"Checks{of}", ("What", "Verdict", "Found", "Expected", "Off at most"), rows)
    if any(check.verdict is Verdict.BROKEN for check in report.checks):
        SubElement(section, "p", {"class": "broken"}).text = "A check is broken: these figures prove nothing."
    yield section


def _table(parent: Element, title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    SubElement(parent, "h2").text = title
    table = SubElement(SubElement(parent, "div", {"class": "wide"}), "table")
    line = SubElement(SubElement(table, "thead"), "tr")
    for head in heads:
        SubElement(line, "th", {"scope": "col"}).text = head
    inside = SubElement(table, "tbody")
    for row in rows:
        line = SubElement(inside, "tr")
        for cell in row:
            SubElement(line, "td").text = cell


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 1_000 else f"{value:,.4g}"
