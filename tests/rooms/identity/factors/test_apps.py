"""Authenticator apps and recovery codes: each code once, few guesses, and no session without one."""

import asyncio
from datetime import timedelta

import pytest

from mainstay.base.errors import Conflict, SignInRequired, TooManyRequests
from mainstay.identity.authenticators.errors import FactorRefused, SecondFactorRequired, StepUpRequired, TicketRefused
from mainstay.identity.errors import WrongCredentials
from mainstay.identity.factors.prove_factor import Shown
from mainstay.identity.sessions.session import Tokens
from mainstay.identity.tokens.refresh_token import Kind
from tests.rooms.identity.clock import WoundClock
from tests.rooms.identity.factors.holder import ADA, BOB, Holder, holder
from tests.rooms.identity.rooms import PASSWORD, House


@pytest.fixture
async def ada(processes: House, clock: WoundClock) -> Holder:
    """Has an authenticator app."""
    found = await holder(processes, clock)
    await found.add_app()
    return found


async def test_an_app_counts_once_a_code_of_it_was_shown(processes: House, clock: WoundClock) -> None:
    ada = await holder(processes, clock)
    begun = await ada.factors.begin_app(ada.user_id, ada.session_id)
    assert begun.uri == f"otpauth://totp/Shop:ada%40example.org?secret={begun.secret}&issuer=Shop"
    assert begun.svg.startswith("data:image/svg+xml")
    assert begun.png.startswith("data:image/png;base64,")
    await ada.rooms.identity.sign_in(ADA, PASSWORD)
    ada.secret = begun.secret
    with pytest.raises(FactorRefused):
        await ada.factors.confirm_app(ada.user_id, ada.session_id, ada.code(5))
    codes = await ada.factors.confirm_app(ada.user_id, ada.session_id, ada.code())
    assert len(set(codes or ())) == 10
    assert ada.rooms.letters.last(ADA).kind == "factor-added"
    with pytest.raises(SecondFactorRequired):
        await ada.rooms.identity.sign_in(ADA, PASSWORD)
    with pytest.raises(Conflict):
        await ada.factors.begin_app(ada.user_id, ada.session_id)
    # The session that added it has shown it.
    here = [each for each in await ada.rooms.identity.list_sessions(ada.user_id) if each.id == ada.session_id]
    assert here[0].methods == {"pwd", "otp", "mfa"}


async def test_password_and_code_open_a_session_that_says_so(ada: Holder) -> None:
    ticket = await ada.first_step(user_agent="A browser", remember=False)
    tokens = await ada.by_code(ticket, f" {ada.code()[:3]} {ada.code()[3:]} ")
    assert tokens.session.methods == {"pwd", "otp", "mfa"}
    assert (tokens.session.user_agent, tokens.session.remembered) == ("A browser", False)
    with pytest.raises(TicketRefused):
        await ada.by_code(ticket, ada.code(1))


async def test_a_ticket_is_no_token_and_no_refresh_token(ada: Holder) -> None:
    ticket = await ada.first_step()
    with pytest.raises(SignInRequired):
        await ada.rooms.identity.verify(ticket.encode())
    kinds: tuple[Kind, ...] = ("bearer", "cookie")
    for kind in kinds:
        with pytest.raises(SignInRequired):
            await ada.rooms.identity.refresh(ticket, kind)
    for made_up in ("", "mft_x", ticket[:-1], ticket + "A", ticket.upper()):
        with pytest.raises(TicketRefused):
            await ada.by_code(made_up)


async def test_a_code_is_good_once_within_one_step_of_now(ada: Holder, clock: WoundClock) -> None:
    shown = ada.code()
    await ada.by_code(await ada.first_step(), shown)
    for used in (shown, ada.code(-1), ada.code(2), ada.code(-2), "000000", "\uff11\uff12\uff13\uff14\uff15\uff16", ""):
        with pytest.raises(FactorRefused):
            await ada.by_code(await ada.first_step(), used or "      ")
    # The next step's code, early; then that step is used as well, when it comes.
    early = ada.code(1)
    await ada.by_code(await ada.first_step(), early)
    clock.advance(30)
    with pytest.raises(FactorRefused):
        await ada.by_code(await ada.first_step(), early)


async def test_a_code_that_is_shown_twice_at_once_opens_one_session(ada: Holder) -> None:
    tickets = [await ada.first_step() for _ in range(4)]
    found = await asyncio.gather(*(ada.by_code(each) for each in tickets), return_exceptions=True)
    assert sorted(type(each).__name__ for each in found) == [*["FactorRefused"] * 3, "Tokens"]


async def test_one_ticket_opens_one_session_even_at_once(ada: Holder) -> None:
    ticket = await ada.first_step()
    shown = [Shown(code=ada.code()), Shown(recovery_code=ada.codes[0]), Shown(recovery_code=ada.codes[1])]
    found = await asyncio.gather(*(ada.factors.finish_sign_in(ticket, each) for each in shown), return_exceptions=True)
    assert sum(isinstance(each, Tokens) for each in found) == 1
    # What came too late has used nothing up.
    assert (await ada.factors.list(ada.user_id)).codes_left >= 9


async def test_a_ticket_has_five_attempts_and_five_minutes(ada: Holder, clock: WoundClock) -> None:
    ticket = await ada.first_step()
    wrong = [f"{(int(ada.code()) + n) % 10**6:06}" for n in range(1, 6)]
    tried = await asyncio.gather(*(ada.by_code(ticket, each) for each in wrong), return_exceptions=True)
    assert {type(each) for each in tried} == {FactorRefused}
    with pytest.raises(TicketRefused):
        await ada.by_code(ticket)
    ticket = await ada.first_step()
    clock.advance(301)
    with pytest.raises(TicketRefused):
        await ada.by_code(ticket)


async def test_whoever_has_the_password_cannot_guess_on_with_new_tickets(ada: Holder, clock: WoundClock) -> None:
    began, refused = clock.now(), 0
    for attempt in range(40):
        try:
            await ada.by_code(await ada.first_step(), f"{attempt:06}", client_address=f"192.0.2.{attempt % 2}")
        except FactorRefused:
            refused += 1
        except TooManyRequests as waits:
            clock.advance(int(waits.headers["Retry-After"]))
    assert refused < 40
    # Every further attempt takes longer; a million of them take for ever.
    assert clock.now() - began > timedelta(minutes=1)


async def test_another_users_code_and_ticket_open_nothing(ada: Holder, processes: House, clock: WoundClock) -> None:
    bob = await holder(processes, clock, BOB, ada.rooms)
    await bob.add_app()
    for code in (bob.code(), None):
        with pytest.raises(FactorRefused):
            await (ada if code else bob).by_code(await (ada if code else bob).first_step(), code or ada.code())
    with pytest.raises(FactorRefused):
        await bob.factors.finish_sign_in(await bob.first_step(), Shown(recovery_code=ada.codes[0]))


async def test_a_recovery_code_is_good_once_however_it_is_typed(ada: Holder) -> None:
    typed = ada.codes[0].upper().replace("-", " ").replace("0", "O").replace("1", "l")
    tokens = await ada.factors.finish_sign_in(await ada.first_step(), Shown(recovery_code=typed))
    assert tokens.session.methods == {"pwd", "otp", "recovery", "mfa"}
    letter = ada.rooms.letters.last(ADA)
    assert (letter.kind, letter.values["left"]) == ("recovery-code-used", 9)
    with pytest.raises(FactorRefused):
        await ada.factors.finish_sign_in(await ada.first_step(), Shown(recovery_code=ada.codes[0]))
    new = await ada.factors.renew_codes(ada.user_id, ada.session_id)
    with pytest.raises(FactorRefused):
        await ada.factors.finish_sign_in(await ada.first_step(), Shown(recovery_code=ada.codes[1]))
    assert await ada.factors.finish_sign_in(await ada.first_step(), Shown(recovery_code=new[9]))


async def test_two_who_show_one_recovery_code_at_once_get_one_session(ada: Holder) -> None:
    tickets = [await ada.first_step() for _ in range(4)]
    found = await asyncio.gather(
        *(ada.factors.finish_sign_in(each, Shown(recovery_code=ada.codes[0])) for each in tickets),
        return_exceptions=True,
    )
    assert sum(isinstance(each, Tokens) for each in found) == 1


async def test_nothing_of_it_is_stored_as_it_is(ada: Holder) -> None:
    ticket = await ada.first_step()

    def read(connection: object) -> str:
        tables = ("mainstay_totp", "mainstay_recovery_codes", "mainstay_factor_tickets")
        return str([connection.exec_driver_sql(f"select * from {each}").fetchall() for each in tables])  # type: ignore[attr-defined]  # SQLAlchemy's

    stored = str(await ada.rooms.database.administer(read, changes=False))
    assert not any(each in stored for each in (ticket, ada.secret, ada.codes[0], ada.codes[0].replace("-", "")))
    told = str(await ada.rooms.identity.accounts.export(ada.user_id))
    assert "totp" in told
    assert not any(each in told for each in ("sealed", "digest", "challenge"))


async def test_a_letters_sign_in_waits_for_the_factor_too(ada: Holder) -> None:
    accounts = ada.rooms.identity.accounts
    request = await accounts.ask_for_sign_in(ADA)
    with pytest.raises(SecondFactorRequired) as waiting:
        await accounts.sign_in_by_mail(request, ada.rooms.letters.last(ADA).values["token"])
    assert (await ada.by_code(waiting.value.extra["ticket"])).session.methods == {"mail", "otp", "mfa"}


async def test_a_changed_password_takes_with_it_what_was_begun_with_the_old_one(ada: Holder, clock: WoundClock) -> None:
    ticket = await ada.first_step()
    clock.advance(1)
    accounts = ada.rooms.identity.accounts
    await accounts.change_password(ada.user_id, ada.session_id, PASSWORD, "another horse battery")
    with pytest.raises(FactorRefused):
        await ada.by_code(ticket)


async def test_half_a_proof_does_not_call_off_a_deletion_and_a_shut_account_opens_nothing(ada: Holder) -> None:
    identity = ada.rooms.identity
    ticket = await ada.first_step()
    await identity.accounts.schedule_deletion(ada.user_id)

    async def leaving() -> object:
        return (await identity.accounts.export(ada.user_id))["users"]["deletion_at"]

    await ada.first_step()
    assert await leaving() is not None
    await ada.by_code(ticket)
    assert await leaving() is None
    ticket = await ada.first_step()
    await identity.set_active(ada.user_id, False)
    with pytest.raises((FactorRefused, WrongCredentials)):
        await ada.by_code(ticket, ada.code(1))


async def test_a_factor_is_removed_with_a_fresh_proof_and_sessions_forget_it(ada: Holder, clock: WoundClock) -> None:
    weak = (await ada.rooms.identity.list_sessions(ada.user_id))[0].id
    assert weak == ada.session_id
    clock.advance(601)
    with pytest.raises(StepUpRequired):
        await ada.factors.remove_app(ada.user_id, ada.session_id)
    ticket = await ada.first_step()
    fresh = (await ada.by_code(ticket)).session.id
    await ada.factors.remove_app(ada.user_id, fresh)
    assert ada.rooms.letters.last(ADA).kind == "factor-removed"
    assert (await ada.factors.list(ada.user_id)).codes_left == 0
    for session in await ada.rooms.identity.list_sessions(ada.user_id):
        assert session.methods == {"pwd"}
    await ada.rooms.identity.sign_in(ADA, PASSWORD)


async def test_who_takes_an_account_by_letter_does_not_meet_the_factor_of_who_had_it(
    processes: House, clock: WoundClock
) -> None:
    rooms = await processes.open()
    await rooms.identity.accounts.sign_up(ADA, PASSWORD)
    tokens = await rooms.identity.sign_in(ADA, PASSWORD)
    squatter = Holder(rooms, clock, ADA, tokens.session.user_id, tokens.session.id)
    await squatter.add_app()
    request = await rooms.identity.accounts.ask_for_sign_in(ADA)
    # The first letter shows whose the address is; the factor was somebody else's.
    tokens = await rooms.identity.accounts.sign_in_by_mail(request, rooms.letters.last(ADA).values["token"])
    assert tokens.session.methods == {"mail"}
