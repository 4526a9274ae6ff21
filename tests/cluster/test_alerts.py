"""Prometheus itself reads the alerting rules, and they alarm when they should, in words that people can use."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]  # its stubs are a package of their own

HERE = Path(__file__).parent
RULES = HERE.parents[1] / "deploy" / "prometheus" / "alerts.yaml"
TESTS = HERE / "alerts.yaml"
SECONDS_MAX = 60

pytestmark = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool comes with Prometheus")


def promtool(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["promtool", *words], capture_output=True, text=True, timeout=SECONDS_MAX, check=False)


def test_prometheus_understands_every_rule() -> None:
    done = promtool("check", "rules", str(RULES))

    assert done.returncode == 0, done.stderr
    assert f"{len(alarms())} rules found" in done.stdout


def test_what_is_wrong_alarms_and_what_is_well_does_not() -> None:
    done = promtool("test", "rules", str(TESTS))

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_is_tried() -> None:
    assert {name for name in alarms() if name not in TESTS.read_text()} == set()


def test_a_rule_that_never_alarms_is_found(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(
        RULES.read_text().replace("casino_club_parked_rows) > 0", "casino_club_parked_rows) > 9")
    )
    (tmp_path / "tests.yaml").write_text(TESTS.read_text().replace("../../deploy/prometheus/alerts.yaml", "rules.yaml"))

    done = promtool("test", "rules", str(tmp_path / "tests.yaml"))

    assert done.returncode == 1
    assert "RowsParked" in done.stdout + done.stderr


def alarms() -> list[str]:
    return [rule["alert"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
