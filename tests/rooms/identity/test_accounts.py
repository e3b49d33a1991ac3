"""Accounts from sign-up to deletion, on both databases."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from mainstay.base.errors import Invalid, NotFound, SignInRequired
from mainstay.identity.accounts import AccountOptions, User
from mainstay.identity.errors import (
    EmailTaken,
    LetterRefused,
    PasswordRefused,
    RefreshRefused,
    UsernameTaken,
    WrongCredentials,
    WrongPassword,
)
from mainstay.identity.sessions.session import Tokens
from tests.rooms.identity.clock import WoundClock
from tests.rooms.identity.rooms import PASSWORD, House, Rooms

ADA = "ada@example.org"
OTHER = "another horse battery"
CONFIRMED = AccountOptions(verified=True, steady_seconds=0.0)


@pytest.fixture
async def strict(processes: House) -> Rooms:
    """One process where addresses are confirmed before anybody signs in."""
    return await processes.open(accounts=CONFIRMED)


async def member(rooms: Rooms, email: str = ADA, **more: Any) -> User:
    return await rooms.identity.create_user(email, PASSWORD, **more)


async def stands(rooms: Rooms, tokens: Tokens) -> bool:
    try:
        await rooms.identity.verify(tokens.access_token.encode())
    except SignInRequired:
        return False
    return True


async def test_an_account_is_made_by_the_letters_link_and_once(strict: Rooms) -> None:
    accounts = strict.identity.accounts
    await accounts.sign_up(f" {ADA.title()} ", PASSWORD, username="Ada", display_name="Ada King", language="en")
    assert await strict.identity.find_user(ADA) is None
    with pytest.raises(WrongCredentials):
        await strict.identity.sign_in(ADA, PASSWORD)
    letter = strict.letters.last(ADA)
    assert (letter.kind, letter.language, letter.values["name"]) == ("verify-email", "en", "Ada King")
    assert letter.values["link"].endswith(f"/auth/verify-email?token={letter.values['token']}")

    user = await accounts.verify_email(letter.values["token"])
    assert (user.email, user.username, user.display_name, user.email_verified) == (ADA, "ada", "Ada King", True)
    assert strict.letters.last(ADA).kind == "welcome"
    with pytest.raises(LetterRefused):
        await accounts.verify_email(letter.values["token"])
    for name in (ADA, "ADA@example.org", "ada", "Ada"):
        assert await stands(strict, await strict.identity.sign_in(name, PASSWORD))


async def test_a_letters_token_is_good_for_a_day_and_is_not_stored(
    strict: Rooms, clock: WoundClock, processes: House
) -> None:
    await strict.identity.accounts.sign_up(ADA, PASSWORD)
    token = strict.letters.last(ADA).values["token"]
    for statement in ("mainstay_account_tokens",):
        assert token not in await everything(strict, statement)
    clock.advance(24 * 3600 + 1)
    with pytest.raises(LetterRefused):
        await strict.identity.accounts.verify_email(token)


async def everything(rooms: Rooms, table: str) -> str:
    def read(connection: object) -> str:
        return str(connection.exec_driver_sql(f"select * from {table}").fetchall())  # type: ignore[attr-defined]  # SQLAlchemy's

    return str(await rooms.database.administer(read, changes=False))


async def test_two_who_confirm_at_once_make_one_account(strict: Rooms) -> None:
    accounts = strict.identity.accounts
    await accounts.sign_up(ADA, PASSWORD)
    await accounts.sign_up(ADA, OTHER)
    tokens = [each.values["token"] for each in strict.letters.sent]
    found = await asyncio.gather(*(accounts.verify_email(each) for each in tokens * 2), return_exceptions=True)
    assert sum(isinstance(each, User) for each in found) == 1
    assert all(isinstance(each, User | EmailTaken | LetterRefused) for each in found), found


async def test_signing_up_again_changes_nothing_and_tells_the_owner(strict: Rooms) -> None:
    await member(strict)
    await strict.identity.accounts.sign_up(ADA, OTHER)
    assert strict.letters.last(ADA).kind == "already-registered"
    assert "token" not in strict.letters.last(ADA).values
    await strict.identity.sign_in(ADA, PASSWORD)
    with pytest.raises(WrongCredentials):
        await strict.identity.sign_in(ADA, OTHER)


async def test_a_taken_or_reserved_username_is_told_whoever_asks(strict: Rooms) -> None:
    await member(strict, username="ada")
    for email in (ADA, "bob@example.org"):
        for name in ("ada", "ADA", "admin", "root"):
            with pytest.raises(UsernameTaken):
                await strict.identity.accounts.sign_up(email, PASSWORD, username=name)
    for name in ("ad", "a..b", "-ada", "ada@x", "\u0430da", "x" * 31, "a b", "ada\u200b"):
        with pytest.raises(Invalid):
            await strict.identity.accounts.sign_up("eve@example.org", PASSWORD, username=name)
    assert strict.letters.sent == []


async def test_a_username_taken_meanwhile_is_left_out(strict: Rooms) -> None:
    await strict.identity.accounts.sign_up(ADA, PASSWORD, username="ada")
    await member(strict, "bob@example.org", username="ada")
    user = await strict.identity.accounts.verify_email(strict.letters.last(ADA).values["token"])
    assert user.username is None


async def test_where_confirming_can_wait_the_account_is_there_at_once(rooms: Rooms) -> None:
    await rooms.identity.accounts.sign_up(ADA, PASSWORD)
    await rooms.identity.sign_in(ADA, PASSWORD)
    user = await rooms.identity.accounts.verify_email(rooms.letters.last(ADA).values["token"])
    assert user.email_verified
    await rooms.identity.accounts.sign_up(ADA, OTHER)
    assert rooms.letters.last(ADA).kind == "already-registered"


async def test_an_unconfirmed_account_is_shut_where_confirming_comes_first(processes: House) -> None:
    relaxed = await processes.open()
    await relaxed.identity.accounts.sign_up(ADA, PASSWORD)
    strict = await processes.open(accounts=CONFIRMED)
    with pytest.raises(WrongCredentials):
        await strict.identity.sign_in(ADA, PASSWORD)
    await strict.identity.accounts.send_verification(ADA)
    await strict.identity.accounts.verify_email(strict.letters.last(ADA).values["token"])
    await strict.identity.sign_in(ADA, PASSWORD)


async def test_the_letter_is_sent_again_to_those_who_wait_for_it(strict: Rooms) -> None:
    accounts = strict.identity.accounts
    await member(strict, "bob@example.org")
    for nobody in ("bob@example.org", "eve@example.org", "no address"):
        await accounts.send_verification(nobody)
    assert strict.letters.sent == []
    await accounts.sign_up(ADA, PASSWORD)
    await accounts.send_verification(ADA)
    first, second = (each.values["token"] for each in strict.letters.sent)
    assert first != second
    await accounts.verify_email(second)
    await strict.identity.sign_in(ADA, PASSWORD)
    await accounts.send_verification(ADA)
    assert strict.letters.last(ADA).kind == "welcome"


async def test_a_reset_ends_every_session_and_is_good_once(rooms: Rooms, clock: WoundClock) -> None:
    await member(rooms)
    tokens = await rooms.identity.sign_in(ADA, PASSWORD)
    accounts = rooms.identity.accounts
    await accounts.ask_for_reset(ADA)
    await accounts.ask_for_reset("nobody@example.org")
    (letter,) = rooms.letters.sent
    token = letter.values["token"]
    with pytest.raises(PasswordRefused):
        await accounts.reset_password(token, ADA)
    await accounts.reset_password(token, OTHER)
    assert rooms.letters.last(ADA).kind == "password-changed"
    assert not await stands(rooms, tokens)
    with pytest.raises(RefreshRefused):
        await rooms.identity.refresh(tokens.refresh_token)
    with pytest.raises(LetterRefused):
        await accounts.reset_password(token, PASSWORD)
    with pytest.raises(WrongCredentials):
        await rooms.identity.sign_in(ADA, PASSWORD)
    await rooms.identity.sign_in(ADA, OTHER)
    await accounts.ask_for_reset(ADA)
    clock.advance(3601)
    with pytest.raises(LetterRefused):
        await accounts.reset_password(rooms.letters.last(ADA).values["token"], PASSWORD)


async def test_a_token_is_good_for_its_own_purpose_alone(rooms: Rooms) -> None:
    user = await member(rooms)
    accounts = rooms.identity.accounts
    await accounts.ask_for_reset(ADA)
    reset = rooms.letters.last(ADA).values["token"]
    for refused in (
        accounts.verify_email(reset),
        accounts.confirm_email(reset),
        accounts.sign_in_by_mail(reset, reset),
    ):
        with pytest.raises(LetterRefused):
            await refused
    await accounts.ask_for_email(user.id, "ada@new.example", PASSWORD)
    change = rooms.letters.last("ada@new.example").values["token"]
    with pytest.raises(LetterRefused):
        await accounts.reset_password(change, OTHER)
    await accounts.reset_password(reset, OTHER)
    # Choosing a new password takes back everything that was sent before.
    with pytest.raises(LetterRefused):
        await accounts.confirm_email(change)


async def test_a_sign_in_that_races_a_reset_leaves_no_session(rooms: Rooms, clock: WoundClock) -> None:
    await member(rooms)
    accounts = rooms.identity.accounts
    for password, new in ((PASSWORD, OTHER), (OTHER, PASSWORD)):
        await accounts.ask_for_reset(ADA)
        token = rooms.letters.last(ADA).values["token"]
        clock.advance(60)
        *signed, _ = await asyncio.gather(
            *(rooms.identity.sign_in(ADA, password) for _ in range(6)),
            accounts.reset_password(token, new),
            return_exceptions=True,
        )
        for each in signed:
            assert isinstance(each, WrongCredentials) or not await stands(rooms, each)  # type: ignore[arg-type]  # tokens
        clock.advance(3600)


async def test_changing_the_password_needs_the_present_one_and_ends_the_other_sessions(rooms: Rooms) -> None:
    user = await member(rooms)
    here, there = [await rooms.identity.sign_in(ADA, PASSWORD) for _ in range(2)]
    change = rooms.identity.accounts.change_password
    with pytest.raises(WrongPassword):
        await change(user.id, here.session.id, "wrong horse battery", OTHER)
    with pytest.raises(PasswordRefused) as refused:
        await change(user.id, here.session.id, PASSWORD, ADA)
    assert refused.value.errors[0].loc == ("body", "new_password")
    assert await stands(rooms, there)
    await change(user.id, here.session.id, PASSWORD, OTHER)
    assert (await stands(rooms, here), await stands(rooms, there)) == (True, False)
    assert rooms.letters.last(ADA).kind == "password-changed"
    await rooms.identity.sign_in(ADA, OTHER)


async def test_an_address_changes_when_the_new_one_is_confirmed_and_the_old_one_hears_of_it(rooms: Rooms) -> None:
    user, accounts, new = await member(rooms), rooms.identity.accounts, "ada@new.example"
    await accounts.ask_for_reset(ADA)
    old_reset = rooms.letters.last(ADA).values["token"]
    with pytest.raises(WrongPassword):
        await accounts.ask_for_email(user.id, new, "wrong horse battery")
    with pytest.raises(Invalid):
        await accounts.ask_for_email(user.id, "no address", PASSWORD)
    await accounts.ask_for_email(user.id, new, PASSWORD)
    assert (await rooms.identity.get_user(user.id)).email == ADA  # type: ignore[union-attr]  # they are there
    changed = await accounts.confirm_email(rooms.letters.last(new).values["token"])
    assert changed.email == new
    assert (rooms.letters.last(ADA).kind, rooms.letters.last(ADA).values["new_email"]) == ("email-changed", new)
    with pytest.raises(LetterRefused):
        await accounts.reset_password(old_reset, OTHER)
    await rooms.identity.sign_in(new, PASSWORD)
    with pytest.raises(WrongCredentials):
        await rooms.identity.sign_in(ADA, PASSWORD)


async def test_an_address_of_somebody_else_is_told_to_them_alone(rooms: Rooms) -> None:
    user, bob = await member(rooms), "bob@example.org"
    await member(rooms, bob)
    await rooms.identity.accounts.ask_for_email(user.id, bob, PASSWORD)
    assert rooms.letters.last(bob).kind == "already-registered"
    # Taken between the letter and its confirmation.
    await rooms.identity.accounts.ask_for_email(user.id, "eve@example.org", PASSWORD)
    await member(rooms, "eve@example.org")
    with pytest.raises(EmailTaken):
        await rooms.identity.accounts.confirm_email(rooms.letters.last("eve@example.org").values["token"])


async def test_an_account_is_erased_after_its_grace_and_kept_by_signing_in(rooms: Rooms, clock: WoundClock) -> None:
    user, accounts = await member(rooms, username="ada"), rooms.identity.accounts
    tokens = await rooms.identity.sign_in(ADA, PASSWORD, client_address="192.0.2.1")
    with pytest.raises(WrongPassword):
        await accounts.delete(user.id, "wrong horse battery")
    at = await accounts.delete(user.id, PASSWORD)
    assert (at - clock.now()).days == 30
    assert not await stands(rooms, tokens)
    assert rooms.letters.last(ADA).values["until"] == f"{at:%Y-%m-%d}"
    clock.advance(29 * 86_400)
    assert await accounts.sweep.run() == 0
    await rooms.identity.sign_in("ada", PASSWORD)
    clock.advance(30 * 86_400)
    assert await accounts.sweep.run() == 0

    await accounts.delete(user.id, PASSWORD)
    await accounts.ask_for_reset(ADA)
    clock.advance(30 * 86_400 + 1)
    ran = await asyncio.gather(accounts.sweep.run(), accounts.sweep.run())
    assert sum(ran) in (1, 2)
    assert await rooms.identity.get_user(user.id) is None
    assert rooms.letters.last(ADA).kind == "account-deleted"
    with pytest.raises(WrongCredentials):
        await rooms.identity.sign_in(ADA, PASSWORD)
    for table in ("users", "credentials", "sessions", "account_tokens", "known_addresses"):
        assert user.id.hex not in (await everything(rooms, f"mainstay_{table}")).replace("-", ""), table
    await member(rooms, username="ada")


async def test_what_is_old_is_swept(rooms: Rooms, clock: WoundClock) -> None:
    await member(rooms)
    await rooms.identity.accounts.ask_for_reset(ADA)
    for number in range(60):
        await rooms.identity.sign_in(ADA, PASSWORD, client_address=f"192.0.2.{number}")
        clock.advance(1)
    await rooms.identity.accounts.sweep.run()
    assert (await everything(rooms, "mainstay_known_addresses")).count("UUID") in (0, 50)
    clock.advance(100 * 86_400)
    await rooms.identity.accounts.sweep.run()
    for table in ("known_addresses", "throttle", "account_tokens"):
        assert await everything(rooms, f"mainstay_{table}") == "[]"


async def test_a_profile_is_changed_field_by_field(rooms: Rooms) -> None:
    user = await member(rooms, username="ada", display_name="Ada")
    await member(rooms, "bob@example.org", username="bob")
    change = rooms.identity.accounts.change_profile
    changed = await change(user.id, {"display_name": "Countess", "language": "fr"})
    assert (changed.username, changed.display_name, changed.language) == ("ada", "Countess", "fr")
    assert (await change(user.id, {"display_name": None})).display_name is None
    for name in ("bob", "BOB", "admin"):
        with pytest.raises(UsernameTaken):
            await change(user.id, {"username": name})
    assert (await change(user.id, {"username": "Lovelace"})).username == "lovelace"
    await rooms.identity.sign_in("lovelace", PASSWORD)
    with pytest.raises(WrongCredentials):
        await rooms.identity.sign_in("ada", PASSWORD)


async def test_an_operator_may_have_an_account_deleted_too(rooms: Rooms) -> None:
    user = await member(rooms)
    await rooms.identity.accounts.schedule_deletion(user.id)
    assert (await rooms.identity.get_user(user.id)).deletion_at is not None  # type: ignore[union-attr]  # they are there
    with pytest.raises(NotFound):
        await rooms.identity.accounts.schedule_deletion(UUID(int=1))


def test_the_defaults_are_the_careful_ones() -> None:
    assert AccountOptions().verified
    assert AccountOptions().steady_seconds > 0
    assert replace(AccountOptions(), verified=False) != AccountOptions()
