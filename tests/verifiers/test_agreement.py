"""Two verifiers that share no line, one in Python and one in JavaScript, say the same of every proof.

JavaScript takes part where CASINO_CLUB_TEST_PROOFS says how many proofs they shall look at; `make test-verifiers` does.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from casino_club.features.odds.rules.proofs import verify
from casino_club.features.odds.rules.shipped import shipped_tables
from casino_club.features.odds.rules.tables import OddsTable
from casino_club.kernel.canonical import canonical_text
from tests.builders import odds
from tests.builders.odds import a_table
from tests.builders.proofs import proofs
from tests.features.odds.test_proofs_page import block

SEED = 20261120
ASKED = os.environ.get("CASINO_CLUB_TEST_PROOFS", "")
PROOFS = int(ASKED or 300)
FLIPPED_WHOLLY = 3
SECONDS_MAX = 1_800

with_node = pytest.mark.skipif(not ASKED, reason="needs Node; make test-verifiers runs it")


def tables() -> list[OddsTable]:
    """Of every kind, shipped ones and small ones. The wheel with its 157 bets is one of many, since it is long."""
    small = [odds.prizes(), odds.with_pity(), odds.wager(), odds.slot(), odds.cells()]
    return [*shipped_tables(), *(a_table(value) for value in small * 4)]


def small_tables() -> list[OddsTable]:
    return [a_table(value) for value in (odds.wager(), odds.with_pity(), odds.slot())]


def is_genuine(content: bytes) -> bool:
    return all(check.holds for check in verify(content))


def flipped(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def in_javascript(path: Path, *options: str) -> dict[str, int]:
    script = Path(__file__).with_name("verify_lines.mjs")
    with path.open("rb") as lines:
        done = subprocess.run(
            ["node", str(script), *options], stdin=lines, capture_output=True, check=True, timeout=SECONDS_MAX
        )
    found: dict[str, int] = json.loads(done.stdout)
    return found


def with_each_bit_flipped(content: bytes) -> Iterator[bytes]:
    return (flipped(content, bit) for bit in range(len(content) * 8))


@pytest.mark.timeout(SECONDS_MAX)
def test_every_proof_is_genuine_and_with_one_bit_flipped_none_is() -> None:
    for number, text in enumerate(proofs(tables(), PROOFS, seed=SEED)):
        content = text.encode()
        assert is_genuine(content), text
        assert not is_genuine(flipped(content, number * 7919 % (len(content) * 8))), text


def test_every_single_bit_of_a_proof_counts() -> None:
    [text] = proofs(small_tables()[:1], 1, seed=SEED)

    assert is_genuine(text.encode())
    assert not any(map(is_genuine, with_each_bit_flipped(text.encode())))


@with_node
@pytest.mark.timeout(SECONDS_MAX)
def test_javascript_says_the_same_of_every_proof(tmp_path: Path) -> None:
    path = tmp_path / "proofs"
    with path.open("w") as lines:
        lines.writelines(f"{text}\n" for text in proofs(tables(), PROOFS, seed=SEED))

    assert in_javascript(path) == {"proofs": PROOFS, "genuine": PROOFS, "flips": PROOFS, "caught": PROOFS}


@with_node
@pytest.mark.timeout(SECONDS_MAX)
def test_javascript_catches_every_single_bit(tmp_path: Path) -> None:
    path = tmp_path / "proofs"
    texts = list(proofs(small_tables(), FLIPPED_WHOLLY, seed=SEED))
    path.write_text("".join(f"{text}\n" for text in texts))
    bits = sum(len(text.encode()) * 8 for text in texts)

    found = in_javascript(path, "--every-bit")

    assert found == {"proofs": FLIPPED_WHOLLY, "genuine": FLIPPED_WHOLLY, "flips": bits, "caught": bits}


@with_node
def test_javascript_finds_the_pages_proof_genuine(tmp_path: Path) -> None:
    path = tmp_path / "proofs"
    path.write_text(block("proof") + "\n")

    assert in_javascript(path)["genuine"] == 1


@with_node
def test_a_proof_that_lies_is_caught_by_both(tmp_path: Path) -> None:
    path = tmp_path / "proofs"
    lies = [lie for text in proofs(small_tables(), 20, seed=SEED) for lie in lies_about(text)]
    path.write_text("".join(f"{lie}\n" for lie in lies))

    assert not any(is_genuine(lie.encode()) for lie in lies)
    assert in_javascript(path)["genuine"] == 0


def lies_about(text: str) -> Iterator[str]:
    """What a house could write instead, and a user could."""
    proof = json.loads(text)
    changes = (
        {"nonce": proof["nonce"] - 1},
        {"client_seed": "another"},
        {"server_seed": "00" * 32},
        {"state": proof["state"] + 1},
        {"outcome": {**proof["outcome"], "returned": proof["outcome"]["returned"] + 10}},
        {"table": {**proof["table"], "product": "another"}},
        {"receipt": "00" * 32},
        {"stops": [0] * 5},
        {"more": 1},
    )
    yield from (canonical_text({**proof, **change}) for change in changes)
    yield json.dumps(proof)
