"""Proofs and tables are looked at without any server."""

import json
from pathlib import Path

import pytest

from tests.builders import odds
from tests.builders.odds import a_table, as_json
from tests.builders.proofs import proofs
from tests.entry.cli.calling import Club

OFFLINE = Club({})


@pytest.fixture
def proof(tmp_path: Path) -> Path:
    path = tmp_path / "proof.json"
    [text] = proofs([a_table(odds.wager())], 1, seed=1)
    path.write_text(text + "\n")
    return path


def written(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return str(path)


def change(path: Path, **fields: object) -> None:
    told = json.loads(path.read_text())
    path.write_text(json.dumps({**told, **fields}, separators=(",", ":"), ensure_ascii=False))


async def test_a_genuine_proof_is_called_genuine(proof: Path) -> None:
    said, as_program = (
        await OFFLINE.call("odds", "verify", str(proof)),
        await OFFLINE.call("odds", "verify", str(proof), "--json"),
    )

    assert said.code == as_program.code == 0
    assert said.stdout.splitlines()[-1] == "This proof is genuine."
    assert as_program.json["is_genuine"]


async def test_what_does_not_hold_is_named(proof: Path) -> None:
    change(proof, nonce=1)

    said = await OFFLINE.call("odds", "verify", str(proof))

    assert said.code == 1
    assert "FAILS  receipt" in said.stdout
    assert said.stdout.splitlines()[-1] == "This proof is NOT genuine."


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe", b"[" * 100_000, b"1" * 600_000])
async def test_what_is_no_proof_is_said_to_be_none(proof: Path, content: bytes) -> None:
    said = await OFFLINE.call("odds", "verify", written(proof, content), "--json")

    assert said.code == 1
    assert [check["name"] for check in said.json["checks"]] == ["form"]


async def test_a_table_is_computed_before_it_is_approved(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    path.write_text(as_json(odds.slot()))

    said, page = (
        await OFFLINE.call("odds", "check", str(path)),
        await OFFLINE.call("odds", "check", str(path), "--json"),
    )

    assert a_table(odds.slot()).digest in said.stdout
    assert page.json["rtp"]["fraction"] in said.stdout


async def test_a_table_that_does_not_hold_together_is_refused_with_what_to_mend(tmp_path: Path) -> None:
    path = written(tmp_path / "table.json", as_json(odds.prizes((1, [0, 0, 0]))).encode())

    said = await OFFLINE.call("odds", "check", path)

    assert said.code == 1
    assert "the weights of phase 1 add up to 0" in said.stderr
