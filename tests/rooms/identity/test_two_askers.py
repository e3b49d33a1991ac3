"""Two who ask for an account with one address: the letters look alike, and whoever reads them opens either."""

import pytest

from mainstay.identity.accounts import AccountOptions
from mainstay.identity.errors import WrongCredentials
from tests.rooms.identity.rooms import PASSWORD, House, Rooms

ADA = "ada@example.org"
HERS, EVES = "192.0.2.1", "198.51.100.7"
THEIR_OWN = "a password that Eve knows"


@pytest.fixture
async def strict(processes: House) -> Rooms:
    return await processes.open(accounts=AccountOptions(steady_seconds=0.0))


async def ask(rooms: Rooms, password: str, address: str) -> str:
    await rooms.identity.accounts.sign_up(ADA, password, client_address=address)
    return str(rooms.letters.last(ADA).values["token"])


@pytest.mark.parametrize("which", ["first", "second", "sent again"])
async def test_no_password_of_strangers_opens_the_account_that_a_letter_made(strict: Rooms, which: str) -> None:
    first, second = await ask(strict, PASSWORD, HERS), await ask(strict, THEIR_OWN, EVES)
    if which == "sent again":
        await strict.identity.accounts.send_verification(ADA)
    read = {"first": first, "second": second}.get(which, strict.letters.last(ADA).values["token"])
    user = await strict.identity.accounts.verify_email(read)
    assert user.email_verified
    for password in (PASSWORD, THEIR_OWN):
        with pytest.raises(WrongCredentials):
            await strict.identity.sign_in(ADA, password)
    # Whoever reads the letters chooses one.
    (letter,) = [each for each in strict.letters.sent if each.kind == "reset-password"]
    await strict.identity.accounts.reset_password(letter.values["token"], "another horse entirely")
    assert (await strict.identity.sign_in(ADA, "another horse entirely")).session.user_id == user.id


async def test_who_asks_twice_from_one_place_keeps_the_password(strict: Rooms) -> None:
    await ask(strict, PASSWORD, HERS)
    await strict.identity.accounts.verify_email(await ask(strict, PASSWORD, HERS))
    await strict.identity.sign_in(ADA, PASSWORD)
    assert all(each.kind != "reset-password" for each in strict.letters.sent)
