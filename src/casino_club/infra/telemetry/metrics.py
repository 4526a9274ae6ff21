"""Every metric of the platform, in one table that the reference page is generated from. Labels have bounded values."""

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, start_http_server, values
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from casino_club.infra.ports import Unusable

SHARED_DIR_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Where the processes of one machine keep their counts together; the supervisor names it to its children."""

SHARED_FILE_BYTES: Final = 256 * 1024
"""Several times what all labels together take."""

REQUEST_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
STEP_BUCKETS: Final = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0)
BATCH_BUCKETS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 1_000, 10_000)
APPLIED_BUCKETS: Final = (
    *(0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075),
    *(0.1, 0.15, 0.2, 0.25, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0),
)
JOB_BUCKETS: Final = (0.01, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)


@dataclass(frozen=True, slots=True)
class Definition:
    """One row of the table. A `sampled` metric has no counter in any process: it is computed when it is scraped."""

    name: str
    kind: Literal["counter", "gauge", "histogram", "sampled"]
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = field(default=())


METRICS: Final = {
    definition.name: definition
    for definition in (
        Definition(
            "casino_club_http_request_seconds",
            "histogram",
            "Time from a request's arrival to the end of its answer.",
            ("route", "method", "status"),
            REQUEST_BUCKETS,
        ),
        Definition("casino_club_http_requests_in_flight", "gauge", "Requests that have no answer yet."),
        Definition(
            "casino_club_actions_total",
            "counter",
            "Actions by verdict; the reason is given for refused ones only.",
            ("verdict", "reason"),
        ),
        Definition(
            "casino_club_commit_batch_actions",
            "histogram",
            "Single actions that shared one transaction.",
            (),
            BATCH_BUCKETS,
        ),
        Definition(
            "casino_club_commit_batch_seconds",
            "histogram",
            "Time that a shared transaction took.",
            (),
            STEP_BUCKETS,
        ),
        Definition(
            "casino_club_consumer_pages_total", "counter", "Pages of the log that a consumer applied.", ("consumer",)
        ),
        Definition(
            "casino_club_consumer_rows_total", "counter", "Rows of the log that a consumer applied.", ("consumer",)
        ),
        Definition(
            "casino_club_consumer_failures_total", "counter", "Pages that failed and were tried again.", ("consumer",)
        ),
        Definition(
            "casino_club_consumer_parked_total", "counter", "Rows set aside because they kept failing.", ("consumer",)
        ),
        Definition(
            "casino_club_commit_to_applied_seconds",
            "histogram",
            "Time from the append of a log row until a consumer has applied it.",
            ("consumer",),
            APPLIED_BUCKETS,
        ),
        Definition(
            "casino_club_log_lag_rows", "sampled", "Rows of the log that a consumer has yet to apply.", ("consumer",)
        ),
        Definition(
            "casino_club_log_lag_seconds",
            "sampled",
            "Age of the oldest row that a consumer has yet to apply.",
            ("consumer",),
        ),
        Definition(
            "casino_club_log_silent_seconds",
            "sampled",
            "How long nobody has followed the log for a consumer, the relay among them. Alarm above 60.",
            ("consumer",),
        ),
        Definition(
            "casino_club_parked_rows",
            "sampled",
            "Rows that are set aside now because they kept failing. Alarm on anything above 0.",
            ("consumer",),
        ),
        Definition(
            "casino_club_warehouse_up",
            "sampled",
            "1 if the warehouse answers, else 0. Alarm on 0: actions wait in the log, and reports stand still.",
        ),
        Definition(
            "casino_club_disk_free_bytes", "sampled", "Free space for the data folder of the machine that is asked."
        ),
        Definition(
            "casino_club_disk_wanted_bytes",
            "sampled",
            "The free space below which `up` refuses to start. Alarm if less than four times as much is free.",
        ),
        Definition(
            "casino_club_erasure_waits_seconds",
            "sampled",
            "How long the erasure that is due the longest has waited for all stores; 0 if none is due.",
        ),
        Definition(
            "casino_club_ledger_violations",
            "sampled",
            "How often the last check of the ledger found an invariant broken. Alarm on anything but 0.",
            ("invariant",),
        ),
        Definition(
            "casino_club_tokens_differing_users",
            "sampled",
            "Users whose tokens did not add up, or not as the log says, when they were last reconciled. "
            "Alarm on anything but 0.",
        ),
        Definition(
            "casino_club_purchases_stuck",
            "sampled",
            "Purchases for which the payment provider has been asked in vain for ten minutes or more. "
            "Alarm on anything but 0.",
            ("state",),
        ),
        Definition("casino_club_job_runs_total", "counter", "Runs of a job by what became of them.", ("job", "result")),
        Definition("casino_club_job_seconds", "histogram", "Time that a run of a job took.", ("job",), JOB_BUCKETS),
        Definition(
            "casino_club_job_late_seconds",
            "histogram",
            "Time from a run's due time until a worker began it.",
            ("job",),
            JOB_BUCKETS,
        ),
        Definition(
            "casino_club_job_loop_blocked_total",
            "counter",
            "Times that a job blocked all jobs of its worker for seconds; the worker's log says where. Alarm on this.",
        ),
        Definition(
            "casino_club_job_last_success_timestamp_seconds",
            "sampled",
            "When a run of a job last ended well, in seconds since 1970.",
            ("job",),
        ),
        Definition(
            "casino_club_job_overdue_seconds",
            "sampled",
            "How long a run of the job waits to be begun, or to be written down; 0 if none does. Alarm on this.",
            ("job",),
        ),
        Definition(
            "casino_club_actions_in_flight", "gauge", "Actions that were read and whose transaction has not ended."
        ),
        Definition(
            "casino_club_conservation_open_minutes",
            "sampled",
            "Minutes whose actions are not accounted for a minute after they should be. Alarm on anything above 0.",
        ),
        Definition(
            "casino_club_conservation_difference",
            "sampled",
            "Actions missing or too many in those minutes, by the side that differs.",
            ("side",),
        ),
        Definition(
            "casino_club_odds_evidence_log10",
            "sampled",
            "Evidence against a product's declared odds, in powers of ten. Alarm from 3 on; at 6 the product rests.",
            ("product",),
        ),
        Definition(
            "casino_club_odds_paused", "sampled", "1 while a product rests, else 0. Alarm on this.", ("product",)
        ),
        Definition("casino_club_odds_unwatched_draws", "sampled", "Draws that the watch has yet to count."),
        Definition(
            "casino_club_collector_up",
            "sampled",
            "1 when the values of this collector could be computed for this scrape, else 0.",
            ("collector",),
        ),
    )
}


def _histogram(name: str) -> Histogram:
    row = METRICS[name]
    return Histogram(row.name, row.help, row.labels, buckets=row.buckets)


def _counter(name: str) -> Counter:
    row = METRICS[name]
    return Counter(row.name, row.help, row.labels)


def _gauge(name: str) -> Gauge:
    row = METRICS[name]
    return Gauge(row.name, row.help, row.labels, multiprocess_mode="livesum")


def _reserve_room(folder: str | None) -> None:
    """Make the files of shared counts with real room in them.

    They are mapped into memory, and made with holes: on a full disk, the first count in a hole would end the process.
    """
    if folder is None:
        return
    files = [Path(folder, f"{kind}_{os.getpid()}.db") for kind in ("counter", "histogram", "gauge_livesum")]
    try:
        for path in files:
            with path.open("ab") as file:
                os.posix_fallocate(file.fileno(), 0, SHARED_FILE_BYTES)
    except OSError:
        _count_alone(files)


def _count_alone(files: Sequence[Path]) -> None:
    """Without room a process counts by itself until it ends: nobody sees its counts, and its work goes on."""
    for path in files:
        path.unlink(missing_ok=True)  # Half a file would keep the counts of all the others from being read.
    values.ValueClass = values.MutexValue


_reserve_room(os.environ.get(SHARED_DIR_VARIABLE))  # Before the metrics below, which open these files as they are made.

HTTP_REQUEST_SECONDS: Final = _histogram("casino_club_http_request_seconds")
HTTP_REQUESTS_IN_FLIGHT: Final = _gauge("casino_club_http_requests_in_flight")
ACTIONS: Final = _counter("casino_club_actions_total")
ACTIONS_IN_FLIGHT: Final = _gauge("casino_club_actions_in_flight")
COMMIT_BATCH_ACTIONS: Final = _histogram("casino_club_commit_batch_actions")
COMMIT_BATCH_SECONDS: Final = _histogram("casino_club_commit_batch_seconds")
CONSUMER_PAGES: Final = _counter("casino_club_consumer_pages_total")
CONSUMER_ROWS: Final = _counter("casino_club_consumer_rows_total")
CONSUMER_FAILURES: Final = _counter("casino_club_consumer_failures_total")
CONSUMER_PARKED: Final = _counter("casino_club_consumer_parked_total")
COMMIT_TO_APPLIED_SECONDS: Final = _histogram("casino_club_commit_to_applied_seconds")
JOB_RUNS: Final = _counter("casino_club_job_runs_total")
JOB_SECONDS: Final = _histogram("casino_club_job_seconds")
JOB_LOOP_BLOCKED: Final = _counter("casino_club_job_loop_blocked_total")
JOB_LATE_SECONDS: Final = _histogram("casino_club_job_late_seconds")


def sample(name: str, values: Mapping[tuple[str, ...], float]) -> GaugeMetricFamily:
    """A `sampled` metric with the values it has now, by its labels in the table's order."""
    row = METRICS[name]
    assert row.kind == "sampled", name
    family = GaugeMetricFamily(row.name, row.help, labels=row.labels)
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family


def share(folder: Path) -> None:
    """Make the folder anew: what earlier processes counted ended with them."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)


def serve_metrics(host: str, port: int | None) -> None:
    """Serve this process's metrics on a port of their own, where one is named and no API shows them.

    Processes that share a folder leave it to the API of their machine.
    """
    if port is None or SHARED_DIR_VARIABLE in os.environ:
        return
    try:
        start_http_server(port, host)
    except OSError as error:
        raise Unusable(f"CASINO_CLUB_METRICS_PORT: {host}:{port} can't be used ({error.strerror}).") from error


def machine_registry() -> CollectorRegistry:
    """Counts of all processes of this machine where they share a folder, otherwise those of this process."""
    folder = os.environ.get(SHARED_DIR_VARIABLE)
    if folder is None:
        return REGISTRY
    _forget_dead_processes(Path(folder))
    registry = CollectorRegistry()
    MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]  # prometheus_client types it partly
    return registry


def now_of(name: str) -> float:
    """What a gauge without labels reads, over all processes of this machine."""
    return sum(
        sample.value for family in machine_registry().collect() if family.name == name for sample in family.samples
    )


def _forget_dead_processes(folder: Path) -> None:
    # What a killed process had in flight is gone with it; its counters and histograms stay counted.
    for process_id in _process_ids(folder.glob("gauge_live*_*.db")):
        if not _is_running(process_id):
            mark_process_dead(process_id, str(folder))  # type: ignore[no-untyped-call]  # as above


def _is_running(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _process_ids(files: Iterable[Path]) -> set[int]:
    return {int(text) for file in files if (text := file.stem.rpartition("_")[2]).isdigit()}
