"""The alerting rules name metrics and labels that there are, say what to do, and leave out nothing that alarms."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # its stubs are a package of their own

from casino_club.infra.telemetry.metrics import METRICS, Definition
from tests.architecture.repo import ROOT

FILE = ROOT / "deploy/prometheus/alerts.yaml"
GIVEN_BY_PROMETHEUS = {"instance", "job", "le"}
SUFFIXES = {"counter": ("",), "gauge": ("",), "sampled": ("",), "histogram": ("_bucket", "_count", "_sum")}
SERIES = {f"{name}{suffix}": row for name, row in METRICS.items() for suffix in SUFFIXES[row.kind]}
NAME = re.compile(r"\bcasino_club_\w+")
MATCHED = re.compile(r"(casino_club_\w+)\{([^}]*)\}")
LABEL = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"[^"]*"')
GROUPED = re.compile(r"\bby \(([^)]*)\)")
USED = re.compile(r"\$labels\.(\w+)")
DURATION = re.compile(r"\d+[smhd]")


def rules_of(text: str) -> list[dict[str, Any]]:
    """All rules; what is no rule file of Prometheus fails."""
    found = yaml.safe_load(text)
    assert found.keys() == {"groups"}
    rules = []
    for group in found["groups"]:
        assert group.keys() == {"name", "rules"}
        rules += group["rules"]
    return rules


def faults_in(rule: Mapping[str, Any]) -> Iterator[str]:
    """What Prometheus would not understand, or what would never fire."""
    if rule.keys() - {"for"} != {"alert", "expr", "labels", "annotations"}:
        yield f"its fields are {sorted(rule)}"
    if rule["labels"].get("severity") not in ("page", "ticket"):
        yield "it is neither for a page nor for a ticket"
    if not DURATION.fullmatch(rule.get("for", "1m")):
        yield "`for` is no duration"
    if rule["annotations"].keys() != {"summary", "mend"}:
        yield "it does not say what it is and how to mend it"
    yield from faults_in_expression(rule["expr"], set(USED.findall(str(rule["annotations"]))))


def faults_in_expression(expression: str, used: set[str]) -> Iterator[str]:
    if any(expression.count(left) != expression.count(right) for left, right in ("()", "[]", "{}")):
        yield "a bracket is open"
    names = NAME.findall(expression)
    if not names:
        yield "it asks for none of our metrics"
    yield from (f"there is no {name}" for name in names if name not in SERIES)
    for name, matchers in MATCHED.findall(expression):
        labels = set(LABEL.findall(matchers))
        yield from (f"{name} has no label {label}" for label in labels - labels_of(SERIES.get(name)))
    grouped = {label.strip() for listed in GROUPED.findall(expression) for label in listed.split(",")}
    known = set[str]().union(*(labels_of(SERIES.get(name)) for name in names))
    yield from (f"nothing has a label {label}" for label in grouped - known)
    yield from (f"{label} is shown and not kept" for label in used - grouped)


def labels_of(row: Definition | None) -> set[str]:
    return {*GIVEN_BY_PROMETHEUS, *(row.labels if row else ())}


def test_every_rule_asks_for_what_there_is_and_says_what_to_do() -> None:
    rules = rules_of(FILE.read_text())

    assert {rule["alert"]: list(faults_in(rule)) for rule in rules} == {rule["alert"]: [] for rule in rules}


def test_every_metric_that_alarms_has_a_rule() -> None:
    asked = {SERIES[name].name for rule in rules_of(FILE.read_text()) for name in NAME.findall(rule["expr"])}

    assert {name for name, row in METRICS.items() if "Alarm" in row.help} - asked == set()


WRONG = {
    "max(casino_club_log_lag_hours) > 1": "there is no casino_club_log_lag_hours",
    "max(casino_club_http_request_seconds) > 1": "there is no casino_club_http_request_seconds",
    'max(casino_club_log_lag_rows{reader="hot"}) > 1': "casino_club_log_lag_rows has no label reader",
    "max by (reader) (casino_club_log_lag_rows) > 1": "nothing has a label reader",
    "max(casino_club_log_lag_rows > 1": "a bracket is open",
    "up == 0": "it asks for none of our metrics",
}


@pytest.mark.parametrize("expression", WRONG)
def test_an_expression_that_would_never_fire_is_noticed(expression: str) -> None:
    assert WRONG[expression] in list(faults_in_expression(expression, set()))


def test_a_label_that_is_shown_and_summed_away_is_noticed() -> None:
    assert list(faults_in_expression("max(casino_club_parked_rows) > 0", {"consumer"})) == [
        "consumer is shown and not kept"
    ]
