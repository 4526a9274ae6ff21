"""What `import` says at its end."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import typer

from casino_club.entry.cli.printing import moment, print_table, several
from casino_club.features.actions.rules.import_report import ImportReport


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of one file."""

    file: str
    source: str
    is_dry_run: bool
    report: ImportReport
    refused_file: str | None
    seconds: float
    rows_before: int = 0
    """So many rows of it were done by an earlier call."""

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        report = msgspec.structs.asdict(self.report)
        del report["least_hashes"]
        return {
            "file": self.file,
            "source": self.source,
            "dry_run": self.is_dry_run,
            **report,
            "refused_rows": self.report.refused_rows,
            "refused_file": self.refused_file,
            "users": self.report.users,
            "users_are_counted": self.report.users_are_counted,
            "seconds": round(self.seconds, 3),
        }


def print_imported(imported: Sequence[Imported]) -> None:
    """For people, file by file."""
    for each in imported:
        _print_one(each)


def _pace(imported: Imported) -> str:
    """How fast this call was, whatever earlier ones did."""
    rows = imported.report.rows - imported.rows_before
    if imported.rows_before and not rows:
        return ""
    these = f", {rows:,} of them now," if imported.rows_before else ""
    speed = f" ({rows / imported.seconds:,.0f}/s)" if imported.seconds else ""
    return f"{these} in {imported.seconds:.1f} s{speed}"


def _print_one(imported: Imported) -> None:
    report = imported.report
    would = "would be " if imported.is_dry_run else ""
    typer.echo(f"{imported.file}: {several(report.rows, 'row', 'rows')}{_pace(imported)}")
    refused = f" They are in {imported.refused_file}." if imported.refused_file else ""
    typer.echo(
        f"{report.accepted:,} {would}accepted, {report.duplicate:,} known already, "
        f"{report.refused_rows:,} {would}refused.{refused}"
    )
    if report.first_at and report.last_at:
        about = "" if report.users_are_counted else "about "
        users = several(report.users, "user", "users")
        typer.echo(f"From {moment(report.first_at)} to {moment(report.last_at)}, {about}{users}.")
    if report.types:
        common = sorted(report.types.items(), key=lambda each: -each[1])
        typer.echo("Types: " + ", ".join(f"{name} {count:,}" for name, count in common) + ".")
    if report.refused:
        rows = [
            (code, f"{reason.rows:,}", f"line {example.line:,}", example.message)
            for code, reason in sorted(report.refused.items(), key=lambda each: -each[1].rows)
            for example in reason.examples[:1]
        ]
        print_table(("Refused as", "Rows", "Such as", "Why"), rows, empty="")
