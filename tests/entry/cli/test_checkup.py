"""The doctor's checks as functions: each finds its fault, and none where there is none."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from casino_club.entry.cli.checkup import CHECKS, applicable, check_up
from casino_club.entry.cli.findings import Folder, Gathered, ProviderLook, State
from casino_club.entry.standing import DatabaseLook, HotLook, LogLook, Look
from casino_club.entry.warehouse_standing import WarehouseLook
from casino_club.features.operations.rules import Minute, Standing
from casino_club.infra.db.facts import DatabaseFacts
from casino_club.infra.jobs.runs import State as RunState
from casino_club.infra.jobs.timetable import JobStanding
from casino_club.infra.jobs.upkeep import make_room
from casino_club.infra.log.lag import Holder, Lag
from casino_club.infra.log.room import Room
from casino_club.infra.ports import HotFacts, TopicFacts
from casino_club.infra.settings import Settings
from tests.builders.jobs import a_run

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=9)
SETTINGS = Settings.model_validate({"disk_free_mb_min": 100, "log_partition_rows": 1_000})
POSTGRESQL_SETTINGS = {
    **dict.fromkeys(("fsync", "synchronous_commit", "full_page_writes"), "on"),
    **dict.fromkeys(("transaction_timeout", "idle_in_transaction_session_timeout"), "60000"),
}
LOG = LogLook(
    readers=[Lag("hot", 0, 0, 0.0, NOW)],
    moves={"hot": 5},
    rebuilds={},
    holder=None,
    room=Room(3, 10, 4_000),
    parked={},
    refused_open=0,
    erasure_waits_seconds=0.0,
    conservation=Standing(NOW, NOW, []),
)
DATABASE = DatabaseLook(0.001, DatabaseFacts("18.1", 180_001, POSTGRESQL_SETTINGS, 0.002), LOG)
A_MINUTE = Minute(NOW - timedelta(minutes=9), NOW - timedelta(minutes=9), received=2, accepted=2, stored=1)
HOT = HotLook(0.001, HotFacts("9.1", survives_restart=True, when_full="noeviction"), {"hot": 5})
TOPIC = TopicFacts(0.002, 3, "user_actions", 6, 3, 3, 2, 7.0, None)
WELL = Gathered(
    python=(3, 12, 1),
    packages={"typer": ("0.29", "0.29.1")},
    settings=SETTINGS,
    folder=Folder(exists=True, problem=None, free_mb=5_000),
    look=Look(NOW, Path("data"), True, [], DATABASE, HOT, warehouse=WarehouseLook(0.001, 1)),
    pending_migrations=[],
    subscribed=["hot"],
    ready_status=200,
    providers=[ProviderLook("acme", None)],
    topic=TOPIC,
)


def with_look(**changes: Any) -> Gathered:
    assert WELL.look is not None
    return replace(WELL, look=replace(WELL.look, **changes))


def with_log(**changes: Any) -> Gathered:
    return with_look(database=replace(DATABASE, log=replace(LOG, **changes)))


def with_facts(**changes: Any) -> Gathered:
    return with_look(database=replace(DATABASE, facts=replace(DATABASE.facts, **changes)))


def with_hot(**changes: Any) -> Gathered:
    return with_look(hot=replace(HOT, facts=replace(HOT.facts, **changes)))


def with_job(**changes: Any) -> Gathered:
    standing = JobStanding(make_room, None, NOW, 0.0, None, None)
    return with_look(database=replace(DATABASE, jobs=[standing._replace(**changes)]))


def with_settings(**changes: Any) -> Gathered:
    return replace(WELL, settings=SETTINGS.model_copy(update=changes))


def with_topic(**changes: Any) -> Gathered:
    return replace(WELL, topic=replace(TOPIC, **changes))


def with_folder(**changes: Any) -> Gathered:
    assert WELL.folder is not None
    return replace(WELL, folder=replace(WELL.folder, **changes))


def turned_off(name: str, value: str) -> Gathered:
    return with_facts(settings={**POSTGRESQL_SETTINGS, name: value})


ILLS: list[tuple[str, State, Callable[[], Gathered]]] = [
    ("Python", State.FAILURE, lambda: replace(WELL, python=(3, 10, 9))),
    ("Packages", State.FAILURE, lambda: replace(WELL, packages={"typer": ("0.29", None)})),
    ("Packages", State.FAILURE, lambda: replace(WELL, packages={"typer": ("0.29", "0.9.3")})),
    ("Settings", State.FAILURE, lambda: replace(WELL, settings_problems=["CASINO_CLUB_PORT: too large"])),
    ("Senders", State.WARNING, lambda: with_settings(host="0.0.0.0")),
    ("Senders", State.WARNING, lambda: with_settings(host="::")),
    ("Senders", State.WARNING, lambda: with_settings(host="casino.example")),
    ("Age verifier", State.WARNING, lambda: with_settings(mode="cluster", age_verifier="sandbox")),
    ("Payment provider", State.WARNING, lambda: with_settings(mode="cluster", payment_provider="sandbox")),
    ("Data folder", State.FAILURE, lambda: with_folder(problem="can't be written")),
    ("Data folder", State.WARNING, lambda: with_folder(exists=False)),
    ("Free space", State.FAILURE, lambda: with_folder(free_mb=99)),
    ("Free space", State.WARNING, lambda: with_folder(free_mb=399)),
    ("PostgreSQL", State.FAILURE, lambda: with_look(database="It does not answer; start it.")),
    ("PostgreSQL version", State.FAILURE, lambda: with_facts(version_number=170_006)),
    ("Durability", State.FAILURE, lambda: turned_off("fsync", "off")),
    ("Durability", State.FAILURE, lambda: turned_off("synchronous_commit", "off")),
    ("Durability", State.FAILURE, lambda: turned_off("full_page_writes", "off")),
    ("Timeouts", State.WARNING, lambda: turned_off("transaction_timeout", "0")),
    ("Timeouts", State.WARNING, lambda: turned_off("idle_in_transaction_session_timeout", "0")),
    ("Schema", State.FAILURE, lambda: replace(WELL, pending_migrations=["2026_11_20_the_log"])),
    ("Clock", State.FAILURE, lambda: with_facts(clock_ahead_seconds=1.0)),
    ("Clock", State.FAILURE, lambda: with_facts(clock_ahead_seconds=-1.5)),
    ("Redis", State.FAILURE, lambda: with_look(hot="Redis does not answer; start it.")),
    ("Redis persistence", State.FAILURE, lambda: with_hot(survives_restart=False)),
    ("Redis persistence", State.WARNING, lambda: with_hot(survives_restart=None)),
    ("Redis when full", State.FAILURE, lambda: with_hot(when_full="allkeys-lru")),
    ("Kafka", State.FAILURE, lambda: replace(WELL, topic="Kafka does not answer; start it.")),
    ("Transactions of Kafka", State.FAILURE, lambda: with_topic(why_no_transactions="not allowed")),
    ("Topic", State.FAILURE, lambda: with_topic(partitions=0)),
    ("Topic", State.WARNING, lambda: with_topic(in_sync=2)),
    ("Topic", State.WARNING, lambda: with_topic(copies=1, in_sync=1)),
    ("Topic", State.WARNING, lambda: with_topic(in_sync_min=1)),
    ("Topic's memory", State.WARNING, lambda: with_topic(retention_days=0.5)),
    ("Partitions", State.FAILURE, lambda: with_log(room=Room(1, 1_000, 1_001))),
    ("Partitions", State.WARNING, lambda: with_log(room=Room(1, 500, 1_001))),
    ("Positions", State.FAILURE, lambda: with_log(moves={})),
    ("Left-over positions", State.WARNING, lambda: with_log(readers=[*LOG.readers, Lag("gone", 0, 9, 9e9, LONG_AGO)])),
    ("Readers", State.FAILURE, lambda: with_log(readers=[Lag("hot", 0, 0, 0.0, NOW - timedelta(minutes=2))])),
    ("Readers", State.WARNING, lambda: with_log(readers=[Lag("hot", 0, 9, 31.0, NOW)])),
    ("Hot values", State.FAILURE, lambda: with_look(hot=replace(HOT, marks={"hot": 4}))),
    ("Hot values", State.FAILURE, lambda: with_look(hot=replace(HOT, marks={"hot": None}))),
    ("Parked rows", State.WARNING, lambda: with_log(parked={"hot": 2})),
    ("Conservation", State.FAILURE, lambda: with_log(conservation=Standing(NOW, NOW, [A_MINUTE]))),
    ("Conservation", State.FAILURE, lambda: with_log(conservation=Standing(NOW, LONG_AGO, []))),
    ("Transactions", State.WARNING, lambda: with_log(holder=Holder(1, "loader", 9.0, "active"))),
    ("Jobs", State.FAILURE, lambda: with_job(overdue_seconds=61.0)),
    ("Jobs", State.WARNING, lambda: with_job(last_run=a_run()._replace(state=RunState.FAILED))),
    ("Identity providers", State.FAILURE, lambda: replace(WELL, providers="the file can't be used")),
    ("Identity providers", State.FAILURE, lambda: replace(WELL, providers=[ProviderLook("acme", "no S256")])),
    ("Identity providers", State.WARNING, lambda: replace(WELL, providers=[ProviderLook("a", None, names_s256=False)])),
    ("Warehouse", State.WARNING, lambda: with_look(warehouse="It does not answer; start it.")),
    ("Warehouse", State.WARNING, lambda: with_look(warehouse=WarehouseLook(0.001, None))),
    ("Warehouse's tables", State.FAILURE, lambda: with_look(warehouse=WarehouseLook(0.001, 1, ["tables_0002.sql"]))),
    ("HTTP", State.FAILURE, lambda: replace(WELL, ready_status=None)),
    ("HTTP", State.FAILURE, lambda: replace(WELL, ready_status=503)),
]


def test_where_all_is_well_every_check_says_so() -> None:
    findings = check_up(WELL)

    assert len(findings) == len(CHECKS)
    assert {finding.state for finding in findings} == {State.OK}
    assert all(finding.mend is None for finding in findings)


@pytest.mark.parametrize(("check", "state", "make"), ILLS, ids=[f"{check}-{i}" for i, (check, _, _) in enumerate(ILLS)])
def test_an_ill_is_found_by_its_check_alone_with_what_to_do(
    check: str, state: State, make: Callable[[], Gathered]
) -> None:
    [found] = [finding for finding in check_up(make()) if finding.state is not State.OK]

    assert (found.check, found.state) == (check, state)
    assert found.mend
    assert "\n" not in found.found + found.mend


def test_every_check_has_an_ill_that_it_finds() -> None:
    assert {finding.check for finding in check_up(WELL)} == {check for check, _, _ in ILLS}


@pytest.mark.parametrize(
    "changes",
    [
        {"host": "0.0.0.0", "proxies_in_front": 1},
        {"host": "localhost"},
        {"host": "::1"},
        {"age_verifier": "sandbox"},
        {"payment_provider": "sandbox"},
    ],
)
def test_what_is_meant_so_is_no_ill(changes: dict[str, Any]) -> None:
    assert {finding.state for finding in check_up(with_settings(**changes))} == {State.OK}


def test_a_rebuild_that_lags_is_no_ill() -> None:
    readers = [*LOG.readers, Lag("hot", 1, 100_000, 9_999.0, NOW - timedelta(hours=1))]

    assert {finding.state for finding in check_up(with_log(readers=readers))} == {State.OK}


def test_where_the_table_is_read_nothing_is_asked_of_kafka() -> None:
    embedded = replace(WELL, topic=None)

    assert len(check_up(embedded)) == len(applicable(embedded)) == len(CHECKS) - 4


def test_without_settings_only_what_needs_none_is_checked() -> None:
    findings = check_up(Gathered((3, 11, 0), {}, None, ["CASINO_CLUB_PORT: too large"]))

    assert [finding.check for finding in findings] == ["Python", "Packages", "Settings"]
