"""The supervisor's promises, on small processes of no other use."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from casino_club.infra import children
from casino_club.infra.leftovers import send
from casino_club.infra.ports import Unusable
from casino_club.infra.processes import ProcessState, is_supervised, only_supervisor, processes
from casino_club.infra.supervisor import FAILED_STARTS_MAX, CannotStart, Supervisor
from tests.infra.supervised import SLEEP, make_folders, script
from tests.infra.waiting import runs, until, wait_for

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return make_folders(tmp_path / "data")


@contextmanager
def supervised(data_dir: Path, kind: str = "sleepers") -> Iterator[subprocess.Popen[str]]:
    """A supervisor in a process of its own, with everything ready."""
    command = [sys.executable, "-m", "tests.infra.supervised", str(data_dir), kind]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as supervisor:
        assert supervisor.stdout is not None
        try:
            assert any(line == "all ready\n" for line in supervisor.stdout)
            yield supervisor
        finally:
            if supervisor.poll() is None:
                supervisor.send_signal(signal.SIGINT)
                supervisor.wait(15)


def pids(data_dir: Path) -> list[int]:
    return [each.pid for each in processes(data_dir) if each.pid]


async def test_each_is_ready_before_the_next_and_they_end_in_reverse(data_dir: Path) -> None:
    seen: list[tuple[str, str]] = []

    async with Supervisor(data_dir, lambda each, _: seen.append((each.name, each.state))).running() as supervisor:
        await supervisor.start(script("first", SLEEP))
        await supervisor.start(script("second", SLEEP))

    assert seen == [
        *(("first", "starting"), ("first", "ready"), ("second", "starting"), ("second", "ready")),
        *(("second", "stopped"), ("first", "stopped")),
    ]


async def test_a_process_that_dies_is_started_again(data_dir: Path) -> None:
    seen: list[ProcessState] = []

    async with Supervisor(data_dir, lambda each, _: seen.append(each)).running() as supervisor:
        await supervisor.start(script("only", SLEEP))
        first = seen[-1].pid
        assert first
        os.kill(first, signal.SIGKILL)
        await until(lambda: [each.state for each in seen].count("ready") == 2)

    again = seen[-2]
    assert (again.state, again.restarts, again.short_lives) == ("ready", 1, 1)
    assert again.pid not in (None, first)


async def test_what_a_dead_process_left_in_its_group_ends_with_it(data_dir: Path) -> None:
    text = (
        f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {SLEEP!r}]).pid, flush=True); {SLEEP}"
    )
    log = data_dir / "logs" / "parent.log"
    seen: list[ProcessState] = []

    async with Supervisor(data_dir, lambda each, _: seen.append(each)).running() as supervisor:
        await supervisor.start(script("parent", text))
        await until(log.read_text)
        grandchild = int(log.read_text())
        assert seen[-1].pid
        os.kill(seen[-1].pid, signal.SIGKILL)
        await until(lambda: seen[-1].state == "restarting")

        await until(lambda: not runs(grandchild))


async def test_a_process_that_never_gets_ready_ends_everything_and_its_log_is_named(data_dir: Path) -> None:
    stopped: list[str] = []

    def note(each: ProcessState, _: str) -> None:
        if each.state == "stopped":
            stopped.append(each.name)

    async def start_both() -> None:
        async with Supervisor(data_dir, note).running() as supervisor:
            await supervisor.start(script("sound", SLEEP))
            await supervisor.start(replace(script("broken", "raise SystemExit('no luck')"), is_ready=never))

    with pytest.raises(CannotStart, match="broken") as caught:
        await start_both()

    assert stopped == ["broken", "sound"]
    assert children.last_lines(caught.value.log) == ["no luck"] * 5


async def test_nobody_waits_for_what_is_not_needed_and_it_is_tried_again_after_growing_pauses(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("casino_club.infra.supervisor.FAILED_STARTS_MAX", 3)
    monkeypatch.setattr("casino_club.infra.supervisor.BACKOFF_SECONDS_MAX", 0.4)
    seen: list[tuple[str, str, str]] = []
    marker = data_dir / "mended"
    text = f"import pathlib, sys; pathlib.Path({str(marker)!r}).exists() or sys.exit(7); {SLEEP}"

    async def is_ready() -> bool:
        return marker.exists()

    async with Supervisor(
        data_dir, lambda each, why: seen.append((each.name, each.state, why))
    ).running() as supervisor:
        await supervisor.start(replace(script("extra", text), is_ready=is_ready, is_needed=False))
        await supervisor.start(script("sound", SLEEP))
        assert ("sound", "ready") in [each[:2] for each in seen]
        await until(lambda: len(pauses(seen)) == 4)
        marker.touch()
        await until(lambda: ("extra", "ready") in [each[:2] for each in seen])

    assert pauses(seen)[:4] == [0.2, 0.4, 0.8, 1.6]


def pauses(seen: list[tuple[str, str, str]]) -> list[float]:
    whys = [why for name, state, why in seen if (name, state) == ("extra", "restarting")]
    assert all(why.startswith("ended with status 7; again in ") for why in whys)
    return [float(why.split()[-2]) for why in whys]


async def test_nobody_waits_for_long_for_what_is_not_needed_and_is_never_ready(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("casino_club.infra.supervisor.NOT_NEEDED_SECONDS_MAX", 0.1)
    seen: list[tuple[str, str]] = []

    async with Supervisor(data_dir, lambda each, _: seen.append((each.name, each.state))).running() as supervisor:
        await supervisor.start(replace(script("slow", SLEEP), is_ready=never, is_needed=False))
        await supervisor.start(script("sound", SLEEP))

    assert seen[:3] == [("slow", "starting"), ("sound", "starting"), ("sound", "ready")]


async def test_what_was_ready_once_is_tried_until_it_can_be_started_again(data_dir: Path) -> None:
    seen: list[str] = []
    is_full = False

    def prepare() -> None:
        if is_full:
            raise OSError(28, "No space left on device")

    with only_supervisor(data_dir):
        async with Supervisor(data_dir, lambda each, _: seen.append(each.state)).running() as supervisor:
            await supervisor.start(replace(script("only", SLEEP), prepare=prepare))
            is_full = True
            os.kill(pids(data_dir)[0], signal.SIGKILL)
            await until(lambda: seen.count("restarting") == 3)
            is_full = False
            await until(lambda: seen.count("ready") == 2)

    assert seen[-1] == "stopped"


async def test_a_process_that_was_ready_once_may_fail_as_often_as_it_must(data_dir: Path) -> None:
    seen: list[str] = []
    marker = data_dir / "broken"
    text = f"import pathlib, sys; pathlib.Path({str(marker)!r}).exists() and sys.exit(1); {SLEEP}"

    async def is_ready() -> bool:
        return not marker.exists()

    with only_supervisor(data_dir):
        async with Supervisor(data_dir, lambda each, _: seen.append(each.state)).running() as supervisor:
            await supervisor.start(replace(script("only", text), is_ready=is_ready))
            marker.touch()
            os.kill(pids(data_dir)[0], signal.SIGKILL)
            await until(lambda: seen.count("restarting") == FAILED_STARTS_MAX + 1, seconds_max=60)
            marker.unlink()
            await until(lambda: seen.count("ready") == 2)


async def test_a_view_that_can_not_be_written_ends_nothing_and_is_written_later(data_dir: Path) -> None:
    seen: list[str] = []
    run, away = data_dir / "run", data_dir / "away"

    with only_supervisor(data_dir):
        async with Supervisor(data_dir, lambda each, _: seen.append(each.state)).running() as supervisor:
            await supervisor.start(script("only", SLEEP))
            first = pids(data_dir)[0]
            run.rename(away)
            os.kill(first, signal.SIGKILL)
            await until(lambda: seen.count("ready") == 2)
            away.rename(run)

            await until(lambda: pids(data_dir) not in ([], [first]))


async def never() -> bool:
    return False


async def test_whoever_does_not_listen_is_killed_and_the_others_still_end_well(data_dir: Path) -> None:
    stopped: dict[str, str] = {}

    def note(each: ProcessState, detail: str) -> None:
        if each.state == "stopped":
            stopped[each.name] = detail

    async with Supervisor(data_dir, note).running() as supervisor:
        await supervisor.start(script("listens", SLEEP))
        await supervisor.start(script("deaf", DEAF, stop_signals=[(signal.SIGTERM, 0.2)]))
        await until((data_dir / "logs" / "deaf.log").read_text)

    assert stopped["deaf"].endswith("killed")
    assert "killed" not in stopped["listens"]


async def test_ending_takes_no_longer_than_allowed_however_patient_each_is(data_dir: Path) -> None:
    patient = [(signal.SIGTERM, 60.0)]

    async with Supervisor(data_dir, lambda *_: None, stop_seconds_max=2.0).running() as supervisor:
        for name in ("one", "two"):
            await supervisor.start(script(name, DEAF, stop_signals=patient))
            await until((data_dir / "logs" / f"{name}.log").read_text)
        began = time.monotonic()
        left = pids_now(data_dir)

    assert time.monotonic() - began < 2.5
    assert not any(runs(pid) for pid in left)


def pids_now(data_dir: Path) -> list[int]:
    """As `pids`, with a lock, since nobody is believed to run without one."""
    with only_supervisor(data_dir):
        return pids(data_dir)


def test_ctrl_c_twice_ends_everything_in_order_with_status_0(data_dir: Path) -> None:
    with supervised(data_dir, "slow") as supervisor:
        running = pids(data_dir)
        assert len(running) == 2
        assert supervisor.stdout is not None

        supervisor.send_signal(signal.SIGINT)
        assert supervisor.stdout.readline().startswith("second stopped")
        send(supervisor.pid, signal.SIGINT)

        assert supervisor.stdout.readline().startswith("first stopped")
        assert supervisor.wait(10) == 0
    assert not any(runs(pid) for pid in running)
    assert [(each.state, each.pid) for each in processes(data_dir)] == [("stopped", None)] * 2


def test_ctrl_c_reaches_the_supervisor_only(data_dir: Path) -> None:
    with supervised(data_dir) as supervisor:
        groups = [os.getpgid(pid) for pid in pids(data_dir)]

        assert os.getpgid(supervisor.pid) not in groups
        assert len(set(groups)) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="other kernels don't tell children; the next start ends them")
def test_a_killed_supervisor_takes_its_children_along(data_dir: Path) -> None:
    with supervised(data_dir) as supervisor:
        running = pids(data_dir)

        supervisor.kill()
        supervisor.wait()

        wait_for(lambda: not any(runs(pid) for pid in running))
    assert not is_supervised(data_dir)
    assert [each.state for each in processes(data_dir)] == ["stopped"] * 2


def test_one_supervisor_per_folder_and_the_second_is_told_whose_it_is(data_dir: Path) -> None:
    with (
        supervised(data_dir) as supervisor,
        pytest.raises(Unusable, match=f"pid {supervisor.pid}"),
        only_supervisor(data_dir),
    ):
        pass


def test_a_log_keeps_its_end_and_one_older_part(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    with log.open("ab") as writing:
        writing.write(b"old\n" * 10)
        writing.flush()

        children.bound_log(log, bytes_max=20)
        writing.write(b"new\n")

    assert log.read_bytes() == b"new\n"
    assert (tmp_path / "api.log.1").read_bytes() == b"old\n" * 10
