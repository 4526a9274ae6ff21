"""What the documents claim about the code is true: lists, links, commands and the form of decisions."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from casino_club.entry.cli import COMMANDS
from casino_club.entry.wiring import ROUTES, load_tracking_plan
from casino_club.features.actions.rules.plan import Checks, fault_in
from casino_club.features.actions.rules.sent import ActionIn
from tests.architecture.checks import slice_files
from tests.architecture.repo import ROOT

PAGES = sorted(path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
DECISIONS = sorted((ROOT / "docs/decisions").glob("*.md"))

FENCED = re.compile(r"^```[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
CALL = re.compile(
    r"curl -s(?: -X ([A-Z]+))? (?:http://127\.0\.0\.1:8000|\$CLUB)(/\S+)((?:[^\n]*\\\n)*[^\n]*(?:\n +[^\n]*)*)"
)
BODY = re.compile(r"-d '(\{.*?\})'", re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)[^)\s]*\)")


def lost_links(page: Path) -> list[str]:
    """Relative links of this page that lead nowhere."""
    targets = [target for target in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in target]
    return [target for target in targets if not (page.parent / target).exists()]


def unknown_targets(text: str, makefile: str) -> list[str]:
    """Targets that a page tells people to make and the Makefile doesn't have."""
    known = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    return sorted(set(re.findall(r"\bmake ([a-z][a-z-]*)", code_in(text))) - known)


def unknown_commands(text: str) -> list[str]:
    """Commands that a page gives to `casino-club` and it doesn't know."""
    return sorted(set(re.findall(r"\bcasino-club ([a-z][a-z-]*)\b", code_in(text))) - COMMANDS.keys())


def code_in(text: str) -> str:
    """Fenced blocks and inline code of a page."""
    inline = re.findall(r"`([^`\n]+)`", FENCED.sub("", text))
    return "\n".join([*FENCED.findall(text), *inline])


def listed_slices(page: str) -> Iterator[str]:
    block = next(block for block in FENCED.findall(page) if block.startswith("operations\n"))
    return iter(block.splitlines())


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    assert lost_links(ROOT / page) == []


@pytest.mark.parametrize("page", PAGES)
def test_targets_exist(page: str) -> None:
    assert unknown_targets((ROOT / page).read_text(), (ROOT / "Makefile").read_text()) == []


@pytest.mark.parametrize("page", PAGES)
def test_commands_exist(page: str) -> None:
    assert unknown_commands((ROOT / page).read_text()) == []


def test_a_lost_link_an_unknown_target_and_an_unknown_command_are_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "[here](page.md) [there](gone.md#part), `make tea`\n\n```sh\nmake test\ncasino-club fly\n```\nand make do.\n"
    )

    assert lost_links(page) == ["gone.md"]
    assert unknown_targets(page.read_text(), "test: x\n") == ["tea"]
    assert unknown_commands(page.read_text()) == ["fly"]


def calls_in(page: str) -> list[tuple[str, str, str]]:
    """Method, path and body of each call that a page shows with curl."""
    found = [(method, path, "".join(BODY.findall(rest))) for method, path, rest in CALL.findall(page)]
    return [(method or ("POST" if body else "GET"), path, body) for method, path, body in found]


def test_what_the_readme_sends_is_taken() -> None:
    routes = {(route.method, route.path): route for each in ROUTES for route in each}

    calls = calls_in((ROOT / "README.md").read_text())

    assert len(calls) > 5
    for method, path, body in calls:
        shape = routes[method, path].body
        assert (shape is None) is (body == "")
        if shape is not None:
            msgspec.json.decode(body, type=shape)


def test_the_first_action_of_the_readme_is_one_that_a_service_may_send() -> None:
    [body] = [body for _, path, body in calls_in((ROOT / "README.md").read_text()) if path == "/api/actions"]

    action = msgspec.json.decode(body, type=ActionIn)
    check = Checks(load_tracking_plan(None)).find(action.action_type)

    assert action.user_id is not None
    assert action.client_action_id is not None
    assert check is not None
    assert "service" in check.rule.senders
    assert fault_in(check, action.value, action.metadata) is None


def test_the_page_on_architecture_lists_the_slices_of_the_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    contract = next(each for each in contracts if each["name"].startswith("Slices: "))

    listed = list(listed_slices((ROOT / "ARCHITECTURE.md").read_text()))

    assert listed == [re.sub(r"[()]", "", layer) for layer in contract["layers"]]


def test_the_page_on_architecture_lists_the_files_of_a_slice() -> None:
    listed = re.findall(r"^\| `(\w+)\.py` ", (ROOT / "ARCHITECTURE.md").read_text(), re.MULTILINE)

    assert set(listed) == slice_files.NAMES


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize("page", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_has_context_decision_cost_and_check_on_one_page(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Cost", "Check"]
    assert text.startswith(f"# {int(page.name[:4])}. ")
    assert len(text.splitlines()) <= 60
