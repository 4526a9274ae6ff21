"""The page on proofs says what holds: its vectors are computed here by nothing but the standard library."""

import hashlib
import hmac
import json
import re
from pathlib import Path
from typing import Any

from casino_club.features.odds.rules.proofs import FORMAT, verify
from casino_club.features.odds.rules.seeds import Seeded, commitment_hash, concealed, salt_of, seed_hash
from casino_club.features.odds.rules.wheels import wheel_of
from casino_club.kernel.fields import fields

PAGE = (Path(__file__).parents[3] / "docs/odds-proofs.md").read_text(encoding="utf-8")


def block(name: str) -> str:
    found = re.search(rf"^```json {name}\n(.*?)\n```$", PAGE, re.DOTALL | re.MULTILINE)
    assert found, name
    return found[1]


VECTORS: dict[str, Any] = json.loads(block("vectors"))


def joined(*texts: object) -> bytes:
    """Fields, as the page says them."""
    encoded = [str(text).encode() for text in texts]
    return b"".join(len(each).to_bytes(4, "big") + each for each in encoded)


def test_fields_and_the_seed_hash_are_as_written() -> None:
    assert fields(*VECTORS["fields"]["of"]).hex() == joined(*VECTORS["fields"]["of"]).hex() == VECTORS["fields"]["hex"]
    seed = bytes.fromhex(VECTORS["seed"]["server_seed"])
    assert seed_hash(seed) == hashlib.sha256(seed).hexdigest() == VECTORS["seed"]["seed_hash"]


def test_words_are_as_written() -> None:
    told = VECTORS["words"]
    seed, about = bytes.fromhex(told["server_seed"]), (told["commit_id"], told["client_seed"])
    blocks = [
        hmac.digest(seed, joined("casino-club/odds-draw/1", *about, told["nonce"], told["table_digest"], n), "sha256")
        for n in (0, 1)
    ]

    words = Seeded(seed, commit_id=about[0], client_seed=about[1]).words(told["nonce"], told["table_digest"])

    drawn = [f"{next(words):016x}" for _ in range(5)]
    assert drawn == told["first_five"] == re.findall("." * 16, b"".join(blocks).hex())[:5]


def test_stops_are_as_written() -> None:
    stop, over = VECTORS["stop"], VECTORS["passed_over"]

    assert wheel_of(stop["weights"]).place_of(int(stop["word"], 16)) == stop["place"] == int(stop["word"], 16) % 3
    assert wheel_of(over["weights"]).place_of(int(over["word"], 16)) is None


def test_commitments_and_concealed_moves_are_as_written() -> None:
    told, move = VECTORS["commitment"], VECTORS["move"]
    said = {name: held for name, held in told.items() if name != "hash"}
    by_hand = hashlib.sha256(joined("casino-club/odds-commitment/1", *said.values())).hexdigest()

    assert commitment_hash(**said) == by_hand == told["hash"]
    assert concealed(move["move"], move["salt"]) == move["concealed"]
    assert hashlib.sha256(joined("casino-club/odds-move/1", "rock", "9f2c")).hexdigest() == move["concealed"]


def test_the_salt_of_a_hidden_move_is_as_written() -> None:
    told = VECTORS["salt"]
    said = {name: told[name] for name in ("commit_id", "client_seed", "nonce", "table_digest")}
    message = joined("casino-club/odds-salt/1", *said.values())
    seed = bytes.fromhex(told["server_seed"])

    assert salt_of(seed, **said) == hmac.new(seed, message, "sha256").hexdigest() == told["salt"]


def test_the_pages_proof_is_genuine() -> None:
    checks = verify(block("proof").encode())

    assert [check.name for check in checks] == ["form", "seed", "table", "receipt", "draw", "outcome"]
    assert all(check.holds for check in checks)
    assert FORMAT in PAGE
