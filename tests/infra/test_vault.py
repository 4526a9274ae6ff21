"""What is sealed opens for its user and its field only, and not at all without the key."""

import pytest

from casino_club.infra.vault import Unreadable, Vault

SECRET = "a secret of more than thirty-two characters"


def test_what_is_sealed_can_be_read_again() -> None:
    vault = Vault(SECRET)
    key, wrapped = vault.new_key(7)

    sealed = key.seal("nickname", "민지")

    assert vault.open_key(7, wrapped).open("nickname", sealed) == "민지"
    assert "민지".encode() not in sealed
    assert key.seal("nickname", "민지") != sealed


def test_it_opens_nowhere_else() -> None:
    vault = Vault(SECRET)
    key, wrapped = vault.new_key(7)
    sealed = key.seal("nickname", "Minji")

    for attempt in (
        lambda: key.open("email", sealed),
        lambda: vault.new_key(7)[0].open("nickname", sealed),
        lambda: vault.open_key(8, wrapped),
        lambda: Vault(SECRET + "x").open_key(7, wrapped),
        lambda: vault.open_key(7, sealed),
    ):
        with pytest.raises(Unreadable):
            attempt()


@pytest.mark.parametrize("place", [0, 1, 12, 13, -1])
def test_one_changed_byte_makes_it_unreadable(place: int) -> None:
    key, _ = Vault(SECRET).new_key(7)
    sealed = bytearray(key.seal("nickname", "Minji"))

    sealed[place] ^= 1

    with pytest.raises(Unreadable):
        key.open("nickname", bytes(sealed))


@pytest.mark.parametrize("cut", [b"", b"\x01", b"\x01" + bytes(12)])
def test_what_is_cut_off_is_unreadable(cut: bytes) -> None:
    with pytest.raises(Unreadable):
        Vault(SECRET).new_key(7)[0].open("nickname", cut)


def test_a_lookup_finds_the_same_text_of_the_same_kind_under_the_same_key() -> None:
    vault = Vault(SECRET)

    assert vault.lookup("email", "a@b.c") == Vault(SECRET).lookup("email", "a@b.c")
    others = {
        vault.lookup("nickname", "a@b.c"),
        vault.lookup("email", "a@b.d"),
        Vault(SECRET + "x").lookup("email", "a@b.c"),
    }
    assert vault.lookup("email", "a@b.c") not in others


def test_a_short_secret_is_a_bug() -> None:
    with pytest.raises(AssertionError):
        Vault("short")
