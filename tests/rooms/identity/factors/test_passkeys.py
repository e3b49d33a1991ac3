"""Passkeys: of this site, this browser's challenge, this account; once; and no copies."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from mainstay.base.errors import NotFound
from mainstay.identity.authenticators.errors import (
    FactorRefused,
    LastWayIn,
    PasskeyRefused,
    PasskeyThere,
    StepUpRequired,
    TicketRefused,
)
from mainstay.identity.authenticators.tables import tickets
from mainstay.identity.factors.prove_factor import Shown
from mainstay.identity.sessions.session import Tokens
from tests.rooms.identity.clock import WoundClock
from tests.rooms.identity.factors.holder import ADA, BOB, OPTIONS, Holder, holder
from tests.rooms.identity.factors.soft_key import PRESENT, SoftKey, b64
from tests.rooms.identity.rooms import House


@pytest.fixture
async def ada(processes: House, clock: WoundClock) -> Holder:
    """Has a passkey."""
    found = await holder(processes, clock)
    await found.add_key()
    return found


async def alone(ada: Holder, key: SoftKey | None = None, **instead: str) -> Tokens:
    ticket, asked = await ada.factors.ask_for_any_passkey()
    tokens: Tokens = await ada.factors.sign_in_with_passkey(ticket, (key or ada.key).sign(asked, **instead))
    return tokens


async def test_a_passkey_is_a_second_step(ada: Holder) -> None:
    assert len(ada.codes) == 10
    tokens = await ada.by_key(await ada.first_step())
    assert tokens.session.methods == {"pwd", "hwk", "user", "mfa"}
    ticket = await ada.first_step()
    assert (await ada.factors.ask_for_passkey(ticket))["allowCredentials"][0]["id"] == b64(ada.key.id)
    asked = (await ada.factors.ask_for_any_passkey())[1]
    assert (asked["allowCredentials"], asked["userVerification"]) == ([], "required")


async def test_a_passkey_alone_signs_in_without_a_name(ada: Holder) -> None:
    tokens = await alone(ada)
    assert tokens.session.user_id == ada.user_id
    assert tokens.session.methods == {"hwk", "user", "mfa"}
    here = (await ada.factors.list(ada.user_id)).passkeys
    assert [each.last_used_at for each in here] == [ada.clock.now()]


async def test_alone_it_must_have_asked_its_owner(ada: Holder) -> None:
    ada.key.flags = PRESENT
    with pytest.raises(PasskeyRefused):
        await alone(ada)
    # As the second step it may do without, unless the app demands it.
    assert (await ada.by_key(await ada.first_step())).session.methods == {"pwd", "hwk", "mfa"}


@pytest.mark.parametrize(
    "lie",
    [
        {"origin": "https://shop.example.evil.example"},
        {"origin": "https://evil.shop.example"},
        {"origin": "http://shop.example"},
        {"origin": "https://shop.example:8443"},
        {"rp_id": "evil.example"},
        {"rp_id": "example"},
        {"cross_origin": True},
        {"flags": 0},
        {"handle": b""},
        {"handle": bytes(range(16))},
    ],
    ids=str,
)
async def test_a_passkey_that_was_used_elsewhere_or_otherwise_proves_nothing(ada: Holder, lie: dict[str, Any]) -> None:
    with pytest.raises(PasskeyRefused):
        await alone(ada, replace(ada.key, **lie))
    ticket = await ada.first_step()
    if lie.get("handle") != b"":
        with pytest.raises(PasskeyRefused):
            await ada.by_key(ticket, replace(ada.key, **lie))


async def test_a_challenge_is_answered_once_and_by_who_asked(ada: Holder) -> None:
    ticket, asked = await ada.factors.ask_for_any_passkey()
    other, _ = await ada.factors.ask_for_any_passkey()
    answer = ada.key.sign(asked)
    with pytest.raises(PasskeyRefused):
        await ada.factors.sign_in_with_passkey(other, answer)
    await ada.factors.sign_in_with_passkey(ticket, answer)
    # However the ticket is spelled.
    for again in (ticket, ticket.removeprefix("mfp_"), ticket.replace("-", "+").replace("_", "/")):
        with pytest.raises(TicketRefused):
            await ada.factors.sign_in_with_passkey(again, answer)
    for made_up in (ticket[:-1] + ("A" if ticket[-1] != "A" else "B"), ticket + "AAAA", "mft_made-up", "mfp_", "é"):
        with pytest.raises(TicketRefused):
            await ada.factors.sign_in_with_passkey(made_up, answer)
    for instead in ({"challenge": b64(bytes(32))}, {"type": "webauthn.create"}):
        with pytest.raises(PasskeyRefused):
            await alone(ada, ada.key, **instead)


async def test_a_wrong_answer_uses_up_the_challenge_of_a_second_step(ada: Holder) -> None:
    ticket = await ada.first_step()
    asked = await ada.factors.ask_for_passkey(ticket)
    with pytest.raises(PasskeyRefused):
        await ada.factors.finish_sign_in(ticket, Shown(passkey=replace(ada.key, rp_id="x").sign(asked)))
    right = ada.key.sign(asked)
    with pytest.raises(PasskeyRefused):
        await ada.factors.finish_sign_in(ticket, Shown(passkey=right))
    assert await ada.by_key(ticket)


async def test_one_answer_at_once_opens_one_session(ada: Holder) -> None:
    ticket = await ada.first_step()
    answer = ada.key.sign(await ada.factors.ask_for_passkey(ticket))
    found = await asyncio.gather(
        *(ada.factors.finish_sign_in(ticket, Shown(passkey=answer)) for _ in range(3)), return_exceptions=True
    )
    assert sum(isinstance(each, Tokens) for each in found) == 1
    ticket, asked = await ada.factors.ask_for_any_passkey()
    answer = ada.key.sign(asked)
    found = await asyncio.gather(
        *(ada.factors.sign_in_with_passkey(ticket, answer) for _ in range(3)), return_exceptions=True
    )
    assert sum(isinstance(each, Tokens) for each in found) == 1


async def test_a_copy_of_an_authenticator_is_found_out_by_its_count(ada: Holder) -> None:
    copy = replace(ada.key)
    await alone(ada)
    await alone(ada)
    with pytest.raises(PasskeyRefused) as refused:
        await alone(ada, copy)
    assert "count" in refused.value.why
    await alone(ada)
    # One that never counts is taken as it is.
    quiet = SoftKey(count=0)
    await ada.add_key(quiet, "quiet")
    for _ in range(2):
        quiet.count = -1
        assert await alone(ada, quiet)


async def test_a_forged_signature_proves_nothing_and_changes_nothing(ada: Holder) -> None:
    forged = SoftKey(id=ada.key.id, handle=ada.key.handle, count=1000)
    with pytest.raises(PasskeyRefused):
        await alone(ada, forged)
    assert await alone(ada)


async def test_somebody_elses_passkey_is_no_second_factor_of_mine(ada: Holder, clock: WoundClock) -> None:
    bob = await holder(None, clock, BOB, ada.rooms)  # type: ignore[arg-type]  # the rooms are there
    await bob.add_key()
    with pytest.raises(PasskeyRefused):
        await ada.by_key(await ada.first_step(), bob.key)
    # Nor with the other's handle on it, nor theirs under my id.
    with pytest.raises(PasskeyRefused):
        await ada.by_key(await ada.first_step(), replace(bob.key, handle=ada.key.handle))
    with pytest.raises(PasskeyRefused):
        await ada.by_key(await ada.first_step(), replace(bob.key, id=ada.key.id))
    for change in (bob.factors.remove_passkey(bob.user_id, bob.session_id, ada.passkey_id),):
        with pytest.raises(NotFound):
            await change
    with pytest.raises(NotFound):
        await bob.factors.rename_passkey(bob.user_id, ada.passkey_id, "mine")


async def test_registration_is_bound_to_its_session_its_challenge_and_this_site(ada: Holder, clock: WoundClock) -> None:
    bob = await holder(None, clock, BOB, ada.rooms)  # type: ignore[arg-type]  # the rooms are there
    begin, add = ada.factors.begin_passkey, ada.factors.add_passkey
    ticket, options = await begin(ada.user_id, ada.session_id)
    assert [each["id"] for each in options["excludeCredentials"]] == [b64(ada.key.id)]
    key = SoftKey()
    with pytest.raises(TicketRefused):
        await add(bob.user_id, bob.session_id, ticket, "stolen", key.make(options))
    ticket, options = await begin(ada.user_id, ada.session_id)
    other = (await ada.by_key(await ada.first_step())).session.id
    with pytest.raises(TicketRefused):
        await add(ada.user_id, other, ticket, "another session", key.make(options))
    for lie in (SoftKey(origin="https://evil.example"), SoftKey(rp_id="evil.example"), SoftKey(cross_origin=True)):
        ticket, options = await begin(ada.user_id, ada.session_id)
        with pytest.raises(PasskeyRefused):
            await add(ada.user_id, ada.session_id, ticket, "lie", lie.make(options))
    ticket, options = await begin(ada.user_id, ada.session_id)
    with pytest.raises(PasskeyRefused):
        await add(ada.user_id, ada.session_id, ticket, "old", key.make(options, challenge=b64(bytes(32))))
    with pytest.raises(TicketRefused):
        await add(ada.user_id, ada.session_id, ticket, "again", key.make(options))
    # A sign-in's ticket makes no passkey, and a registration's opens nothing.
    ticket, options = await begin(ada.user_id, ada.session_id)
    with pytest.raises(TicketRefused):
        await ada.factors.sign_in_with_passkey(ticket, ada.key.sign(options))
    ticket, options = await begin(bob.user_id, bob.session_id)
    with pytest.raises(PasskeyThere):
        await add(bob.user_id, bob.session_id, ticket, "hers", replace(ada.key).make(options))


async def test_garbage_is_refused_and_nothing_breaks(ada: Holder) -> None:
    honest = ada.key.sign((await ada.factors.ask_for_any_passkey())[1])
    for part in ("clientDataJSON", "authenticatorData", "signature"):
        for bad in ("", "A", "AAAA", "!!!", b64(b"{}"), b64(b"[]"), b64(b"\xff" * 40), b64(b'{"type":1}')):
            ticket, _ = await ada.factors.ask_for_any_passkey()
            sent = {**honest, "response": {**honest["response"], part: bad}}
            with pytest.raises(PasskeyRefused):
                await ada.factors.sign_in_with_passkey(ticket, sent)


async def test_the_last_way_in_stays(ada: Holder, clock: WoundClock) -> None:
    second = await ada.add_key(SoftKey(), "second")
    assert [each.name for each in (await ada.factors.list(ada.user_id)).passkeys] == ["key", "second"]
    await ada.factors.rename_passkey(ada.user_id, second, "laptop")
    first = (await ada.factors.list(ada.user_id)).passkeys[0].id
    with pytest.raises(NotFound):
        await ada.factors.remove_passkey(ada.user_id, ada.session_id, uuid4())

    def forget(connection: Any) -> None:
        connection.exec_driver_sql("delete from mainstay_credentials")

    await ada.rooms.database.administer(forget, changes=True)
    found = await asyncio.gather(
        *(ada.factors.remove_passkey(ada.user_id, ada.session_id, each) for each in (first, second)),
        return_exceptions=True,
    )
    assert sum(isinstance(each, LastWayIn) for each in found) == 1
    assert len((await ada.factors.list(ada.user_id)).passkeys) == 1
    clock.advance(601)
    with pytest.raises(StepUpRequired):
        await ada.factors.remove_passkey(ada.user_id, ada.session_id, second)


async def test_an_app_may_demand_that_every_passkey_asks_its_owner(processes: House, clock: WoundClock) -> None:
    rooms = await processes.open(factors=replace(OPTIONS, verification="required"))
    ada = await holder(processes, clock, ADA, rooms)
    with pytest.raises(PasskeyRefused):
        await ada.add_key(SoftKey(flags=PRESENT))
    await ada.add_key()
    ada.key.flags = PRESENT
    with pytest.raises((PasskeyRefused, FactorRefused)):
        await ada.by_key(await ada.first_step())


async def test_asking_for_a_challenge_leaves_nothing_behind_and_an_old_one_is_refused(
    ada: Holder, clock: WoundClock
) -> None:
    async def rows() -> int:
        found = await ada.rooms.identity._room.control.fetch(select(func.count()).select_from(tickets))
        return int(found[0][0])

    before = await rows()
    ticket, asked = await ada.factors.ask_for_any_passkey()
    with pytest.raises(PasskeyRefused):
        await ada.factors.sign_in_with_passkey(ticket, replace(ada.key, rp_id="x").sign(asked))
    assert await rows() == before
    answer = ada.key.sign(asked)
    await ada.factors.sign_in_with_passkey(ticket, answer)
    assert await rows() == before + 1
    late, asked = await ada.factors.ask_for_any_passkey()
    answer = ada.key.sign(asked)
    clock.advance(300)
    with pytest.raises(TicketRefused):
        await ada.factors.sign_in_with_passkey(late, answer)
    # What was used is forgotten with the next that is.
    await alone(ada)
    assert await rows() == before + 1
