"""What is revoked in one process is refused in all of them, and nothing is believed while nothing is heard."""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from uuid import UUID

import pytest
from sqlalchemy import insert, select, update

from mainstay.base.clock import SystemClock
from mainstay.base.errors import SignInRequired
from mainstay.identity.sessions.session import Tokens
from mainstay.identity.tables import revocations, sessions, users
from mainstay.storage.control import Step
from mainstay.storage.statement import Rows
from tests.databases import Urls
from tests.patience import soon
from tests.rooms.identity.clock import WoundClock
from tests.rooms.identity.rooms import PASSWORD, House, Rooms, house

ADA = "ada@example.org"


async def tokens_of(rooms: Rooms, email: str = ADA) -> tuple[UUID, UUID, bytes]:
    if await rooms.identity.find_user(email) is None:
        await rooms.identity.create_user(email, PASSWORD)
    tokens: Tokens = await rooms.identity.sign_in(email, PASSWORD)
    token = tokens.access_token.encode()
    verified = await rooms.identity.verify(token)
    return verified.user_id, tokens.session.id, token


async def test_a_verified_token_is_known_again_without_asking(rooms: Rooms) -> None:
    _, session, token = await tokens_of(rooms)
    known = rooms.identity.verify_now(token)
    assert known is not None
    assert known.session_id == session
    assert rooms.identity.verify_now(token[:-1] + b"x") is None
    assert rooms.identity.verify_now(b"") is None


async def test_a_remembered_token_is_forgotten_when_it_expires(processes: House, clock: WoundClock) -> None:
    rooms = await processes.open(access_seconds=40)
    _, _, token = await tokens_of(rooms)
    for seconds, remembered in ((20, True), (19.5, True), (0.6, False)):
        clock.advance(seconds)
        await rooms.revoke_elsewhere()
        assert (rooms.identity.verify_now(token) is not None) is remembered
    with pytest.raises(SignInRequired):
        await rooms.identity.verify(token)


async def test_nothing_is_believed_when_revocations_were_not_heard_for_a_second(
    rooms: Rooms, clock: WoundClock
) -> None:
    _, _, token = await tokens_of(rooms)
    clock.advance(0.9)
    assert rooms.identity.verify_now(token) is not None
    clock.advance(0.2)
    assert rooms.identity.verify_now(token) is None
    # The database is asked instead, and still vouches for it.
    assert (await rooms.identity.verify(token)).user_id
    await rooms.revoke_elsewhere()
    assert rooms.identity.verify_now(token) is not None


Change = Callable[[Rooms, UUID, UUID], Awaitable[object]]
CHANGES: dict[str, Change] = {
    "sign-out": lambda rooms, user, session: rooms.identity.sign_out(user, session),
    "sign-out everywhere": lambda rooms, user, session: rooms.identity.sign_out_everywhere(user),
    "a shut account": lambda rooms, user, session: rooms.identity.set_active(user, False),
    "other roles": lambda rooms, user, session: rooms.tenancy.set_roles(
        rooms.tenancy.default_scope().tenant_id, user, ["editor"]
    ),
    "taken out of the tenant": lambda rooms, user, session: rooms.tenancy.remove_member(
        rooms.tenancy.default_scope().tenant_id, user
    ),
    "a suspended tenant": lambda rooms, user, session: rooms.tenancy.suspend(rooms.tenancy.default_scope().tenant_id),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_in_one_process_is_heard_by_the_others_at_their_next_poll(processes: House, change: str) -> None:
    here, there = await processes.open(), await processes.open()
    user, session, token = await tokens_of(here)
    await there.identity.verify(token)
    assert there.identity.verify_now(token) is not None
    await CHANGES[change](here, user, session)
    assert here.identity.verify_now(token) is None
    await there.revoke_elsewhere()
    assert there.identity.verify_now(token) is None


async def test_a_change_for_one_user_leaves_others_remembered(processes: House) -> None:
    here, there = await processes.open(), await processes.open()
    user, session, _ = await tokens_of(here)
    _, _, other = await tokens_of(there, "bob@example.org")
    _, _, same_user = await tokens_of(there)
    await here.identity.sign_out(user, session)
    await there.revoke_elsewhere()
    assert there.identity.verify_now(other) is not None
    assert there.identity.verify_now(same_user) is not None


async def test_a_verification_that_a_revocation_overtakes_is_not_remembered(postgresql_urls: Urls) -> None:
    """On SQLite there is no such moment: the session is read without leaving the loop."""
    async with house(postgresql_urls, SystemClock()) as built:
        rooms = await built.open()
        user, _, _ = await tokens_of(rooms)
        token = (await rooms.identity.sign_in(ADA, PASSWORD)).access_token.encode()
        verifying = asyncio.ensure_future(rooms.identity.verify(token))
        await asyncio.sleep(0)  # it now waits for the database
        rooms.identity.revocations.applied(user)
        assert (await verifying).user_id == user
        assert rooms.identity.verify_now(token) is None


async def test_a_number_that_appears_late_is_still_heard(processes: House, clock: WoundClock) -> None:
    """PostgreSQL numbers rows before they are committed: number 1 may become visible after number 2."""
    here, there = await processes.open(), await processes.open()
    user, _, token = await tokens_of(here)
    await there.identity.verify(token)
    control = here.identity._room.control

    def late(sequence: int, who: UUID) -> Generator[Step, Rows, None]:
        row = {"seq": sequence, "user_id": who, "session_id": None, "at": clock.now()}
        yield control.step(insert(revocations).values(row))

    await control.write(late(1002, UUID(int=7)))
    await there.revoke_elsewhere()
    assert there.identity.verify_now(token) is not None
    await control.write(late(1001, user))
    clock.advance(0.5)
    await there.revoke_elsewhere()
    assert there.identity.verify_now(token) is None


async def test_after_a_long_sleep_nothing_is_remembered(rooms: Rooms, clock: WoundClock) -> None:
    _, _, token = await tokens_of(rooms)
    clock.advance(45)
    await rooms.revoke_elsewhere()
    assert rooms.identity.verify_now(token) is None


async def test_the_memory_is_bounded(processes: House) -> None:
    rooms = await processes.open(remembered_tokens=16)
    await rooms.identity.create_user(ADA, PASSWORD)
    tokens = [(await rooms.identity.sign_in(ADA, PASSWORD)).access_token.encode() for _ in range(40)]
    for token in tokens:
        await rooms.identity.verify(token)
    known = [rooms.identity.verify_now(token) is not None for token in tokens]
    assert sum(known) <= 16
    assert known[-1]


async def test_within_a_second_on_the_real_clock(urls: Urls) -> None:
    """The pollers themselves, four times a second."""
    async with house(urls, SystemClock()) as built:
        here, there = await built.open(poll_seconds=0.25), await built.open(poll_seconds=0.25)
        user, session, token = await tokens_of(here)
        await there.identity.verify(token)
        assert there.identity.verify_now(token) is not None
        await here.identity.sign_out(user, session)

        async def forgotten() -> bool:
            return there.identity.verify_now(token) is None

        await soon(forgotten)


async def test_a_cookie_stops_within_a_second_as_well(urls: Urls) -> None:
    async with house(urls, SystemClock()) as built:
        here, there = await built.open(poll_seconds=0.25), await built.open(poll_seconds=0.25)
        user, _, _ = await tokens_of(here)
        tokens = await here.identity.sign_in("ada@example.org", PASSWORD, kind="cookie")
        browsers, value = there.identity.browsers, tokens.refresh_token.encode()
        await browsers.verify([(b"cookie", browsers.session_cookie.sent_as.encode() + b"=" + value)], "GET")
        assert browsers.recall(value) is not None
        await here.identity.end_session(user, tokens.session.id)

        async def forgotten() -> bool:
            return browsers.recall(value) is None

        await soon(forgotten)


async def test_without_its_poller_a_process_asks_the_database(urls: Urls) -> None:
    async with house(urls, SystemClock()) as built:
        here = await built.open(poll_seconds=3600.0, stale_seconds=0.2)
        user, session, token = await tokens_of(here)
        await asyncio.sleep(0.25)
        assert here.identity.verify_now(token) is None
        assert (await here.identity.verify(token)).session_id == session
        await here.identity.sign_out(user, session)
        with pytest.raises(SignInRequired):
            await here.identity.verify(token)


async def test_what_nobody_needs_any_more_is_swept_away(processes: House, clock: WoundClock) -> None:
    rooms = await processes.open(idle_days=1)
    control = rooms.identity._room.control
    user, session, _ = await tokens_of(rooms)
    await rooms.identity.sign_out(user, session)
    for _ in range(2):  # heard, and half a minute later settled
        await rooms.revoke_elsewhere()
        clock.advance(40)
    await rooms.revoke_elsewhere()
    clock.advance(3 * 86_400)
    _, kept, token = await tokens_of(rooms)
    await rooms.identity.revocations.sweep()
    assert [row[0] for row in await control.fetch(select(sessions.c.id))] == [kept]
    assert await control.fetch(select(revocations.c.seq)) == []
    # Numbers go on where they were: a lower one would not be looked at.
    await rooms.revoke_elsewhere()
    await rooms.identity.verify(token)
    other = await processes.open()
    await other.identity.sign_out(user, kept)
    await rooms.revoke_elsewhere()
    assert rooms.identity.verify_now(token) is None


async def test_a_user_who_is_not_active_is_refused_whatever_their_sessions_say(rooms: Rooms) -> None:
    """An account that was shut while somebody was signing in to it has a session that nobody ended."""
    _, _, token = await tokens_of(rooms)
    control = rooms.identity._room.control
    refresh = (await rooms.identity.sign_in(ADA, PASSWORD)).refresh_token

    def shut() -> Generator[Step, Rows, None]:
        yield control.step(update(users).where(users.c.email == ADA).values(active=False))

    await control.write(shut())
    rooms.identity.revocations.applied(None)
    with pytest.raises(SignInRequired):
        await rooms.identity.verify(token)
    with pytest.raises(SignInRequired):
        await rooms.identity.refresh(refresh)
