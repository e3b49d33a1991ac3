"""What a session says of itself: how it was proved, as whom, from where; and what its user is told."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import jwt
import pytest

from mainstay.base.errors import SignInRequired
from mainstay.identity.ports import Step
from mainstay.identity.sessions.device import device_of
from mainstay.identity.sessions.start_session import start_session, strengthen_session
from tests.rooms.identity.clock import WoundClock
from tests.rooms.identity.rooms import PASSWORD, House, Rooms

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Mobile Safari/604.1"


@dataclass
class Letterbox:
    """Letters, as they were wanted."""

    letters: list[tuple[str, str, Mapping[str, Any]]] = field(default_factory=list)

    def letter(
        self, kind: str, to: str, values: Mapping[str, Any], language: str | None = None, person: UUID | None = None
    ) -> Sequence[Step]:
        self.letters.append((kind, to, values))
        return ()

    def belong(self, address: str, person: UUID) -> Sequence[Step]:
        return ()


async def user_of(rooms: Rooms) -> UUID:
    return (await rooms.identity.create_user("ada@example.org", PASSWORD)).id


def claims(token: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


async def test_tokens_and_actors_say_how_and_when_it_was_proved(rooms: Rooms, clock: WoundClock) -> None:
    started = clock.now()
    tokens = await start_session(rooms.identity._room, await user_of(rooms), methods=["otp", "pwd", "mfa"])
    clock.advance(100)
    tokens = await rooms.identity.refresh(tokens.refresh_token)
    said = claims(tokens.access_token)
    assert (said["amr"], said["auth_time"]) == (["mfa", "otp", "pwd"], int(started.timestamp()))
    actor = rooms.identity.actor_of(await rooms.identity.verify(tokens.access_token.encode()), frozenset({"user"}))
    assert (actor.methods, actor.authenticated_at) == (frozenset({"mfa", "otp", "pwd"}), started)
    assert actor.impersonator_id is None


async def test_a_step_up_holds_at_once_for_tokens_in_use_and_in_every_process(
    processes: House, clock: WoundClock
) -> None:
    here, there = await processes.open(), await processes.open()
    tokens = await start_session(here.identity._room, await user_of(here), methods=["pwd"])
    token = tokens.access_token.encode()
    for rooms in (here, there):
        assert (await rooms.identity.verify(token)).methods == {"pwd"}
    clock.advance(0.5)
    strengthened = clock.now()
    await strengthen_session(here.identity._room, tokens.session.id, ["hwk"])
    await there.revoke_elsewhere()
    for rooms in (here, there):
        verified = await rooms.identity.verify(token)
        assert (verified.methods, verified.authenticated_at) == (frozenset({"pwd", "hwk"}), strengthened)
    newer = claims((await there.identity.refresh(tokens.refresh_token)).access_token)
    assert (newer["amr"], newer["auth_time"]) == (["hwk", "pwd"], int(strengthened.timestamp()))


async def test_a_session_that_has_ended_gets_no_stronger(rooms: Rooms) -> None:
    tokens = await start_session(rooms.identity._room, await user_of(rooms), methods=["pwd"])
    await rooms.identity.sign_out(tokens.session.user_id, tokens.session.id)
    with pytest.raises(SignInRequired):
        await strengthen_session(rooms.identity._room, tokens.session.id, ["hwk"])


async def test_somebody_who_acts_as_a_user_is_named_and_gets_no_longer_by_use(rooms: Rooms) -> None:
    user = await user_of(rooms)
    admin = (await rooms.identity.create_user("root@example.org", PASSWORD, ["admin"])).id
    tokens = await start_session(rooms.identity._room, user, methods=["pwd"], impersonator_id=admin)
    verified = await rooms.identity.verify(tokens.access_token.encode())
    assert (verified.user_id, verified.impersonator_id) == (user, admin)
    assert rooms.identity.actor_of(verified, frozenset({"user"})).impersonator_id == admin
    assert claims(tokens.access_token)["act"] == {"sub": str(admin)}


async def test_a_device_that_was_not_seen_before_is_told_once(rooms: Rooms) -> None:
    box = Letterbox()
    room = replace(rooms.identity._room, letters=box, places=lambda address: "Oslo")
    user = await user_of(rooms)

    async def enter(agent: str, **more: Any) -> int:
        before = len(box.letters)
        await start_session(room, user, methods=["pwd"], user_agent=agent, address="192.0.2.7", **more)
        return len(box.letters) - before

    assert await enter(WINDOWS) == 0, "the first of all is no surprise"
    assert await enter(PHONE) == 1
    assert await enter(PHONE.replace("18_5", "18_6")) == 0, "an update is no other device"
    assert await enter(WINDOWS) == 0
    assert await enter("curl/8.0", impersonator_id=user) == 0
    ((kind, to, values),) = box.letters
    assert (kind, to, values["device"], values["address"]) == (
        "new-device", "ada@example.org", "Safari on iPhone", "192.0.2.7 (Oslo)",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        (WINDOWS, "Firefox on Windows"),
        (PHONE, "Safari on iPhone"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36", "Chrome on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/140 Mobile Safari/537.36",
         "Chrome on Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.5 Safari/605.1.15",
         "Safari on macOS"),
        ("python-httpx/0.28.1", "Python"),
        ("curl/8.5.0", "curl"),
        ("", "Unknown device"),
        (None, "Unknown device"),
        ("\u202e<script>", "Unknown device"),
    ],
)  # fmt: skip
def test_a_device_is_named_in_words(agent: str | None, device: str) -> None:
    assert device_of(agent) == device


async def test_what_was_seen_is_written_when_a_flush_returns_also_where_another_took_it(rooms: Rooms) -> None:
    await user_of(rooms)
    value = (await rooms.identity.sign_in("ada@example.org", PASSWORD, kind="cookie")).refresh_token.encode()
    browsers, sightings = rooms.identity.browsers, rooms.identity._room.sightings
    await browsers.verify([(b"cookie", browsers.session_cookie.sent_as.encode() + b"=" + value)], "GET")
    under_way = asyncio.ensure_future(sightings.flush())
    await asyncio.sleep(0)
    await sightings.flush()
    assert under_way.done()
    await under_way
