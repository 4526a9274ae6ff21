"""The proof of a draw: all that is needed to draw it again, offline, and to see that nothing was altered since."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from casino_club.features.odds.rules.outcomes import BETS_MAX, Bet, Outcome, check_bets, outcome_of
from casino_club.features.odds.rules.seeds import CLIENT_SEED, Seeded, receipt_of, seed_hash
from casino_club.features.odds.rules.shapes import Shape
from casino_club.features.odds.rules.tables import OddsTable, read_table
from casino_club.features.odds.rules.wheels import stop
from casino_club.kernel.canonical import INTEGER_MAX, NotCanonical, canonical_text, digest_of, read_canonical
from casino_club.kernel.errors import Refused

FORMAT: Final = "casino-club/odds-proof/1"

Hex = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
Uuid = Annotated[str, Meta(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
Count = Annotated[int, Meta(ge=0, le=INTEGER_MAX)]


class ProvenBet(Shape, frozen=True):
    """A stake on something."""

    bet: Annotated[str, Meta(max_length=40)]
    stake: Count


class Proof(Shape, frozen=True):
    """What a proof holds."""

    format: Literal["casino-club/odds-proof/1"]
    commit_id: Uuid
    seed_hash: Hex
    server_seed: Hex
    client_seed: Annotated[str, Meta(pattern=CLIENT_SEED)]
    nonce: Annotated[int, Meta(ge=1, le=INTEGER_MAX)]
    table: dict[str, Any]
    table_digest: Hex
    state: Count
    bets: Annotated[tuple[ProvenBet, ...], Meta(max_length=BETS_MAX)]
    stops: Annotated[tuple[Count, ...], Meta(min_length=1, max_length=5)]
    outcome: dict[str, Any]
    receipt: Hex


@dataclass(frozen=True, slots=True)
class Promise:
    """The seeds that a draw is made from."""

    commit_id: str
    server_seed: bytes
    client_seed: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """A draw, made."""

    nonce: int
    state: int
    bets: Sequence[Bet]
    stops: Sequence[int]
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that a proof must be."""

    name: str
    holds: bool
    about: str


def draw(table: OddsTable, promise: Promise, *, nonce: int, state: int = 0, bets: Sequence[Bet] = ()) -> Drawn:
    """Draw once. The same arguments give the same draw, for ever."""
    seeded = Seeded(promise.server_seed, commit_id=promise.commit_id, client_seed=promise.client_seed)
    stops = stop(table.wheels[state], seeded.words(nonce, table.digest))
    return Drawn(nonce, state, bets, stops, outcome_of(table, state, stops, bets))


def receipt(table: OddsTable, promise: Promise, drawn: Drawn) -> str:
    """What the user is given at once, while the seed is still secret: the account can't be changed any more."""
    return receipt_of(promise.server_seed, canonical_text(_account(table, promise, drawn)))


def proof_text(table: OddsTable, promise: Promise, drawn: Drawn) -> str:
    """The proof of a draw, whose seed it gives away."""
    account = _account(table, promise, drawn)
    sealed = receipt_of(promise.server_seed, canonical_text(account))
    revealed = {"server_seed": promise.server_seed.hex(), "table": json.loads(table.text), "receipt": sealed}
    return canonical_text({**account, **revealed})


def _account(table: OddsTable, promise: Promise, drawn: Drawn) -> dict[str, Any]:
    """What the house says of a draw, but for the seed and the table, of which it gives the hashes."""
    return {
        "format": FORMAT,
        "commit_id": promise.commit_id,
        "seed_hash": seed_hash(promise.server_seed),
        "client_seed": promise.client_seed,
        "nonce": drawn.nonce,
        "table_digest": table.digest,
        "state": drawn.state,
        "bets": [{"bet": bet.bet, "stake": bet.stake} for bet in drawn.bets],
        "stops": list(drawn.stops),
        "outcome": outcome_fields(drawn.outcome),
    }


def outcome_fields(outcome: Outcome) -> dict[str, Any]:
    """An outcome as a proof writes it."""
    written: dict[str, Any] = {
        "name": outcome.name,
        "next_state": outcome.next_state,
        "returned": outcome.returned,
    }
    if outcome.prize is not None:
        prize = {"kind": outcome.prize.kind.value, "amount": outcome.prize.amount}
        written["prize"] = {**prize, "reference": outcome.prize.reference} if outcome.prize.reference else prize
    return written


def verify(content: bytes) -> list[Check]:
    """Everything that a proof must be, in the order in which it is looked at. Genuine if all of it holds."""
    try:
        value = read_canonical(content.decode().removesuffix("\n"))
        proof = msgspec.convert(value, Proof)
    except (UnicodeDecodeError, NotCanonical, msgspec.ValidationError) as wrong:
        return [Check("form", False, f"This is no proof in the form {FORMAT}: {wrong}")]
    return [Check("form", True, f"It is a proof in the form {FORMAT}."), *_checks(value, proof)]


def _checks(value: Mapping[str, Any], proof: Proof) -> Iterator[Check]:
    seed = bytes.fromhex(proof.server_seed)
    yield Check("seed", seed_hash(seed) == proof.seed_hash, "The server seed has the hash that was published.")
    table_text = canonical_text(proof.table)
    yield Check("table", digest_of(table_text) == proof.table_digest, "The table has the digest that was published.")
    account = {name: held for name, held in value.items() if name not in ("server_seed", "table", "receipt")}
    sealed = receipt_of(seed, canonical_text(account))
    yield Check("receipt", sealed == proof.receipt, "The receipt is the one that these facts have.")
    try:
        drawn = _drawn_again(proof, _cached_table(table_text))
    except (Refused, IndexError) as wrong:
        yield Check("draw", False, f"It can't be drawn again: {wrong}")
        return
    yield Check("draw", drawn.stops == proof.stops, "The wheels stop there for these seeds and this nonce.")
    same = outcome_fields(drawn.outcome) == proof.outcome
    yield Check("outcome", same, "The table gives this outcome for these stops, bets and state.")


def _drawn_again(proof: Proof, table: OddsTable) -> Drawn:
    bets = [Bet(each.bet, each.stake) for each in proof.bets]
    check_bets(table, bets)
    promise = Promise(proof.commit_id, bytes.fromhex(proof.server_seed), proof.client_seed)
    return draw(table, promise, nonce=proof.nonce, state=proof.state, bets=bets)


@lru_cache(maxsize=16)
def _cached_table(text: str) -> OddsTable:
    return read_table(text)
