"""Server seeds lie sealed, each for its own commitment."""

import pytest

from casino_club.infra.server_seeds import SEED_BYTES, ServerSeeds
from casino_club.infra.vault import Unreadable, Vault
from tests.infra.test_vault import SECRET


def test_a_sealed_seed_opens_for_its_commitment_alone() -> None:
    seeds = ServerSeeds(Vault(SECRET).house_key())
    (first_id, first), (other_id, other) = seeds.new(), seeds.new()

    sealed = seeds.seal(first_id, first)

    assert seeds.open(first_id, sealed) == first != other
    assert len(first) == SEED_BYTES
    for opened_by, commit_id in ((seeds, other_id), (ServerSeeds(Vault(SECRET + "x").house_key()), first_id)):
        with pytest.raises(Unreadable):
            opened_by.open(commit_id, sealed)


def test_the_houses_key_is_no_users_key() -> None:
    vault = Vault(SECRET)
    key, _ = vault.new_key(7)

    with pytest.raises(Unreadable):
        key.open("x", vault.house_key().seal("x", "text"))
