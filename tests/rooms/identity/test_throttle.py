"""How fast proofs may be tried: counted for all processes, for known and unknown names alike, locking nobody out."""

import asyncio

import pytest

from mainstay.base.errors import TooManyRequests
from mainstay.identity.credentials import AttemptOptions, Pace
from mainstay.identity.errors import WrongCredentials, WrongPassword
from tests.rooms.identity.clock import WoundClock
from tests.rooms.identity.rooms import PASSWORD, House, Rooms

ADA = "ada@example.org"
OPTIONS = AttemptOptions(
    proofs=Pace(3, 1.0, 60.0, 600.0),
    proofs_of_address=Pace(8, 2.0, 20.0, 300.0),
    proofs_of_account=Pace(12, 5.0, 30.0, 600.0),
)


@pytest.fixture
async def tight(processes: House) -> Rooms:
    rooms = await processes.open(attempts=OPTIONS)
    await rooms.identity.create_user(ADA, PASSWORD)
    return rooms


async def attempt(rooms: Rooms, email: str = ADA, password: str = "wrong horse", at: str = "192.0.2.1") -> int:
    """0 for a session, 401 for wrong, otherwise the seconds to wait."""
    try:
        await rooms.identity.sign_in(email, password, client_address=at)
    except WrongCredentials:
        return 401
    except TooManyRequests as refused:
        return int(refused.headers["Retry-After"])
    return 0


@pytest.mark.parametrize("email", [ADA, "nobody@example.org", "nobody", "жук@example.org"])
async def test_each_attempt_waits_twice_as_long_whether_or_not_there_is_an_account(
    tight: Rooms, clock: WoundClock, email: str
) -> None:
    assert [await attempt(tight, email) for _ in range(4)] == [401, 401, 401, 1]
    waits = []
    for wait in (1, 2, 4, 8):
        clock.advance(wait)
        waits.append(await attempt(tight, email))
        # What is refused is not counted: asking again does not prolong it.
        assert [await attempt(tight, email) for _ in range(2)] == [wait * 2] * 2
    assert waits == [401] * 4


async def test_the_wait_has_an_end_and_all_is_forgotten_after_a_while(tight: Rooms, clock: WoundClock) -> None:
    for _ in range(30):
        clock.advance(60)
        assert await attempt(tight) == 401
    assert await attempt(tight) <= 60
    clock.advance(601)
    assert [await attempt(tight) for _ in range(3)] == [401] * 3


async def test_attempts_that_come_at_once_are_all_counted(tight: Rooms) -> None:
    found = await asyncio.gather(*(attempt(tight) for _ in range(12)))
    assert sum(each == 401 for each in found) == 3


async def test_all_processes_count_together(tight: Rooms, processes: House) -> None:
    second = await processes.open(attempts=OPTIONS)
    assert [await attempt(each) for each in (tight, second, tight)] == [401] * 3
    assert await attempt(second) == 1


async def test_a_right_password_begins_anew(tight: Rooms) -> None:
    for _ in range(3):
        assert [await attempt(tight), await attempt(tight), await attempt(tight, password=PASSWORD)] == [401, 401, 0]


async def test_guesses_from_elsewhere_do_not_shut_the_owner_out(tight: Rooms, clock: WoundClock) -> None:
    assert await attempt(tight, password=PASSWORD, at="198.51.100.7") == 0
    for _ in range(4):
        await attempt(tight)
    assert await attempt(tight) > 0
    assert await attempt(tight, password=PASSWORD, at="198.51.100.7") == 0
    # From everywhere at once: a stranger waits, and where the owner is known they do not.
    for number in range(40):
        await attempt(tight, at=f"203.0.113.{number}")
    assert await attempt(tight, password=PASSWORD, at="192.0.2.200") > 0
    assert await attempt(tight, password=PASSWORD, at="198.51.100.7") == 0


async def test_an_owner_in_a_new_place_comes_in_by_letter_while_guesses_rain(tight: Rooms) -> None:
    for number in range(40):
        await attempt(tight, at=f"203.0.113.{number}")
    assert await attempt(tight, password=PASSWORD, at="192.0.2.200") > 0
    accounts = tight.identity.accounts
    request = await accounts.ask_for_sign_in(ADA, "192.0.2.200")
    await accounts.sign_in_by_mail(request, tight.letters.last(ADA).values["code"], client_address="192.0.2.200")
    # From now on they are known there.
    assert await attempt(tight, password=PASSWORD, at="192.0.2.200") == 0


async def test_a_reset_lets_the_owner_in_at_once(tight: Rooms) -> None:
    for number in range(40):
        await attempt(tight, at=f"203.0.113.{number}")
    await tight.identity.accounts.ask_for_reset(ADA, "192.0.2.200")
    token = tight.letters.last(ADA).values["token"]
    await tight.identity.accounts.reset_password(token, "another horse battery", "192.0.2.200")
    assert await attempt(tight, password="another horse battery", at="192.0.2.200") == 0


async def test_one_address_may_not_try_every_account(tight: Rooms) -> None:
    found = [await attempt(tight, f"user{number}@example.org") for number in range(12)]
    assert found[:8] == [401] * 8
    assert all(0 < each < 60 for each in found[8:])
    assert await attempt(tight, "user1@example.org", at="198.51.100.7") == 401


async def test_so_many_rows_at_most_whatever_is_tried(tight: Rooms) -> None:
    throttle = tight.identity._room.throttle
    buckets = {throttle._bucket("proof", 0, f"user{number}", "192.0.2.1") for number in range(5000)}
    assert len(buckets) > 4900
    assert max(buckets) < 1 << 20
    assert throttle._bucket("letter", 2, "a") >> 20 == 5


async def test_letters_are_not_sent_by_the_hundred(tight: Rooms) -> None:
    async def ask(at: str) -> bool:
        try:
            await tight.identity.accounts.ask_for_reset(ADA, at)
        except TooManyRequests:
            return False
        return True

    assert [await ask("192.0.2.1") for _ in range(5)] == [True, True, True, False, False]
    asked = [await ask(f"203.0.113.{number}") for number in range(20)]
    assert sum(asked) == 7
    assert len(tight.letters.sent) == 10


async def test_a_stolen_session_may_not_guess_the_password(tight: Rooms) -> None:
    user = await tight.identity.find_user(ADA)
    assert user is not None
    for number in range(3):
        with pytest.raises(Exception, match="not the password"):
            await tight.identity.accounts.delete(user.id, f"wrong horse {number}", "192.0.2.1")
    with pytest.raises(TooManyRequests):
        await tight.identity.accounts.delete(user.id, PASSWORD, "192.0.2.1")


async def test_a_stolen_session_does_not_guess_the_password_from_ever_new_addresses(processes: House) -> None:
    few = Pace(5, 60.0, 60.0, 3600.0)
    rooms = await processes.open(attempts=AttemptOptions(proofs_of_account=few))
    user = await rooms.identity.create_user("ada@example.org", PASSWORD)
    session = (await rooms.identity.sign_in("ada@example.org", PASSWORD)).session
    change = rooms.identity.accounts.change_password
    for number in range(5):
        with pytest.raises(WrongPassword):
            await change(user.id, session.id, f"guess number {number}", "another horse entirely", f"192.0.2.{number}")
    with pytest.raises(TooManyRequests):
        await change(user.id, session.id, PASSWORD, "another horse entirely", "192.0.2.99")
    # Its user still signs in meanwhile.
    await rooms.identity.sign_in("ada@example.org", PASSWORD)
