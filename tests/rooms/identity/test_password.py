"""Which passwords are taken, and how they are hashed."""

import asyncio
import threading
import time
from contextlib import nullcontext

import argon2
import bcrypt
import pytest

from mainstay.base.errors import Rejected, Unavailable
from mainstay.identity.credentials import PasswordHashing, PasswordOptions, open_list
from mainstay.identity.credentials.forms import form_made, nobodys
from mainstay.identity.credentials.password import PasswordPolicy

CHEAP = PasswordOptions(memory_kib=64, passes=1)
POLICY = PasswordPolicy(CHEAP, open_list())
ADA = ("ada.lovelace@example.org", "countess", "Augusta Ada King")


@pytest.mark.parametrize(
    ("password", "status", "code"),
    [
        ("short", 422, "too_short"),
        ("x" * 1025, 422, "too_long"),
        ("Password123", 422, "too_common"),
        ("ada.lovelace@example.org", 409, "same_as_email"),
        ("Ada.Lovelace", 409, "same_as_email"),
        ("COUNTESS", 409, "same_as_name"),
        ("e\u0301" * 7, 409, "too_short"),  # seven letters, however many the document counts
        ("\ufdfa" * 200, 409, "too_long"),
        ("metallica1", 409, "breached"),
        ("METALLICA1", 409, "breached"),
        ("tgbtgbtgbtgb", 409, "too_weak"),
        ("abcabcabcabc", 409, "too_weak"),
        ("augustaking", 409, "too_weak"),
        ("\u0301" * 12, 409, "too_weak"),
    ],
)
def test_a_bad_password_is_refused_by_name(password: str, status: int, code: str) -> None:
    with pytest.raises(Rejected) as refused:
        POLICY.check(password, ADA)
    assert ([error.code for error in refused.value.errors], refused.value.status) == ([code], status)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",  # no digits, no capitals: there are no rules of composition
        "жЩпрст вглубь",
        "\U0001f40e\U0001f50b\U0001f4ce correct",
        "x" * 900 + " and nobody knows why",
        "tr0mb0ne under the stairs",
    ],
)
def test_a_long_phrase_of_any_letters_is_accepted(password: str) -> None:
    PasswordPolicy(PasswordOptions(strength=0), open_list()).check(password, ADA)
    if not password.startswith("x"):
        POLICY.check(password, ADA)


def test_an_operator_may_ask_for_more_and_never_for_less_than_eight() -> None:
    for minimum, length, fine in ((12, 11, False), (12, 12, True), (1, 7, False)):
        policy = PasswordPolicy(PasswordOptions(minimum=minimum, strength=0), None)
        with nullcontext() if fine else pytest.raises(Rejected, match="at least"):
            policy.check("kq9 vx4bz7tw"[:length])


def test_the_longest_password_is_estimated_in_a_moment() -> None:
    started = time.process_time()
    for password in ("qwer1234" * 128, "a" * 1024, "p@$$w0rd" * 128, "1q2w3e4r" * 128):
        POLICY.strength(password)
    assert time.process_time() - started < 2.0


def test_a_password_of_signs_that_stand_for_letters_is_estimated_in_a_moment() -> None:
    signs = "4@8({[<369|!1/\\7$5+%2"
    POLICY.strength("p@$$w0rd")  # the lists of words are loaded with the first
    started = time.process_time()
    assert POLICY.strength(signs * 3, (signs * 4,)) >= 2
    assert POLICY.strength("p@$$w0rd!1") == POLICY.strength("p4$$w0rd!1") == 1
    # Every combination of what they may stand for takes seconds.
    assert time.process_time() - started < 0.5


async def test_a_password_typed_on_another_keyboard_is_the_same_one() -> None:
    hashing = PasswordHashing(CHEAP)
    composed, decomposed, ligature, wide = "caf\u00e9 \ufb01ne", "cafe\u0301 fine", "caf\u00e9 fine", "ｃａｆé fine"
    stored = await hashing.hash(composed)
    for typed in (composed, decomposed, ligature, wide):
        assert (await hashing.verify(stored, typed)).right, typed
    assert not (await hashing.verify(stored, "cafe fine")).right
    hashing.close()


async def test_a_hash_of_the_password_as_typed_matches_once_more_and_is_outdated() -> None:
    hashing = PasswordHashing(CHEAP)
    typed = "cafe\u0301 au lait"
    elsewhere = hashing.argon.hash(typed)
    match = await hashing.verify(elsewhere, typed)
    assert (match.right, match.outdated) == (True, True)
    hashing.close()


async def test_bcrypt_hashes_from_elsewhere_match_and_are_outdated() -> None:
    hashing = PasswordHashing(CHEAP)
    made = bcrypt.hashpw(b"correct horse battery", bcrypt.gensalt(4)).decode()
    for stored in (made, "$2y$" + made[4:], "$2a$" + made[4:]):
        match = await hashing.verify(stored, "correct horse battery")
        assert (match.right, match.outdated) == (True, True)
        assert not (await hashing.verify(stored, "wrong horse battery")).right
    # Those who made it cut the password at 72 bytes; here it must match all the same, and not crash.
    long = "x" * 100
    stored = bcrypt.hashpw(long.encode()[:72], bcrypt.gensalt(4)).decode()
    assert (await hashing.verify(stored, long)).right
    for damaged in ("$2b$", "$2b$04$short", "$2b$99$" + made[7:]):
        assert not (await hashing.verify(damaged, "correct horse battery")).right
    hashing.close()


def test_the_standing_settings_are_those_of_owasp() -> None:
    parameters = argon2.extract_parameters(nobodys(form_made(PasswordOptions())))
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

    pairs = [(await duration(stored), await duration(None)) for _ in range(5)]
    known, unknown = (sorted(each)[1] for each in zip(*pairs, strict=True))
    hashing.close()
    # An early return for unknown accounts would be a thousand times faster.
    assert 0.1 < unknown / known < 10


class Held(argon2.PasswordHasher):
    """A hasher of one thread, at which every hash takes until it is let go."""

    def __init__(self) -> None:
        super().__init__(1, 64, 1)
        self.begun, self.go = threading.Event(), threading.Event()

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        self.begun.set()
        assert self.go.wait(60)
        return super().hash(password, salt=salt)


async def under_way(hashing: PasswordHashing, count: int) -> list["asyncio.Future[str]"]:
    """So many hashes, of which the first has begun."""
    assert isinstance(hashing.argon, Held)
    made: list[asyncio.Future[str]] = [asyncio.ensure_future(hashing.hash("correct horse")) for _ in range(count)]
    assert await asyncio.to_thread(hashing.argon.begun.wait, 60)
    return made


async def test_more_than_the_queue_holds_is_shed_within_a_second_and_the_loop_stays_free() -> None:
    hashing = PasswordHashing(PasswordOptions(memory_kib=64, passes=1, threads=1, queue=3, patience=0.1))
    hashing.argon = held = Held()
    waiting = await under_way(hashing, 3)
    started = time.perf_counter()
    with pytest.raises(Unavailable) as refused:
        await hashing.hash("correct horse")
    # Not at once: who hears no at once comes back at once.
    assert time.perf_counter() - started >= 0.1
    assert not any(each.done() for each in waiting)
    assert refused.value.headers["Retry-After"] == "1"
    held.go.set()
    await asyncio.gather(*waiting)
    await hashing.hash("correct horse")
    hashing.close()


async def test_a_caller_who_left_still_counts_until_its_hash_is_done() -> None:
    hashing = PasswordHashing(PasswordOptions(memory_kib=64, passes=1, threads=1, queue=2, patience=0.0))
    hashing.argon = held = Held()
    busy, left = await under_way(hashing, 2)
    busy.cancel()
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await hashing.hash("correct horse")
    held.go.set()
    await left
    hashing.close()
