"""API keys across processes, at once, and when their owner goes."""

import asyncio
import time

import pytest

from mainstay.base.errors import Conflict, SignInRequired
from mainstay.base.tenant import DEFAULT_TENANT
from mainstay.identity.api_keys.api_key import Maker, NewKey
from tests.rooms.identity.clock import WoundClock
from tests.rooms.identity.rooms import PASSWORD, House, Rooms


async def maker(rooms: Rooms, *roles: str) -> Maker:
    user = await rooms.identity.create_user("ada@example.org", PASSWORD, roles or ("user",))
    return Maker(user.id, DEFAULT_TENANT, rooms.identity.catalogue.scopes_of(frozenset(roles or ("user",))))


async def key_of(rooms: Rooms, ada: Maker) -> NewKey:
    return await rooms.identity.api_keys.create(ada, ada.user_id, "a program", ["books:read"])


async def test_a_key_revoked_here_is_refused_there_when_that_is_heard(processes: House) -> None:
    here, there = await processes.open(), await processes.open()
    ada = await maker(here)
    made = await key_of(here, ada)
    token = made.secret.encode()
    assert (await there.identity.verify(token)).api_key_id == made.key.id
    assert there.identity.verify_now(token) is not None
    await here.identity.api_keys.revoke(ada.user_id, DEFAULT_TENANT, made.key.id)
    assert here.identity.verify_now(token) is None
    await there.revoke_elsewhere()
    assert there.identity.verify_now(token) is None
    with pytest.raises(SignInRequired):
        await there.identity.verify(token)


async def test_a_rotation_without_overlap_and_a_role_taken_reach_the_others_too(processes: House) -> None:
    here, there = await processes.open(), await processes.open()
    ada = await maker(here, "moderator")
    made = await here.identity.api_keys.create(ada, ada.user_id, "x", ["user:read"])
    old = made.secret.encode()
    await there.identity.verify(old)
    newer = await here.identity.api_keys.rotate(ada, ada.user_id, made.key.id, overlap=0)
    await there.revoke_elsewhere()
    with pytest.raises(SignInRequired):
        await there.identity.verify(old)
    verified = await there.identity.verify(newer.secret.encode())
    assert (await there.identity.actor(verified, DEFAULT_TENANT)).scopes == {"user:read"}
    await here.tenancy.set_roles(DEFAULT_TENANT, ada.user_id, ["user"])
    await there.revoke_elsewhere()
    assert there.identity.verify_now(newer.secret.encode()) is None
    verified = await there.identity.verify(newer.secret.encode())
    assert (await there.identity.actor(verified, DEFAULT_TENANT)).scopes == frozenset()


async def test_many_at_once_make_no_more_than_the_limit(rooms: Rooms) -> None:
    ada = await maker(rooms)
    made = await asyncio.gather(*(key_of(rooms, ada) for _ in range(60)), return_exceptions=True)
    assert sum(isinstance(each, NewKey) for each in made) == 50
    assert all(isinstance(each, NewKey | Conflict) for each in made)
    assert len(await rooms.identity.api_keys.list(ada.user_id, DEFAULT_TENANT)) == 50


async def test_rotations_at_once_leave_two_secrets(rooms: Rooms) -> None:
    ada = await maker(rooms)
    made = await key_of(rooms, ada)
    keys = rooms.identity.api_keys
    rotated = await asyncio.gather(*(keys.rotate(ada, ada.user_id, made.key.id) for _ in range(5)))
    good = 0
    for each in (made, *rotated):
        try:
            await rooms.identity.verify(each.secret.encode())
            good += 1
        except SignInRequired:
            pass
    assert good == 2


async def test_a_deletion_that_is_announced_stops_keys_until_it_is_called_off(rooms: Rooms, clock: WoundClock) -> None:
    ada = await maker(rooms)
    made = await key_of(rooms, ada)
    await rooms.identity.verify(made.secret.encode())
    await rooms.identity.accounts.schedule_deletion(ada.user_id)
    with pytest.raises(SignInRequired):
        await rooms.identity.verify(made.secret.encode())
    # Signing in calls it off.
    await rooms.identity.sign_in("ada@example.org", PASSWORD)
    await rooms.identity.verify(made.secret.encode())
    await rooms.identity.set_active(ada.user_id, False)
    with pytest.raises(SignInRequired):
        await rooms.identity.verify(made.secret.encode())


async def test_a_warm_key_costs_no_more_than_a_warm_token(rooms: Rooms) -> None:
    ada = await maker(rooms)
    token = (await key_of(rooms, ada)).secret.encode()
    await rooms.identity.verify(token)
    verify, best = rooms.identity.verify_now, 1.0
    for _ in range(20):
        started = time.perf_counter()
        for _ in range(1000):
            verify(token)
        best = min(best, (time.perf_counter() - started) / 1000)
    # The bar is two microseconds on an idle core; this one is shared.
    assert best < 6e-6, f"{best * 1e6:.2f} µs"
    print(f"warm key: {best * 1e6:.2f} µs")
