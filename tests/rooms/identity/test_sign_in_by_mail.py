"""Signing in by a letter: bound to who asked, once, and not for guessing."""

import asyncio

import pytest

from mainstay.identity.accounts import AccountOptions
from mainstay.identity.errors import LetterRefused, WrongCredentials
from mainstay.identity.sessions.session import Tokens
from tests.rooms.identity.clock import WoundClock
from tests.rooms.identity.rooms import PASSWORD, House, Rooms

ADA = "ada@example.org"


async def asked(rooms: Rooms, **more: bool) -> tuple[str, str, str]:
    """What the requester holds, and the link's token and the code that the letter holds."""
    request = await rooms.identity.accounts.ask_for_sign_in(ADA, **more)  # type: ignore[arg-type]  # code_only
    values = rooms.letters.last(ADA).values
    return request, values.get("token", ""), values["code"]


async def test_the_link_or_the_code_opens_a_session_once_for_who_asked(rooms: Rooms) -> None:
    await rooms.identity.create_user(ADA, PASSWORD)
    sign_in = rooms.identity.accounts.sign_in_by_mail
    for by_link in (True, False):
        request, token, code = await asked(rooms)
        proof = token if by_link else f" {code[:3]} {code[3:]} "
        tokens = await sign_in(request, proof)
        assert (await rooms.identity.verify(tokens.access_token.encode())).methods == {"mail"}
        for again in (token, code):
            with pytest.raises(LetterRefused):
                await sign_in(request, again)


async def test_a_letter_in_other_hands_opens_nothing(rooms: Rooms) -> None:
    await rooms.identity.create_user(ADA, PASSWORD)
    sign_in = rooms.identity.accounts.sign_in_by_mail
    request, token, code = await asked(rooms)
    other, _, _ = await asked(rooms)
    for theirs in ("", token, "mlt_made-up", other):
        for proof in (token, code):
            with pytest.raises(LetterRefused):
                await sign_in(theirs, proof)
    # What was tried elsewhere has not used it up.
    assert isinstance(await sign_in(request, token), Tokens)


async def test_a_code_is_tried_five_times_even_at_once(rooms: Rooms) -> None:
    await rooms.identity.create_user(ADA, PASSWORD)
    sign_in = rooms.identity.accounts.sign_in_by_mail
    request, _, code = await asked(rooms, code_only=True)
    assert rooms.letters.last(ADA).kind == "sign-in-code"
    wrong = [f"{(int(code) + n) % 10**6:06}" for n in range(1, 6)]
    tried = await asyncio.gather(*(sign_in(request, each) for each in wrong), return_exceptions=True)
    assert all(isinstance(each, LetterRefused) for each in tried)
    with pytest.raises(LetterRefused):
        await sign_in(request, code)


async def test_a_letter_is_good_for_ten_minutes(rooms: Rooms, clock: WoundClock) -> None:
    await rooms.identity.create_user(ADA, PASSWORD)
    request, token, _ = await asked(rooms)
    clock.advance(601)
    with pytest.raises(LetterRefused):
        await rooms.identity.accounts.sign_in_by_mail(request, token)


async def test_an_unknown_and_a_shut_account_get_a_secret_and_no_letter(rooms: Rooms) -> None:
    user = await rooms.identity.create_user(ADA, PASSWORD)
    request, token, _ = await asked(rooms)
    await rooms.identity.set_active(user.id, False)
    with pytest.raises(LetterRefused):
        await rooms.identity.accounts.sign_in_by_mail(request, token)
    sent = len(rooms.letters.sent)
    for email in (ADA, "nobody@example.org"):
        answer = await rooms.identity.accounts.ask_for_sign_in(email)
        assert (answer[:4], len(answer)) == (request[:4], len(request))
        with pytest.raises(LetterRefused):
            await rooms.identity.accounts.sign_in_by_mail(answer, "000000")
    assert len(rooms.letters.sent) == sent


async def test_two_who_use_one_letter_at_once_get_one_session(rooms: Rooms) -> None:
    await rooms.identity.create_user(ADA, PASSWORD)
    request, token, _ = await asked(rooms)
    sign_in = rooms.identity.accounts.sign_in_by_mail
    found = await asyncio.gather(*(sign_in(request, token) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(each, Tokens) for each in found) == 1


async def test_who_reads_the_letters_takes_the_account_from_who_signed_up_with_it(rooms: Rooms) -> None:
    accounts = rooms.identity.accounts
    await accounts.sign_up(ADA, PASSWORD)
    theirs = await rooms.identity.sign_in(ADA, PASSWORD)
    request, token, _ = await asked(rooms)
    tokens = await accounts.sign_in_by_mail(request, token)
    assert (await rooms.identity.get_user(tokens.session.user_id)).email_verified  # type: ignore[union-attr]  # there
    assert [each.id for each in await rooms.identity.list_sessions(tokens.session.user_id)] == [tokens.session.id]
    assert theirs.session.id != tokens.session.id
    with pytest.raises(WrongCredentials):
        await rooms.identity.sign_in(ADA, PASSWORD)


async def test_codes_are_not_stored_as_they_are(processes: House) -> None:
    rooms = await processes.open(accounts=AccountOptions(verified=False, steady_seconds=0.0))
    await rooms.identity.create_user(ADA, PASSWORD)
    request, token, code = await asked(rooms)

    def read(connection: object) -> str:
        rows = connection.exec_driver_sql("select digest, code, asked from mainstay_account_tokens")  # type: ignore[attr-defined]  # SQLAlchemy's
        return str(rows.fetchall())

    stored = str(await rooms.database.administer(read, changes=False))
    assert not any(each in stored for each in (request, token, f"'{code}'"))
