"""Whoever has signed in on a device is not made to wait there by what others try, from wherever."""

from dataclasses import replace
from uuid import uuid4

import pyotp
import pytest

from mainstay.base.errors import TooManyRequests
from mainstay.base.secret import MasterKey, Secret
from mainstay.identity.authenticators.errors import FactorRefused, SecondFactorRequired
from mainstay.identity.credentials import AttemptOptions, Pace
from mainstay.identity.credentials.device_token import MOST, DeviceTokens
from mainstay.identity.errors import WrongCredentials, WrongPassword
from mainstay.identity.factors.prove_factor import Shown
from mainstay.identity.options import FactorOptions
from tests.databases import Urls
from tests.journeys.shop import visiting
from tests.rooms.assembly.test_people import keeper
from tests.rooms.identity.clock import WoundClock
from tests.rooms.identity.rooms import MASTER, PASSWORD, House, Rooms

ADA, EVE = "ada@example.org", "eve@example.org"
HOME = "192.0.2.1"
OPTIONS = AttemptOptions(
    proofs=Pace(3, 1.0, 60.0, 600.0),
    proofs_of_address=Pace(8, 2.0, 20.0, 300.0),
    proofs_of_account=Pace(12, 5.0, 30.0, 600.0),
    proofs_of_device=Pace(3, 4.0, 60.0, 600.0),
)


@pytest.fixture
async def tight(processes: House) -> Rooms:
    rooms = await processes.open(attempts=OPTIONS)
    for email in (ADA, EVE):
        await rooms.identity.create_user(email, PASSWORD, username=email[:3])
    return rooms


async def attempt(
    rooms: Rooms, login: str = ADA, password: str = "wrong horse", device: str | None = None, at: str = HOME
) -> int:
    """0 for a session, 401 for wrong, otherwise the seconds to wait."""
    try:
        await rooms.identity.sign_in(login, password, client_address=at, device=device)
    except WrongCredentials:
        return 401
    except TooManyRequests as refused:
        return int(refused.headers["Retry-After"])
    return 0


async def device_of(rooms: Rooms, email: str = ADA, shown: str | None = None) -> str:
    user = await rooms.identity.find_user(email)
    assert user is not None
    return rooms.identity.device_token(user.id, shown)


async def test_a_neighbours_failures_do_not_make_a_known_device_wait(tight: Rooms) -> None:
    device = await device_of(tight)
    for number in range(20):
        await attempt(tight)
        await attempt(tight, f"user{number}@example.org")
        await attempt(tight, at=f"203.0.113.{number}")
    assert await attempt(tight, password=PASSWORD) > 0
    assert await attempt(tight, password=PASSWORD, device=device) == 0
    assert await attempt(tight, "ada", PASSWORD, device) == 0, "by the username too"


async def test_a_device_has_so_many_attempts_and_no_more_by_names_addresses_or_other_processes(
    tight: Rooms, processes: House, clock: WoundClock
) -> None:
    device, second = await device_of(tight), await processes.open(attempts=OPTIONS)
    found = [
        await attempt(tight, device=device),
        await attempt(second, "ada", device=device, at="198.51.100.7"),
        await attempt(tight, device=device, at="198.51.100.8"),
    ]
    assert found == [401] * 3
    assert await attempt(second, "ADA@example.org", PASSWORD, device, "198.51.100.9") == 4
    # Nor are they those of the account: whoever has no such token is where they were.
    assert await attempt(tight) == 401
    clock.advance(4)
    assert await attempt(tight, password=PASSWORD, device=device) == 0
    assert [await attempt(tight, device=device) for _ in range(4)] == [401, 401, 401, 4], "a right one begins anew"


async def test_a_token_of_somebody_else_or_of_nobody_is_as_none(tight: Rooms, clock: WoundClock) -> None:
    of_eve, of_ada = await device_of(tight, EVE), await device_of(tight)
    elsewhere = DeviceTokens(MasterKey(Secret("another master key, as long as needed")), clock, 90)
    user = await tight.identity.find_user(ADA)
    assert user is not None
    forged = [of_eve, elsewhere.give(user.id, None), of_ada[:-2] + "AA", of_ada[1:], "x" * 43, "", ".", "é" * 43]
    for number, shown in enumerate(forged):
        at = f"203.0.113.{number}"
        found = [await attempt(tight, device=shown, at=at) for _ in range(4)]
        assert found[:1] == [401] or found[0] > 0
        assert found[3] not in (0, 401), shown
    assert await attempt(tight, "nobody@example.org", device=of_ada) == 401


async def test_a_token_is_good_for_ninety_days_and_under_the_key_before_this_one(
    processes: House, clock: WoundClock
) -> None:
    tokens, user = DeviceTokens(MASTER, clock, 90), uuid4()
    shown = tokens.give(user, None)
    assert user.hex not in shown
    assert tokens.device_of(user, shown) is not None
    later = DeviceTokens(MasterKey(Secret("the master key after it, as long"), (MASTER,)), clock, 90)
    assert later.device_of(user, shown) == tokens.device_of(user, shown)
    clock.advance(90 * 86_400)
    assert tokens.device_of(user, shown) is not None
    clock.advance(86_400)
    assert tokens.device_of(user, shown) is None


async def test_several_people_share_a_device_and_its_token_does_not_grow_without_end(clock: WoundClock) -> None:
    tokens, people = DeviceTokens(MASTER, clock, 90), [uuid4() for _ in range(MOST + 2)]
    shown: str | None = None
    for each in people:
        shown = tokens.give(each, shown)
    assert shown is not None
    assert [tokens.device_of(each, shown) is not None for each in people] == [False, False, *[True] * MOST]
    again = tokens.give(people[-1], shown)
    assert len(again.split(".")) == MOST
    assert tokens.device_of(people[-1], again) != tokens.device_of(people[-1], shown)


async def test_what_others_try_at_the_address_does_not_count_for_ones_own_password(tight: Rooms) -> None:
    user = await tight.identity.find_user(ADA)
    assert user is not None
    for number in range(20):
        await attempt(tight, f"user{number}@example.org")
    with pytest.raises(WrongPassword):
        await tight.identity.accounts.delete(user.id, "wrong horse", HOME)


async def test_browsers_keep_it_in_a_cookie_and_other_clients_by_themselves(urls: Urls) -> None:
    app = keeper(urls, passwords={"memory_kib": 64, "passes": 1})
    async with visiting(app) as client:
        await app.rooms.identity.create_user(ADA, PASSWORD)
        asked = {"email": ADA, "password": PASSWORD}
        answer = await client.post("/auth/sign-in", json={**asked, "mode": "cookie"})
        (device,) = [each for each in answer.headers.get_list("set-cookie") if "-device=" in each]
        assert "HttpOnly" in device
        assert "SameSite=Strict" in device
        assert "Max-Age=7776000" in device
        assert "device_token" not in answer.json()
        csrf = {"x-csrf-token": answer.json()["csrf_token"]}
        left = await client.post("/auth/sign-out", headers=csrf)
        assert not any("-device=" in each for each in left.headers.get_list("set-cookie")), "it stays"
        client.cookies.clear()
        token = (await client.post("/auth/sign-in", json=asked)).json()["device_token"]
        assert not (await client.post("/auth/sign-in", json=asked)).headers.get_list("set-cookie")
        for _ in range(12):
            await client.post("/auth/sign-in", json={"email": ADA, "password": "wrong horse"})
        assert (await client.post("/auth/sign-in", json=asked)).status_code == 429
        again = await client.post("/auth/sign-in", json={**asked, "device_token": token})
        assert again.status_code == 200, again.text
        kept = device.partition(";")[0]
        assert (await client.post("/auth/sign-in", json=asked, headers={"cookie": kept})).status_code == 200
        refreshed = await client.post("/auth/refresh", json={"refresh_token": again.json()["refresh_token"]})
        assert refreshed.json()["device_token"] is None


async def test_second_factors_are_counted_for_the_device_apart_from_its_passwords(
    processes: House, clock: WoundClock
) -> None:
    rooms = await processes.open(attempts=OPTIONS, factors=replace(FactorOptions(), attempts=100))
    user = await rooms.identity.create_user(ADA, PASSWORD)
    session = (await rooms.identity.sign_in(ADA, PASSWORD)).session
    secret = (await rooms.identity.factors.begin_app(user.id, session.id)).secret
    await rooms.identity.factors.confirm_app(user.id, session.id, pyotp.TOTP(secret).at(clock.now()))
    clock.advance(30)
    device = await device_of(rooms)
    for number in range(20):
        await attempt(rooms, f"user{number}@example.org")

    async def second(code: str) -> str:
        with pytest.raises(SecondFactorRequired) as asked:
            await rooms.identity.sign_in(ADA, PASSWORD, client_address=HOME, device=device)
        try:
            await rooms.identity.factors.finish_sign_in(
                str(asked.value.extra["ticket"]), Shown(code), "bearer", HOME, device
            )
        except (FactorRefused, TooManyRequests) as refused:
            return type(refused).__name__
        return ""

    # Each begins with a right password, which begins the count of passwords anew, and not this one.
    assert [await second("000000") for _ in range(4)] == ["FactorRefused"] * 3 + ["TooManyRequests"]
    clock.advance(4)
    assert await second(pyotp.TOTP(secret).at(clock.now())) == ""
