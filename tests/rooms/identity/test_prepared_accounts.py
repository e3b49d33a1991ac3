"""An account that somebody set up under another's address, before its owner came."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, select

from mainstay.base.errors import Rejected
from mainstay.base.tenant import DEFAULT_TENANT
from mainstay.identity.api_keys.api_key import Maker
from mainstay.identity.federation.tables import identities
from mainstay.storage.control import in_turn
from tests.rooms.identity.rooms import PASSWORD, Rooms

ADA = "ada@example.org"


async def prepared(rooms: Rooms) -> tuple[UUID, str, str]:
    """The account, an API key, and the letter that gives the account another address: all in the hands of Eve."""
    await rooms.identity.accounts.sign_up(ADA, PASSWORD)
    user = await rooms.identity.find_user(ADA)
    assert user is not None
    assert not user.email_verified
    maker = Maker(user.id, DEFAULT_TENANT, frozenset({"books:read"}))
    key = await rooms.identity.api_keys.create(maker, user.id, "later", ["books:read"])
    await rooms.identity.accounts.ask_for_email(user.id, "eve@example.org", PASSWORD)
    now = datetime.now(UTC)
    link = insert(identities).values(
        id=uuid4(), user_id=user.id, provider="p", issuer="https://p", subject="eve", linked_at=now, last_used_at=now
    )
    await rooms.identity._room.control.write(in_turn([rooms.identity._room.control.step(link)]))
    return user.id, key.secret, rooms.letters.last("eve@example.org").values["token"]


@pytest.mark.parametrize("by_reset", [True, False])
async def test_nothing_that_was_prepared_opens_it_once_its_owner_has_come(rooms: Rooms, by_reset: bool) -> None:
    user, key, token = await prepared(rooms)
    assert (await rooms.identity.verify(key.encode())).user_id == user
    if by_reset:
        await rooms.identity.accounts.ask_for_reset(ADA, None)
        letter = rooms.letters.last(ADA).values["token"]
        await rooms.identity.accounts.reset_password(letter, "her own long passphrase", None)
    else:
        request = await rooms.identity.accounts.ask_for_sign_in(ADA)
        await rooms.identity.accounts.sign_in_by_mail(request, rooms.letters.last(ADA).values["token"])
    for attempt in (
        rooms.identity.verify(key.encode()),
        rooms.identity.accounts.confirm_email(token),
        rooms.identity.sign_in(ADA, PASSWORD),
    ):
        with pytest.raises(Rejected):
            await attempt
    assert await rooms.identity._room.control.fetch(select(identities.c.id)) == []


async def test_who_had_shown_it_to_be_theirs_keeps_their_keys_when_they_choose_another_password(rooms: Rooms) -> None:
    user = await rooms.identity.create_user(ADA, PASSWORD)
    maker = Maker(user.id, DEFAULT_TENANT, frozenset({"books:read"}))
    key = await rooms.identity.api_keys.create(maker, user.id, "nightly", ["books:read"])
    await rooms.identity.accounts.ask_for_reset(ADA, None)
    await rooms.identity.accounts.reset_password(rooms.letters.last(ADA).values["token"], "another long one", None)
    assert (await rooms.identity.verify(key.secret.encode())).user_id == user.id
