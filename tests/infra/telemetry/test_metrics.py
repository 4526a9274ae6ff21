"""The table of metrics is what is exposed, and the processes of one machine are counted together."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from prometheus_client import REGISTRY

from casino_club.infra.ports import Unusable
from casino_club.infra.telemetry.metrics import METRICS, SHARED_DIR_VARIABLE, SHARED_FILE_BYTES, sample, serve_metrics

COUNT_AND_END = """
import os, signal
from casino_club.infra.telemetry.metrics import ACTIONS, HTTP_REQUESTS_IN_FLIGHT
ACTIONS.labels("accepted", "").inc(3)
HTTP_REQUESTS_IN_FLIGHT.inc()
os.kill(os.getpid(), signal.SIGKILL)
"""
COUNT_WITHOUT_ROOM = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))
from casino_club.infra.telemetry.metrics import ACTIONS
ACTIONS.labels("accepted", "").inc(5)
print("went on")
"""
SHOW = """
from prometheus_client import generate_latest
from casino_club.infra.telemetry.metrics import machine_registry
print(generate_latest(machine_registry()).decode())
"""


def ours() -> dict[str, str]:
    families = [family for family in REGISTRY.collect() if family.name.startswith("casino_club_")]
    return {family.name + ("_total" if family.type == "counter" else ""): family.type for family in families}


def test_every_counted_metric_stands_in_the_table() -> None:
    assert ours() == {name: row.kind for name, row in METRICS.items() if row.kind != "sampled"}


def test_buckets_rise() -> None:
    for row in METRICS.values():
        assert list(row.buckets) == sorted(set(row.buckets)), row.name


def test_commit_to_applied_is_measured_from_a_millisecond_to_ten_seconds() -> None:
    buckets = METRICS["casino_club_commit_to_applied_seconds"].buckets

    assert (buckets[0], buckets[-1]) == (0.001, 10.0)


def test_a_sample_carries_its_labels() -> None:
    family = sample("casino_club_log_lag_rows", {("hot",): 12.0})

    (value,) = family.samples
    assert (value.name, value.labels, value.value) == ("casino_club_log_lag_rows", {"consumer": "hot"}, 12.0)


def test_what_is_counted_is_not_sampled() -> None:
    with pytest.raises(AssertionError):
        sample("casino_club_actions_total", {})


def run(script: str, folder: Path) -> str:
    environment = {**os.environ, SHARED_DIR_VARIABLE: str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE, text=True, check=False
    )
    return done.stdout


def test_killed_processes_stay_counted_but_have_nothing_in_flight(tmp_path: Path) -> None:
    for _ in range(2):
        run(COUNT_AND_END, tmp_path)

    shown = run(SHOW, tmp_path)

    assert 'casino_club_actions_total{reason="",verdict="accepted"} 6.0' in shown
    assert "casino_club_http_requests_in_flight 1.0" not in shown
    assert "casino_club_http_requests_in_flight 2.0" not in shown


def test_a_process_on_its_own_serves_its_metrics_where_it_is_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SHARED_DIR_VARIABLE, raising=False)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    serve_metrics("127.0.0.1", port)

    assert "casino_club_consumer_rows_total" in httpx.get(f"http://127.0.0.1:{port}/metrics").text
    with pytest.raises(Unusable, match="CASINO_CLUB_METRICS_PORT"):
        serve_metrics("127.0.0.1", port)


def test_processes_that_share_a_folder_leave_it_to_their_api(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(SHARED_DIR_VARIABLE, str(tmp_path))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))

        serve_metrics("127.0.0.1", taken.getsockname()[1])


def test_shared_counts_have_room_of_their_own_before_the_disk_is_full(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-c", "import casino_club.infra.telemetry.metrics"],
        env={**os.environ, SHARED_DIR_VARIABLE: str(tmp_path)},
        check=True,
    )

    files = list(tmp_path.glob("*.db"))
    assert len(files) >= 2
    assert all(path.stat().st_blocks * 512 >= path.stat().st_size for path in files), "a hole ends the process later"


@pytest.mark.parametrize("room_files", [0, 1])
def test_who_finds_no_room_for_shared_counts_works_on_and_leaves_those_of_others_readable(
    tmp_path: Path, room_files: int
) -> None:
    run(COUNT_AND_END, tmp_path)
    kept = sorted(tmp_path.iterdir())

    assert run(COUNT_WITHOUT_ROOM.format(room=room_files * SHARED_FILE_BYTES // 2), tmp_path) == "went on\n"

    assert sorted(tmp_path.iterdir()) == kept
    assert 'casino_club_actions_total{reason="",verdict="accepted"} 3.0' in run(SHOW, tmp_path)
