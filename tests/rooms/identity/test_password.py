"""Which passwords are taken, and how they are hashed."""

import asyncio
import time

import argon2
import pytest

from mainstay.base.errors import Invalid, Unavailable
from mainstay.identity.credentials.hashing import PasswordHashing
from mainstay.identity.credentials.password import check_password
from mainstay.identity.options import PasswordOptions

CHEAP = PasswordOptions(memory_kib=64, passes=1)


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("short", "too_short"),
        ("x" * 257, "too_long"),
        ("Password123", "too_common"),
        ("ada.lovelace@example.org", "same_as_email"),
        ("Ada.Lovelace", "same_as_email"),
    ],
)
def test_a_bad_password_is_refused_by_name(password: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_password(password, "ada.lovelace@example.org")
    assert [error.code for error in refused.value.errors] == [code]


def test_a_long_phrase_without_digits_is_accepted() -> None:
    check_password("correct horse battery staple", "ada@example.org")


def test_the_standing_settings_are_those_of_owasp() -> None:
    parameters = argon2.extract_parameters(PasswordHashing(PasswordOptions())._nobody)
    assert (parameters.memory_cost, parameters.time_cost, parameters.parallelism) == (19456, 2, 1)
    assert parameters.type is argon2.Type.ID


async def test_a_hash_made_with_other_settings_matches_and_is_outdated() -> None:
    old, new = PasswordHashing(CHEAP), PasswordHashing(PasswordOptions(memory_kib=128, passes=1))
    stored = await old.hash("correct horse")
    assert (await new.verify(stored, "correct horse")) == (await new.verify(stored, "correct horse"))
    match = await new.verify(stored, "correct horse")
    assert match.right
    assert match.outdated
    assert not (await old.verify(stored, "correct horse")).outdated
    old.close()
    new.close()


async def test_no_stored_hash_never_matches_and_takes_as_long() -> None:
    hashing = PasswordHashing(PasswordOptions(threads=1))
    stored = await hashing.hash("correct horse")

    async def duration(secret: str | None) -> float:
        started = time.perf_counter()
        assert not (await hashing.verify(secret, "something else")).right
        return time.perf_counter() - started

    known = sorted([await duration(stored) for _ in range(5)])[1]
    unknown = sorted([await duration(None) for _ in range(5)])[1]
    hashing.close()
    # An early return for unknown accounts would be a thousand times faster.
    assert 0.3 < unknown / known < 3


async def test_more_than_the_queue_holds_is_shed_at_once_and_the_loop_stays_free() -> None:
    hashing = PasswordHashing(PasswordOptions(threads=1, queue=3))
    under_way = [asyncio.ensure_future(hashing.hash("correct horse")) for _ in range(3)]
    await asyncio.sleep(0)
    started = time.perf_counter()
    with pytest.raises(Unavailable) as refused:
        await hashing.hash("correct horse")
    assert time.perf_counter() - started < 0.02
    assert refused.value.headers["Retry-After"] == "1"
    await asyncio.gather(*under_way)
    await hashing.hash("correct horse")
    hashing.close()


async def test_a_caller_who_left_still_counts_until_its_hash_is_done() -> None:
    hashing = PasswordHashing(PasswordOptions(threads=1, queue=2))
    busy = asyncio.ensure_future(hashing.hash("correct horse"))
    left = asyncio.ensure_future(hashing.hash("correct horse"))
    await asyncio.sleep(0)
    busy.cancel()
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await hashing.hash("correct horse")
    await left
    hashing.close()
