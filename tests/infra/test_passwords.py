"""Passwords are hashed as they must be, one at a time, beside everything else."""

import asyncio

from argon2 import extract_parameters
from argon2.low_level import Type

from casino_club.infra.passwords import Passwords, TooManyLogins


async def test_the_hash_is_argon2id_with_at_least_what_was_decided() -> None:
    kept = await Passwords().hash("correct horse")

    parameters = extract_parameters(kept)
    assert parameters.type is Type.ID
    assert parameters.memory_cost >= 19 * 1024
    assert parameters.time_cost >= 2
    assert parameters.parallelism == 1
    assert parameters.salt_len >= 16


async def test_only_the_password_fits_its_hash() -> None:
    passwords = Passwords()
    kept = await passwords.hash("correct horse")

    assert await passwords.fits("correct horse", kept)
    assert not await passwords.fits("wrong horse", kept)
    assert not await passwords.fits("nobody's", None)


async def test_what_is_verified_for_nobody_looks_like_any_hash() -> None:
    passwords = Passwords()

    assert extract_parameters(passwords._nobodys) == extract_parameters(await passwords.hash("correct horse"))
    assert not passwords.is_outdated(passwords._nobodys)
    assert Passwords()._nobodys != passwords._nobodys


async def test_too_many_at_once_are_refused_and_the_rest_served() -> None:
    passwords = Passwords(waiting_max=3)

    results = await asyncio.gather(*(passwords.hash("correct horse") for _ in range(5)), return_exceptions=True)

    assert sum(isinstance(each, str) for each in results) == 3
    assert sum(isinstance(each, TooManyLogins) for each in results) == 2
    assert await passwords.hash("correct horse")


async def test_the_loop_goes_on_while_passwords_are_hashed() -> None:
    passwords = Passwords()
    hashing = asyncio.gather(*(passwords.hash("correct horse") for _ in range(8)))
    turns = 0

    while not hashing.done():
        await asyncio.sleep(0)
        turns += 1

    await hashing
    assert turns > 100
