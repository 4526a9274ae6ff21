"""The reference pages, made from the objects that they describe. `make gen` writes them; a test compares them."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final, Literal, get_args, get_origin

from annotated_types import Ge, Le, MinLen
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from casino_club.entry.wiring import erasers, exporters, jobs, load_tracking_plan, rows_kept, subscriptions
from casino_club.features.actions.rules.plan import FieldRule, TypeRule, described
from casino_club.infra.backends.parquet import SCHEMA
from casino_club.infra.jobs.job import CatchUp, Job
from casino_club.infra.settings import Settings
from casino_club.infra.telemetry.metrics import METRICS

FOLDER: Final = Path("docs/reference")

# What the machine decides can't be read from the code; these words stand in for it.
COMPUTED_DEFAULTS: Final = {"data_dir": "`casino-club` in `$XDG_DATA_HOME`, else in `~/.local/share`"}

CATCH_UP: Final = {
    CatchUp.EVERY: "each is caught up, the last {} at most",
    CatchUp.LATEST: "one run for all",
    CatchUp.NONE: "left out",
}

KINDS: Final[dict[object, str]] = {
    int: "whole number",
    bool: "true or false",
    str: "text",
    Path: "path",
    SecretStr: "secret",
}


def pages() -> dict[str, str]:
    """Every page by its file name."""
    return {
        "settings.md": settings_page(),
        "actions.md": actions_page(),
        "jobs.md": jobs_page(),
        "privacy.md": privacy_page(),
        "archive.md": archive_page(),
        "metrics.md": metrics_page(),
    }


def settings_page() -> str:
    """Each setting with its variable, what it may be, and its default."""
    prefix = Settings.model_config.get("env_prefix", "").upper()
    rows = [
        (f"`{prefix}{name.upper()}`", _allowed(field), _default(name, field), field.description or "")
        for name, field in Settings.model_fields.items()
    ]
    return _page(
        "Settings",
        "Environment variables, read once at the start. A value outside its bounds stops it there, with a sentence.",
        _table(("Variable", "Value", "Default", "What it does"), rows),
    )


def actions_page() -> str:
    """Each action type with who may send it, and what its metadata holds."""
    plan = load_tracking_plan(None)
    rows = [
        (f"`{name}`", rule.about, rule.initiated_by, "yes" if rule.is_play else "–", _senders(rule))
        for name, rule in plan.types.items()
    ]
    return _page(
        "Actions",
        f"The tracking plan that ships with the platform, version {plan.version}. "
        "Your own types go into a file of the same form, named by `CASINO_CLUB_TRACKING_PLAN`.",
        _table(("Type", "What happened", "Initiated by", "Play", "Who may send it"), rows),
        "## Metadata",
        "Fields that a type does not name are kept as they are.",
        *(f"### {name}\n\n{_fields(rule)}" for name, rule in plan.types.items() if rule.metadata),
    )


def jobs_page() -> str:
    """Each reader of the log with its kind, and what it is given; each job with its interval."""
    followers = [
        (f"`{each.name}`", each.kind, _codes(sorted(each.types)) or "all", _codes(each.hot_names) or "–", each.about)
        for each in sorted(subscriptions(), key=lambda each: each.name)
    ]
    timed = [
        (f"`{each.name}`", _times(each), CATCH_UP[each.catch_up].format(each.catch_up_max), _retries(each), each.about)
        for each in sorted(jobs(), key=lambda each: each.name)
    ]
    return _page(
        "Jobs",
        "What runs because of the log, and because time passes.",
        "## By the log",
        "Run by the consumer. A *projection* may be rebuilt at any time; a *reaction* acts once per row.",
        _table(("Name", "Kind", "Action types", "Hot metrics", "What it does"), followers),
        "## By the clock",
        "Written down by the scheduler and run by workers, one run of a job at a time. Intervals are counted from "
        "1970, times of day in the operator's zone. A run that was cut short is taken up again; one that fails is "
        "tried again by itself, after a pause that doubles each time. Then it stays failed until staff retry it, and "
        "the next due time is another try.",
        _table(("Name", "Due", "Due times missed", "Tried again", "What it does"), timed),
    )


def _retries(each: Job) -> str:
    times, after = each.retries.times, each.retries.after
    return f"{times} times, first after {after.total_seconds():g} s" if times else "never"


def privacy_page() -> str:
    """Each eraser, what stays, and each file of an export."""
    return _page(
        "Privacy",
        "What becomes of a user's data when they go, and what they are given when they ask for it. "
        "[The page for operators](../privacy.md) explains both.",
        "## Erasers",
        "Each confirms on the receipt of an erasure, in this order, behind `journal`.",
        _table(("Store", "What is taken away"), [(f"`{each.name}`", each.about) for each in erasers()]),
        "## What stays",
        _table(("Rows", "Why"), [(f"`{each.name}`", each.about) for each in rows_kept()]),
        "## Files of an export",
        _table(("File", "What it holds"), [(f"`{each.name}.json`", each.about) for each in exporters()]),
    )


def archive_page() -> str:
    """Each column of the files that partitions are exported to."""
    rows = [
        (f"`{field.name}`", f"`{field.type}`", "yes" if field.nullable else "–", field.metadata[b"about"].decode())
        for field in SCHEMA
    ]
    return _page(
        "Archive",
        "Partitions of the log that are too old or too many become Parquet files, compressed with zstd, in the folder "
        "`CASINO_CLUB_LOG_ARCHIVE_DIR`, and leave the table. A replay reads them before the table, so keep them; they "
        "can be moved, all together.",
        _table(("Column", "Type", "May be null", "What it holds"), rows),
    )


def metrics_page() -> str:
    """Each metric with its kind and its labels."""
    rows = [(f"`{metric.name}`", metric.kind, _codes(metric.labels) or "–", metric.help) for metric in METRICS.values()]
    return _page(
        "Metrics",
        "Served at `/metrics` in the Prometheus text format. A *sampled* metric is computed when it is scraped.",
        _table(("Name", "Kind", "Labels", "What it counts"), rows),
    )


def write(folder: Path) -> None:
    """Every page, into this folder."""
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


def _page(title: str, purpose: str, *parts: str) -> str:
    return "\n\n".join([f"# {title}", purpose, *parts, "*Made from the code by `make gen`.*"]) + "\n"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _times(job: Job) -> str:
    return f"daily at {job.daily_at:%H:%M}" if job.every is None else f"every {_interval(job.every)}"


def _interval(every: timedelta) -> str:
    seconds = round(every.total_seconds())
    for name, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds % length == 0:
            return name if seconds == length else f"{seconds // length} {name}s"
    return f"{seconds} seconds"


def _codes(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _senders(rule: TypeRule) -> str:
    words = {"client": "the user's app", "service": "service keys"}
    return ", ".join(words[sender] for sender in rule.senders) or "the platform only"


def _fields(rule: TypeRule) -> str:
    rows = [
        (f"`{name}`", described(field), "yes" if field.required else "–", _about(field))
        for name, field in rule.metadata.items()
    ]
    return _table(("Field", "Holds", "Required", "About"), rows)


def _about(field: FieldRule) -> str:
    return f"{field.about} Only the platform says it." if field.platform_only else field.about


def _allowed(field: FieldInfo) -> str:
    kind = next((part for part in get_args(field.annotation) if part is not type(None)), field.annotation)
    if get_origin(field.annotation) is Literal:
        return " or ".join(f"`{value}`" for value in get_args(field.annotation))
    assert kind in KINDS, f"say in words what a {kind} is"
    return f"{KINDS[kind]}{_bounds(field)}"


def _bounds(field: FieldInfo) -> str:
    least = next((mark.ge for mark in field.metadata if isinstance(mark, Ge)), None)
    most = next((mark.le for mark in field.metadata if isinstance(mark, Le)), None)
    length = next((mark.min_length for mark in field.metadata if isinstance(mark, MinLen)), None)
    if length is not None:
        return f", {length} characters or more"
    if least is None:
        return ""
    return f", {least} or more" if most is None else f", {least} to {most}"


def _default(name: str, field: FieldInfo) -> str:
    if field.default_factory is not None:
        return COMPUTED_DEFAULTS[name]
    return "–" if field.default is None else f"`{field.default}`"


if __name__ == "__main__":
    write(FOLDER)
