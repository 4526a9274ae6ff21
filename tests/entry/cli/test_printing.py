"""What commands print reaches whoever reads it, on terminals and elsewhere."""

import os
import pty
import subprocess
import sys

import pytest

from casino_club.entry.cli.printing import print_table

NOTE_BESIDE_A_BAR = """
from casino_club.entry.cli.printing import note
from casino_club.entry.cli.progress import row_bar
with row_bar("import", shows=True) as moved:
    note("goes on behind line 7.")
    moved.to(8, share=0.5)
"""
ERASED = "\x1b[2K"


def test_a_long_cell_is_folded_and_never_cut(capsys: pytest.CaptureFixture[str]) -> None:
    digest = "0123456789abcdef" * 12

    print_table(("Day", "SHA-256"), [("2026-11-20", digest)], empty="")

    words = capsys.readouterr().out.split()
    assert "".join(words[3:]) == digest


def test_a_note_beside_a_bar_has_a_line_of_its_own() -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm"}
    subprocess.run([sys.executable, "-c", NOTE_BESIDE_A_BAR], stderr=theirs, env=environment, check=True)
    os.close(theirs)

    shown = os.read(ours, 65_536).decode()

    assert f"{ERASED}goes on behind line 7.\r\n" in shown
