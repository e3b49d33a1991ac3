"""The key ring: published before it signs, verifying after it signed, gone at its end, and revoked at once."""

import asyncio
from collections.abc import Generator
from uuid import UUID

import jwt
import pytest
from sqlalchemy import select, update

from mainstay.base.clock import SystemClock
from mainstay.base.errors import ConfigurationError, Conflict, NotFound, SignInRequired
from mainstay.base.secret import MasterKey, Secret
from mainstay.identity.errors import RefreshRefused
from mainstay.identity.signing.options import KeyOptions
from mainstay.identity.tables import signing_keys
from mainstay.storage.control import Step
from mainstay.storage.statement import Rows
from tests.databases import Urls
from tests.patience import soon
from tests.rooms.identity.clock import WoundClock
from tests.rooms.identity.rooms import MASTER, PASSWORD, House, Rooms, house

ADA = "ada@example.org"
DAY = 86_400
USER, SESSION, TENANT = (UUID(int=number) for number in (1, 2, 3))
NEWER = MasterKey(Secret("the master key that came after it, long"), previous=(MASTER,))


async def token_of(rooms: Rooms) -> bytes:
    if await rooms.identity.find_user(ADA) is None:
        await rooms.identity.create_user(ADA, PASSWORD)
    return (await rooms.identity.sign_in(ADA, PASSWORD)).access_token.encode()


async def states(rooms: Rooms) -> list[str]:
    return [str(each.state) for each in await rooms.identity.keys.list()]


def kid_of(token: bytes) -> str:
    return str(jwt.get_unverified_header(token.decode())["kid"])


def published(rooms: Rooms) -> list[str]:
    return [key["kid"] for key in rooms.identity.key_set()["keys"]]


async def holds(rooms: Rooms, token: bytes) -> bool:
    try:
        await rooms.identity.verify(token)
    except SignInRequired:
        return False
    return True


async def test_a_key_is_published_then_signs_then_verifies_then_is_gone(processes: House, clock: WoundClock) -> None:
    rooms = await processes.open(access_seconds=3600)
    schedule = rooms.identity.keys.schedule
    assert await states(rooms) == ["current"]
    clock.advance(89 * DAY + 1)  # of 90, the last of them to publish the next
    await schedule.look()
    assert await states(rooms) == ["current", "next"]
    assert len(published(rooms)) == 2
    first = kid_of(await token_of(rooms))
    assert first == published(rooms)[0]
    await schedule.look()
    assert len(await states(rooms)) == 2  # one at a time
    clock.advance(DAY - 1800)
    before = await token_of(rooms)
    assert kid_of(before) == first
    clock.advance(1801)
    # Nobody had to do anything for it to begin.
    assert await states(rooms) == ["retired", "current"]
    after = await token_of(rooms)
    assert kid_of(after) == published(rooms)[1]
    assert await holds(rooms, before)
    clock.advance(3600 + 10)
    await schedule.look()
    assert await states(rooms) == ["gone", "current"]
    assert published(rooms) == [kid_of(after)]
    # The private half of what is gone is erased.
    sealed = await rooms.identity._room.control.fetch(select(signing_keys.c.sealed).order_by(signing_keys.c.generation))
    assert [bool(row[0]) for row in sealed] == [False, True]


async def test_a_token_is_believed_no_longer_than_its_key(processes: House, clock: WoundClock) -> None:
    rooms = await processes.open(access_seconds=3600, keys=KeyOptions(overlap_seconds=0))
    token = await token_of(rooms)
    await rooms.identity.keys.rotate(now=True)

    def cut() -> Generator[Step, Rows, None]:
        until = clock.now().replace(microsecond=0)
        control = rooms.identity._room.control
        statement = update(signing_keys).where(signing_keys.c.kid == kid_of(token))
        yield control.step(statement.values(verifies_until=until.replace(minute=until.minute + 2)))

    await rooms.identity._room.control.write(cut())
    await rooms.identity._room.keys.load()
    assert await holds(rooms, token)
    clock.advance(100)
    await rooms.identity.revocations.poll()
    assert rooms.identity.verify_now(token) is None  # after half a minute of silence nothing is remembered
    assert await holds(rooms, token)
    clock.advance(21)
    await rooms.identity.revocations.poll()
    assert not await holds(rooms, token)


async def test_a_compromised_key_is_believed_nowhere_after_a_poll(processes: House) -> None:
    here, there = await processes.open(), await processes.open()
    token = await token_of(here)
    assert await holds(there, token)
    assert there.identity.verify_now(token) is not None
    await here.identity.keys.revoke(kid_of(token), "it lay in a log")
    assert not await holds(here, token)
    await there.revoke_elsewhere()
    assert there.identity.verify_now(token) is None
    assert not await holds(there, token)
    assert kid_of(token) not in published(here) + published(there)
    # Nobody is locked out: the session goes on with the key that took over, in every process.
    for rooms in (here, there):
        assert await holds(rooms, await token_of(rooms))
    assert published(here) == published(there)
    sealed = await here.identity._room.control.fetch(
        select(signing_keys.c.sealed).where(signing_keys.c.kid == kid_of(token))
    )
    assert sealed[0][0] == ""
    with pytest.raises(NotFound):
        await here.identity.keys.revoke(kid_of(token))
    with pytest.raises(NotFound):
        await here.identity.keys.revoke("nobody")


async def test_a_process_that_hears_nothing_believes_no_key_it_loaded_before(
    processes: House, clock: WoundClock
) -> None:
    here, deaf = await processes.open(), await processes.open()
    token = await token_of(here)
    assert await holds(deaf, token)
    await here.identity.keys.revoke(kid_of(token))
    clock.advance(1.1)  # and no poll of its own
    assert not await holds(deaf, token)


async def test_a_ring_that_could_not_be_read_is_read_again_before_it_is_believed(
    processes: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = await processes.open(), await processes.open()
    token = await token_of(here)
    assert await holds(there, token)
    await here.identity.keys.revoke(kid_of(token))
    ring, load = there.identity._room.keys, there.identity._room.keys.load

    async def fails() -> None:
        raise OSError("the database is away")

    monkeypatch.setattr(ring, "load", fails)
    with pytest.raises(OSError, match="away"):
        await there.revoke_elsewhere()
    monkeypatch.setattr(ring, "load", load)
    await there.revoke_elsewhere()
    assert not await holds(there, token)


async def test_within_a_second_on_the_real_clock(urls: Urls) -> None:
    async with house(urls, SystemClock()) as built:
        here, there = await built.open(poll_seconds=0.25), await built.open(poll_seconds=0.25)
        token = await token_of(here)
        assert await holds(there, token)
        await here.identity.keys.revoke(kid_of(token))

        async def refused() -> bool:
            return not await holds(there, token)

        await soon(refused)


async def test_revoking_the_next_key_leaves_the_current_one_signing(processes: House, clock: WoundClock) -> None:
    rooms = await processes.open()
    made = await rooms.identity.keys.rotate()
    await rooms.identity.keys.revoke(made.kid)
    assert await states(rooms) == ["current", "revoked"]
    clock.advance(30 * DAY)
    assert await holds(rooms, await token_of(rooms))
    assert await states(rooms) == ["current", "revoked"]


async def test_revoking_the_current_key_lets_the_waiting_one_begin(processes: House) -> None:
    rooms = await processes.open()
    made = await rooms.identity.keys.rotate()
    await rooms.identity.keys.revoke(published(rooms)[0])
    assert await states(rooms) == ["revoked", "current"]
    assert kid_of(await token_of(rooms)) == made.kid


async def test_a_key_whose_successor_came_early_does_not_come_back(processes: House) -> None:
    rooms = await processes.open()
    await rooms.identity.keys.rotate()
    made = await rooms.identity.keys.rotate(now=True)
    assert await states(rooms) == ["retired", "current"]
    await rooms.identity.keys.revoke(made.kid)
    assert await states(rooms) == ["retired", "revoked", "current"]


async def test_a_retired_key_verifies_to_the_end_and_another_signs(processes: House, clock: WoundClock) -> None:
    rooms = await processes.open()
    token = await token_of(rooms)
    await rooms.identity.keys.retire(kid_of(token))
    assert await states(rooms) == ["retired", "current"]
    assert await holds(rooms, token)
    assert kid_of(await token_of(rooms)) != kid_of(token)
    with pytest.raises(Conflict):
        await rooms.identity.keys.retire(kid_of(token))
    with pytest.raises(NotFound):
        await rooms.identity.keys.retire("nobody")


async def test_of_many_workers_one_rotates(processes: House, clock: WoundClock) -> None:
    workers = [await processes.open() for _ in range(4)]
    clock.advance(90 * DAY)
    await asyncio.gather(*(each.identity.keys.schedule.look() for each in workers))
    assert await states(workers[0]) == ["current", "next"]
    assert len({tuple(published(each)) for each in workers}) == 1
    await asyncio.gather(*(each.identity.keys.rotate(now=True) for each in workers))
    assert (await states(workers[0])).count("current") == 1


async def test_without_days_keys_rotate_only_by_command(processes: House, clock: WoundClock) -> None:
    rooms = await processes.open(keys=KeyOptions(rotate_days=0))
    clock.advance(900 * DAY)
    await rooms.identity.keys.schedule.look()
    assert await states(rooms) == ["current"]


async def test_another_algorithm_begins_like_a_rotation(processes: House, clock: WoundClock) -> None:
    before = await processes.open()
    token = await token_of(before)
    after = await processes.open(keys=KeyOptions(algorithm="RS256"))
    await after.identity.keys.schedule.look()
    assert await states(after) == ["current", "next"]
    assert await holds(after, token)
    clock.advance(DAY + 1)
    newer = await token_of(after)
    assert jwt.get_unverified_header(newer.decode())["alg"] == "RS256"
    assert await holds(before, newer)
    # Old clients read it with the key set and nothing else.
    (key,) = [each for each in jwt.PyJWKSet.from_dict(after.identity.key_set()).keys if each.key_id == kid_of(newer)]
    read = jwt.decode(
        newer,
        key.key,
        algorithms=["RS256"],
        audience="mainstay",
        options={"verify_exp": False, "verify_iat": False, "verify_nbf": False},
    )
    assert read["iss"] == "mainstay"


async def test_a_new_master_key_opens_what_the_previous_one_sealed_and_seals_it_anew(processes: House) -> None:
    old = await processes.open()
    token = await token_of(old)
    new = await processes.open(master=NEWER)
    assert await holds(new, token)
    assert [each.outdated for each in await new.identity.keys.list()] == [True]
    await new.identity.keys.rotate(now=True)
    assert [each.outdated for each in await new.identity.keys.list()] == [True, False]
    assert (await new.identity.keys.reseal())["mainstay_signing_keys"] == 1
    assert (await new.identity.keys.reseal())["mainstay_signing_keys"] == 0
    assert [each.outdated for each in await new.identity.keys.list()] == [False, False]
    # From here on the previous one is not needed, and opens nothing.
    alone = await processes.open(master=MasterKey(Secret("the master key that came after it, long")))
    assert await holds(alone, token)
    with pytest.raises(ConfigurationError, match="another MAINSTAY_SECRET_KEY"):
        await processes.open()


async def test_a_refresh_token_outlives_the_master_key_it_was_made_under(processes: House) -> None:
    old = await processes.open()
    await token_of(old)
    tokens = await old.identity.sign_in(ADA, PASSWORD)
    new = await processes.open(master=NEWER)
    refreshed = await new.identity.refresh(tokens.refresh_token)
    assert await holds(new, refreshed.access_token.encode())
    # The answer was lost: the same token again has the same successor.
    assert (await new.identity.refresh(tokens.refresh_token)).refresh_token == refreshed.refresh_token
    alone = await processes.open(
        master=MasterKey(Secret("the master key that came after it, long"), previous=(MASTER,))
    )
    assert (await alone.identity.refresh(refreshed.refresh_token)).access_token
    with pytest.raises(RefreshRefused):
        await old.identity.refresh(refreshed.refresh_token)


async def test_a_sealed_key_opens_in_no_other_row(processes: House) -> None:
    rooms = await processes.open()
    await rooms.identity.keys.rotate(now=True)
    control = rooms.identity._room.control
    (first, _), (_, other) = await control.fetch(
        select(signing_keys.c.kid, signing_keys.c.sealed).order_by(signing_keys.c.generation)
    )

    def swap() -> Generator[Step, Rows, None]:
        yield control.step(update(signing_keys).where(signing_keys.c.kid == first).values(sealed=other))

    await control.write(swap())
    with pytest.raises(ConfigurationError):
        await processes.open()
    with pytest.raises(Conflict):
        await rooms.identity.keys.reseal()
