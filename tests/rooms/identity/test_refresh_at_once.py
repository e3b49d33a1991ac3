"""The usual refresh is one statement, which says of a family what `Family` says and holds back from all else."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import bindparam, select, update

from mainstay.base.secret import MasterKey, Secret
from mainstay.identity.errors import RefreshRefused
from mainstay.identity.sessions.refreshing.refresh_at_once import refresh_at_once
from mainstay.identity.sessions.session import Tokens
from mainstay.identity.sessions.start_session import start_session
from mainstay.identity.tables import FAMILY_COLUMNS, sessions, users
from mainstay.identity.tokens.family import MOST_PAST, Family, Verdict, family_of
from mainstay.identity.tokens.refresh_token import FamilyTokens
from tests.rooms.identity.clock import WoundClock
from tests.rooms.identity.rooms import PASSWORD, House, Rooms

ADA = "ada@example.org"
WINDOW = 30_000
SALT = select(sessions.c.salt).where(sessions.c.id == bindparam("session"))
FAMILY = select(*FAMILY_COLUMNS).where(sessions.c.id == bindparam("session"))
ROW = select(*sessions.c).where(sessions.c.id == bindparam("session"))


async def started(rooms: Rooms, **facts: Any) -> Tokens:
    identity = rooms.identity
    user = await identity.find_user(ADA) or await identity.create_user(ADA, PASSWORD)
    return await start_session(identity._room, user.id, methods=["pwd"], **facts)


async def at_once(rooms: Rooms, token: str) -> Tokens | None:
    room = rooms.identity._room
    shown = room.family_tokens.read("bearer", token)
    assert shown is not None
    return await refresh_at_once(room, shown)


async def changed(rooms: Rooms, tokens: Tokens, **values: Any) -> None:
    control = rooms.identity._room.control
    change = update(sessions).where(sessions.c.id == bindparam("session")).values(values)
    await control.write(alone(control.step(change, session=tokens.session.id)))


def alone(step: Any) -> Any:
    return (yield step)


async def spelt(rooms: Rooms, tokens: Tokens, number: int, by: FamilyTokens | None = None, salt: str = "") -> str:
    """The token of this number, made by whoever has these halves of what it takes."""
    room, session = rooms.identity._room, tokens.session.id
    kept = (await room.control.fetch(SALT, session=session))[0][0]
    return (by or room.family_tokens).spell("bearer", session.bytes, number, salt or kept)


async def test_the_usual_refresh_is_one_statement(rooms: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = await started(rooms)
    tokens = await rooms.identity.refresh(tokens.refresh_token)  # from here on the roles are known
    run: list[str] = []
    engine: Any = rooms.database.engine
    for name in ("fetch", "write"):
        monkeypatch.setattr(engine, name, counted(run, name, getattr(engine, name)))
    now = counted(run, "fetch_now", rooms.database.fetch_now)
    monkeypatch.setattr(rooms.database, "fetch_now", now)
    assert await rooms.identity.refresh(tokens.refresh_token)
    assert run == ["write"]
    assert await rooms.identity.refresh(tokens.refresh_token)  # within the window: it has to be looked at
    assert len(run) > 2


def counted(run: list[str], name: str, through: Callable[..., Any]) -> Callable[..., Any]:
    def call(*given: Any, **named: Any) -> Any:
        run.append(name)
        return through(*given, **named)

    return call


async def test_the_statement_moves_a_family_on_as_the_model_does(rooms: Rooms, clock: WoundClock) -> None:
    tokens = await started(rooms)
    control, drawn = rooms.identity._room.control, random.Random(4)
    for _ in range(40):
        now = int(clock.now().timestamp() * 1000)
        before = a_family(drawn, now)
        await changed(rooms, tokens, **before.kept())
        assert await at_once(rooms, await spelt(rooms, tokens, before.current))
        after = family_of(*(await control.fetch(FAMILY, session=tokens.session.id))[0])
        wanted, verdict = before.exchange(before.current, now, WINDOW)
        assert verdict is Verdict.NEXT
        assert len(after.past) <= MOST_PAST
        assert (after.current, after.parent, after.seen, after.lost) == (
            wanted.current, wanted.parent, wanted.seen, wanted.lost
        )  # fmt: skip
        # What the statement leaves in place is taken as little notice of as what the model leaves out.
        for later in (now - 60_000, now, now + 20_000, now + 40_000):
            for number in range(wanted.current + 2):
                assert after.exchange(number, later, WINDOW)[1] is wanted.exchange(number, later, WINDOW)[1]
        clock.advance(drawn.choice([0.01, 5, 31]))


def a_family(drawn: random.Random, now: int) -> Family:
    current = drawn.randint(0, 24)
    ages = sorted((drawn.choice([0, 9_000, 29_999, 30_000, 30_001, 70_000]) for _ in range(current)), reverse=True)
    past = tuple((number, now - age) for number, age in enumerate(ages))[-MOST_PAST:]
    lost = tuple((number, now - 50) for number in range(current) if drawn.random() < 0.1)
    parent = current - 1 if current else None
    return Family(current, parent, drawn.random() < 0.5, past, lost)


def test_what_was_out_of_date_once_stays_so_when_a_clock_is_set_back() -> None:
    hour = 3_600_000
    family = Family(3, 2, True, ((0, hour), (1, hour + 5_000), (2, 2 * hour)), ())
    assert family.exchange(1, hour + 6_000, WINDOW)[1] is Verdict.STOLEN
    assert family.exchange(2, hour + 6_000, WINDOW)[1] is Verdict.SAME


WRONG: tuple[dict[str, Any], ...] = (
    {"ended_at": "now"},
    {"expires_at": "now"},
    {"impersonator_id": "user"},
    {"kind": "cookie"},
    {"salt": ""},
    {"number": 3},
)


async def test_nothing_is_moved_on_by_a_token_that_is_out_of_the_ordinary(rooms: Rooms, clock: WoundClock) -> None:
    for change in WRONG:
        tokens = await started(rooms)
        known = {"now": clock.now(), "user": tokens.session.user_id}
        await changed(rooms, tokens, **{name: known.get(value, value) for name, value in change.items()})
        await held_back(rooms, tokens, await spelt(rooms, tokens, 0))


async def test_nothing_is_moved_on_for_a_shut_account(rooms: Rooms) -> None:
    tokens = await started(rooms)
    # Not as it is done, which ends the sessions as well: by itself it has to be enough.
    control = rooms.identity._room.control
    await control.write(alone(control.step(update(users).values(active=False))))
    await held_back(rooms, tokens, tokens.refresh_token)


async def test_neither_half_of_what_tokens_are_made_of_is_enough(rooms: Rooms) -> None:
    tokens = await started(rooms)
    room = rooms.identity._room
    by_key_alone = await spelt(rooms, tokens, 0, salt="a salt that somebody made up")
    await held_back(rooms, tokens, by_key_alone)
    by_copy_alone = await spelt(rooms, tokens, 0, FamilyTokens(MasterKey(Secret("another master key, just as long"))))
    assert room.family_tokens.read("bearer", by_copy_alone) is None
    await refused(rooms, by_copy_alone)
    # Neither has ended the session, however often it is shown, and whatever number it names.
    after = await rooms.identity.refresh(tokens.refresh_token)
    for number in (0, 1, 2):
        await refused(rooms, await spelt(rooms, tokens, number, salt="a salt that somebody made up"))
    assert await rooms.identity.refresh(after.refresh_token)


async def test_tokens_of_a_former_master_key_are_moved_on(processes: House) -> None:
    old = MasterKey(Secret("the master key there was before this"))
    before = await processes.open(master=old)
    tokens = await started(before)
    after = await processes.open(master=MasterKey(Secret("the master key there is now, as long"), [old]))
    moved = await at_once(after, tokens.refresh_token)
    assert moved is not None
    assert before.identity._room.family_tokens.read("bearer", moved.refresh_token) is None
    assert await after.identity.refresh(moved.refresh_token)


async def test_a_token_is_spelled_in_one_way(rooms: Rooms) -> None:
    token = (await started(rooms)).refresh_token
    read = rooms.identity._room.family_tokens.read
    assert read("bearer", token)
    assert read("cookie", token) is None
    last = "AEIMQUYcgkosw048".index(token[-1])
    spare = "BCDFGHJKLNOPRSTVWXZabdefhijlmnpqrtuvxyz1235679-_"[last]
    for other in (token + "=", token[:-1], token + "A", token[:-1] + spare, f" {token}", token.replace("mrt_", "mst_")):
        assert read("bearer", other) is None
    for at in range(4, len(token)):
        assert read("bearer", token[:at] + ("B" if token[at] != "B" else "C") + token[at + 1 :]) is None


async def test_the_end_of_a_session_moves_on_when_it_has_fallen_behind(rooms: Rooms, clock: WoundClock) -> None:
    tokens = await started(rooms)
    began = tokens.session.expires_at
    clock.advance(3_600)
    assert await at_once(rooms, tokens.refresh_token) is not None  # four thousandths behind
    (ends,) = [each.expires_at for each in await rooms.identity.list_sessions(tokens.session.user_id)]
    assert ends == began
    clock.advance(86_400)
    newer = await rooms.identity.refresh(await spelt(rooms, tokens, 1))
    assert newer.session.id == tokens.session.id
    (ends,) = [each.expires_at for each in await rooms.identity.list_sessions(tokens.session.user_id)]
    assert ends == began + timedelta(seconds=3_600 + 86_400)


async def test_what_was_seen_of_a_token_is_not_taken_for_its_successor(rooms: Rooms) -> None:
    tokens = await started(rooms)
    room, session = rooms.identity._room, tokens.session.id
    first = await rooms.identity.refresh(tokens.refresh_token)
    await rooms.identity.verify(first.access_token.encode())  # noted, and written a moment later
    await rooms.identity.refresh(first.refresh_token)
    await room.sightings.flush()
    family = family_of(*(await room.control.fetch(FAMILY, session=session))[0])
    assert (family.current, family.seen) == (2, False)


async def test_the_session_of_an_answer_is_the_row(rooms: Rooms) -> None:
    tokens = await started(rooms, scopes=["books:read"], user_agent="A browser", address="192.0.2.1")
    moved = await at_once(rooms, tokens.refresh_token)
    assert moved is not None
    assert moved.session == tokens.session
    assert (moved.kind, moved.scope, moved.expires_in) == ("bearer", "books:read", 600)


async def held_back(rooms: Rooms, tokens: Tokens, token: str) -> None:
    control = rooms.identity._room.control
    before = await control.fetch(ROW, session=tokens.session.id)
    assert await at_once(rooms, token) is None
    assert await control.fetch(ROW, session=tokens.session.id) == before
    await refused(rooms, token)


async def refused(rooms: Rooms, token: str) -> None:
    with pytest.raises(RefreshRefused):
        await rooms.identity.refresh(token)
