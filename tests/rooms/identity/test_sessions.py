"""Signing up, in and out, and what becomes of tokens."""

import asyncio

import pytest
from sqlalchemy import select

from mainstay.base.errors import ConfigurationError, Forbidden, Invalid, SignInRequired
from mainstay.base.secret import MasterKey, Secret
from mainstay.identity import Identity, PasswordOptions
from mainstay.identity.email_address import require_address
from mainstay.identity.errors import EmailTaken, RefreshRefused, ScopeRefused, WrongCredentials
from mainstay.identity.sessions.session import Tokens
from mainstay.identity.tables import credentials, sessions, signing_keys
from mainstay.tenancy import Header
from tests.rooms.identity.clock import WoundClock
from tests.rooms.identity.rooms import PASSWORD, House, Rooms

ADA = "ada@example.org"


async def signed_in(identity: Identity, email: str = ADA, **wishes: object) -> Tokens:
    if await identity.find_user(email) is None:
        await identity.create_user(email, PASSWORD)
    return await identity.sign_in(email, PASSWORD, **wishes)  # type: ignore[arg-type]  # passed on as they are


async def holds(identity: Identity, tokens: Tokens) -> bool:
    try:
        await identity.verify(tokens.access_token.encode())
    except SignInRequired:
        return False
    return True


async def test_a_new_account_signs_in_and_its_token_names_it(rooms: Rooms) -> None:
    user = await rooms.identity.create_user("  Ada@Example.ORG ", PASSWORD)
    assert user.email == ADA
    tokens = await rooms.identity.sign_in("ADA@example.org", PASSWORD)
    verified = await rooms.identity.verify(tokens.access_token.encode())
    assert verified.user_id == user.id
    assert tokens.expires_in == 600
    own = {"profile:read", "profile:write", "api_keys:read", "api_keys:write"}
    assert set(tokens.scope.split()) == {"books:delete", "books:read", "books:write"} | own


async def test_an_address_has_one_account_however_it_is_capitalised(rooms: Rooms) -> None:
    await rooms.identity.create_user(ADA, PASSWORD)
    with pytest.raises(EmailTaken):
        await rooms.identity.create_user("ADA@EXAMPLE.ORG", PASSWORD)
    assert len(await rooms.identity.list_users()) == 1


async def test_a_deed_is_done_once_by_all_workers_together(processes: House) -> None:
    one, two = await processes.open(), await processes.open()
    tried = await asyncio.gather(
        *(
            each.identity.create_user(f"{number}@example.org", PASSWORD, ["admin"], once="first-admin")
            for number, each in enumerate((one, two, one, two))
        ),
        return_exceptions=True,
    )
    assert sorted(type(result).__name__ for result in tried) == ["AlreadyDone", "AlreadyDone", "AlreadyDone", "User"]
    assert len(await one.identity.list_users()) == 1


async def test_a_user_made_for_a_tenant_is_a_member_of_that_one_alone(processes: House) -> None:
    rooms = await processes.open(resolvers=(Header(),))
    acme = await rooms.tenancy.create("Acme")
    user = await rooms.identity.create_user(ADA, PASSWORD, ["editor"], tenant=acme.id)
    assert await rooms.tenancy.roles_of(user.id, acme.id) == frozenset({"editor"})
    assert [tenant.slug for tenant in await rooms.tenancy.tenants_of(user.id)] == ["acme"]
    tokens = await rooms.identity.sign_in(ADA, PASSWORD)
    assert (await rooms.identity.verify(tokens.access_token.encode())).tenant_id == acme.id


async def test_two_sign_ups_at_once_make_one_account(processes: House) -> None:
    one, two = await processes.open(), await processes.open()
    tried = await asyncio.gather(
        *(each.identity.create_user(ADA, PASSWORD) for each in (one, two, one, two)), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in tried) == ["EmailTaken", "EmailTaken", "EmailTaken", "User"]


@pytest.mark.parametrize(
    "email", ["", "ada", "ada@", "@example.org", "a b@example.org", "ada@exa mple.org", "a\x00@b.c"]
)
def test_what_is_not_an_address_is_refused(email: str) -> None:
    with pytest.raises(Invalid):
        require_address(email)
    assert require_address(" Ada+tag@Example.org ") == "ada+tag@example.org"


async def test_what_does_not_match_gets_one_answer(rooms: Rooms) -> None:
    await signed_in(rooms.identity)
    wrong = [(ADA, "wrong horse battery"), ("bob@example.org", PASSWORD), ("\x00", PASSWORD), ("x" * 300, PASSWORD)]
    for email, password in [*wrong, ("é", "é")]:
        with pytest.raises(WrongCredentials) as refused:
            await rooms.identity.sign_in(email, password)
        assert refused.value.detail == "The e-mail address or the password is wrong."


async def test_a_shut_account_gets_the_answer_of_a_wrong_password(rooms: Rooms) -> None:
    await signed_in(rooms.identity)
    user = await rooms.identity.find_user(ADA)
    assert user is not None
    await rooms.identity.set_active(user.id, False)
    with pytest.raises(WrongCredentials):
        await rooms.identity.sign_in(ADA, PASSWORD)
    await rooms.identity.set_active(user.id, True)
    assert await rooms.identity.sign_in(ADA, PASSWORD)


async def test_an_old_hash_is_made_anew_at_sign_in(processes: House) -> None:
    old = await processes.open()
    await old.identity.create_user(ADA, PASSWORD)
    new = await processes.open(passwords=PasswordOptions(memory_kib=128, passes=1))
    assert not (await old.identity._room.hashing.verify(await secret_of(old), PASSWORD)).outdated
    await new.identity.sign_in(ADA, PASSWORD)
    assert (await old.identity._room.hashing.verify(await secret_of(old), PASSWORD)).outdated
    assert await old.identity.sign_in(ADA, PASSWORD)


async def secret_of(rooms: Rooms) -> str:
    rows = await rooms.identity._room.control.fetch(select(credentials.c.secret))
    return str(rows[0][0])


async def test_a_session_may_ask_for_fewer_scopes_and_is_told_which_it_got(rooms: Rooms) -> None:
    tokens = await signed_in(rooms.identity, scopes=["books:read", "admin:write", "unheard:of"])
    assert tokens.scope == "books:read"
    verified = await rooms.identity.verify(tokens.access_token.encode())
    actor = rooms.identity.actor_of(verified, frozenset({"user"}))
    assert (actor.scopes, actor.narrowed) == (frozenset({"books:read"}), True)
    assert (await rooms.identity.refresh(tokens.refresh_token)).scope == "books:read"


async def test_a_session_that_could_get_no_scope_is_refused(rooms: Rooms) -> None:
    with pytest.raises(ScopeRefused) as refused:
        await signed_in(rooms.identity, scopes=["admin:write"])
    assert (refused.value.status, refused.value.extra) == (403, {"missing_scopes": ["admin:write"]})


async def test_an_administrator_holds_every_scope(rooms: Rooms) -> None:
    await rooms.identity.create_user("root@example.org", PASSWORD, ["admin"])
    tokens = await rooms.identity.sign_in("root@example.org", PASSWORD)
    assert tokens.scope.split() == [scope.name for scope in rooms.identity.catalogue.list()]


# Refreshing


async def test_refreshing_gives_a_new_pair_of_the_same_session(rooms: Rooms) -> None:
    first = await signed_in(rooms.identity)
    second = await rooms.identity.refresh(first.refresh_token)
    assert second.refresh_token != first.refresh_token
    verified = [await rooms.identity.verify(each.access_token.encode()) for each in (first, second)]
    assert verified[0].session_id == verified[1].session_id
    assert await rooms.identity.refresh(second.refresh_token)


async def test_a_lost_answer_is_given_again_inside_the_grace_window(rooms: Rooms, clock: WoundClock) -> None:
    first = await signed_in(rooms.identity)
    second = await rooms.identity.refresh(first.refresh_token)
    clock.advance(30)
    again = await rooms.identity.refresh(first.refresh_token)
    assert again.refresh_token == second.refresh_token


async def test_two_workers_at_once_give_one_successor(processes: House) -> None:
    one, two = await processes.open(), await processes.open()
    first = await signed_in(one.identity)
    answers = await asyncio.gather(*(each.identity.refresh(first.refresh_token) for each in (one, two) * 4))
    assert len({answer.refresh_token for answer in answers}) == 1


async def test_a_token_used_again_after_the_window_ends_the_whole_session(rooms: Rooms, clock: WoundClock) -> None:
    stolen = await signed_in(rooms.identity)
    bystander = await signed_in(rooms.identity, "bob@example.org")
    newest = await rooms.identity.refresh(stolen.refresh_token)
    assert await holds(rooms.identity, newest)
    await rooms.revoke_elsewhere()
    clock.advance(31)
    with pytest.raises(RefreshRefused):
        await rooms.identity.refresh(stolen.refresh_token)
    with pytest.raises(RefreshRefused):
        await rooms.identity.refresh(newest.refresh_token)
    assert not await holds(rooms.identity, newest)
    assert await rooms.identity.refresh(bystander.refresh_token)


async def test_a_made_up_refresh_token_is_refused(rooms: Rooms) -> None:
    for token in ("", "nonsense", "mrt_" + "A" * 43, "é", "\x00"):
        with pytest.raises(RefreshRefused):
            await rooms.identity.refresh(token)


async def test_a_session_ends_when_nobody_uses_it_and_after_its_limit(processes: House, clock: WoundClock) -> None:
    rooms = await processes.open(idle_days=2, limit_days=3)
    tokens = await signed_in(rooms.identity)
    clock.advance(1.5 * 86_400)
    tokens = await rooms.identity.refresh(tokens.refresh_token)
    clock.advance(1.4 * 86_400)
    tokens = await rooms.identity.refresh(tokens.refresh_token)
    clock.advance(0.2 * 86_400)  # in use, and yet over three days old
    with pytest.raises(RefreshRefused):
        await rooms.identity.refresh(tokens.refresh_token)
    idle = await signed_in(rooms.identity)
    clock.advance(2.1 * 86_400)
    with pytest.raises(RefreshRefused):
        await rooms.identity.refresh(idle.refresh_token)


async def test_what_is_stored_opens_no_account(rooms: Rooms) -> None:
    tokens = await signed_in(rooms.identity)
    control = rooms.identity._room.control
    assert tokens.refresh_token not in str(await control.fetch(select(sessions)))
    sealed = str(await control.fetch(select(signing_keys)))
    private = rooms.identity._room.keys.newest.pair.as_dict(private=True)["d"]
    assert str(private) not in sealed
    assert "PRIVATE" not in sealed


# Signing out


async def test_signing_out_ends_one_session_and_no_other(rooms: Rooms) -> None:
    phone, laptop = await signed_in(rooms.identity), await signed_in(rooms.identity)
    verified = await rooms.identity.verify(phone.access_token.encode())
    await rooms.identity.sign_out(verified.user_id, phone.session.id)
    assert not await holds(rooms.identity, phone)
    with pytest.raises(RefreshRefused):
        await rooms.identity.refresh(phone.refresh_token)
    assert await holds(rooms.identity, laptop)
    assert await rooms.identity.refresh(laptop.refresh_token)


async def test_signing_out_everywhere_counts_the_sessions(rooms: Rooms) -> None:
    tokens = [await signed_in(rooms.identity) for _ in range(3)]
    other = await signed_in(rooms.identity, "bob@example.org")
    verified = await rooms.identity.verify(tokens[0].access_token.encode())
    assert len(await rooms.identity.list_sessions(verified.user_id)) == 3
    assert await rooms.identity.sign_out_everywhere(verified.user_id) == 3
    assert [await holds(rooms.identity, each) for each in tokens] == [False] * 3
    assert await holds(rooms.identity, other)
    assert await rooms.identity.list_sessions(verified.user_id) == []


# Keys


async def test_two_workers_and_a_restart_share_the_keys(processes: House) -> None:
    one, two = await asyncio.gather(processes.open(), processes.open())
    assert one.identity.key_set() == two.identity.key_set()
    tokens = await signed_in(one.identity)
    assert await holds(two.identity, tokens)
    after = await processes.open()
    assert await holds(after.identity, tokens)


async def test_a_rotated_key_is_found_by_the_other_worker_and_the_old_one_still_verifies(
    processes: House, clock: WoundClock
) -> None:
    one, two = await processes.open(), await processes.open()
    before = await signed_in(one.identity)
    await one.identity.rotate_keys()
    after = await signed_in(one.identity)
    clock.advance(2)
    assert await holds(two.identity, after)
    assert await holds(two.identity, before)
    assert len(two.identity.key_set()["keys"]) == 2


async def test_another_master_key_cannot_open_the_ring_and_says_what_to_do(processes: House) -> None:
    await processes.open()
    with pytest.raises(ConfigurationError, match="another MAINSTAY_SECRET_KEY"):
        await processes.open(master=MasterKey(Secret("another master key, just as long")))


async def test_the_key_set_holds_no_private_half(rooms: Rooms) -> None:
    (key,) = rooms.identity.key_set()["keys"]
    assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}


# Membership


async def test_somebody_taken_out_of_the_tenant_cannot_sign_in_or_refresh(rooms: Rooms) -> None:
    tokens = await signed_in(rooms.identity)
    user = await rooms.identity.find_user(ADA)
    assert user is not None
    await rooms.tenancy.remove_member(rooms.tenancy.default_scope().tenant_id, user.id)
    with pytest.raises(Forbidden):
        await rooms.identity.sign_in(ADA, PASSWORD)
    with pytest.raises(Forbidden):
        await rooms.identity.refresh(tokens.refresh_token)
