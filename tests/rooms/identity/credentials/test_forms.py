"""A refusal costs the same comparisons whatever hash an account has, or whether there is one at all."""

import importlib
from collections import Counter
from typing import Any

import bcrypt
import pytest
from sqlalchemy import Connection, text

from mainstay.base.errors import Invalid
from mainstay.identity import PasswordOptions
from mainstay.identity.accounts import AccountOptions
from mainstay.identity.credentials import PasswordHashing
from mainstay.identity.credentials.forms import MOST, form_of, nobodys
from mainstay.identity.errors import WrongCredentials
from tests.rooms.identity.clock import WoundClock
from tests.rooms.identity.rooms import CHEAP, PASSWORD, House, Rooms

OWN = "argon2id$v=19$m=64,t=1,p=1"
OTHER = PasswordOptions(memory_kib=128, passes=1)
OF_OTHERS = "argon2id$v=19$m=128,t=1,p=1"


def bcrypted(cost: int = 4, kind: str = "2b") -> str:
    made = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(cost)).decode()
    return f"${kind}{made[3:]}"


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The forms of the hashes that were compared with, one after the other."""
    found: list[str | None] = []
    compare = PasswordHashing._is_right

    def listening(self: PasswordHashing, stored: str, password: str) -> bool:
        found.append(form_of(stored))
        return compare(self, stored, password)

    monkeypatch.setattr(PasswordHashing, "_is_right", listening)
    return found


async def brought(rooms: Rooms, name: str, secret: str | None, **more: Any) -> None:
    row = {"email": f"{name}@example.org", "password_hash": secret, **more}
    assert await rooms.identity.accounts.import_user(row) is not None


async def refused(rooms: Rooms, name: str, password: str = "wrong horse") -> None:
    with pytest.raises(WrongCredentials):
        await rooms.identity.sign_in(f"{name}@example.org", password)


async def costs(rooms: Rooms, compared: list[str | None], name: str, password: str = "wrong horse") -> Counter[Any]:
    compared.clear()
    await refused(rooms, name, password)
    return Counter(compared)


async def test_a_refusal_compares_with_one_hash_of_each_form_whoever_is_asked_for(
    processes: House, compared: list[str | None]
) -> None:
    rooms = await processes.open(accounts=AccountOptions(verified=True))
    await rooms.identity.create_user("own@example.org", PASSWORD)
    assert await costs(rooms, compared, "nobody") == await costs(rooms, compared, "own") == Counter([OWN])
    other = PasswordHashing(OTHER)
    await brought(rooms, "bcrypt", bcrypted(4))
    await brought(rooms, "php", bcrypted(4, "2y"))
    await brought(rooms, "costly", bcrypted(5))
    await brought(rooms, "elsewhere", await other.hash(PASSWORD))
    await brought(rooms, "shut", bcrypted(4), active="no")
    await brought(rooms, "unconfirmed", bcrypted(4), email_verified="no")
    await brought(rooms, "without", None)
    other.close()
    whole = Counter([OWN, OF_OTHERS, "bcrypt$04", "bcrypt$05"])
    for name in ("nobody", "own", "bcrypt", "php", "costly", "elsewhere", "shut", "unconfirmed", "without"):
        assert await costs(rooms, compared, name) == whole, name
    # A right password that opens nothing tells no more than a wrong one.
    for name in ("shut", "unconfirmed"):
        assert await costs(rooms, compared, name, PASSWORD) == whole, name
    # What has two normal forms is compared twice, with each.
    assert await costs(rooms, compared, "own", "ﬁne horse") == await costs(rooms, compared, "nobody", "ﬁne horse")


async def test_a_right_password_costs_its_own_comparison_alone_and_the_form_goes_with_its_last_hash(
    processes: House, compared: list[str | None], clock: WoundClock
) -> None:
    rooms = await processes.open()
    await rooms.identity.create_user("own@example.org", PASSWORD)
    await brought(rooms, "bcrypt", bcrypted())
    compared.clear()
    await rooms.identity.sign_in("own@example.org", PASSWORD)
    assert compared == [OWN]
    assert (await costs(rooms, compared, "nobody"))["bcrypt$04"] == 1
    compared.clear()
    await rooms.identity.sign_in("bcrypt@example.org", PASSWORD)
    assert compared == ["bcrypt$04"]
    clock.advance(6)
    assert await costs(rooms, compared, "nobody") == await costs(rooms, compared, "bcrypt") == Counter([OWN])


async def test_what_another_process_brings_is_known_within_seconds_and_at_its_first_refusal(
    processes: House, compared: list[str | None], clock: WoundClock
) -> None:
    one, two = await processes.open(), await processes.open()
    await refused(two, "nobody")
    await brought(one, "bcrypt", bcrypted())
    await refused(two, "bcrypt")
    assert await costs(two, compared, "nobody") == await costs(two, compared, "bcrypt") == Counter([OWN, "bcrypt$04"])
    await brought(one, "costly", bcrypted(5))
    clock.advance(6)
    assert await costs(two, compared, "nobody") == await costs(two, compared, "costly")


async def test_nobodys_hashes_are_compared_with_as_somebodys_and_never_match() -> None:
    hashing = PasswordHashing(CHEAP)
    for form in (OWN, OF_OTHERS, "argon2i$v=19$m=64,t=1,p=1", "bcrypt$04"):
        assert form_of(nobodys(form)) == form
        assert not hashing.compare(nobodys(form), PASSWORD).right
    # Not refused for its looks: the library goes all the way.
    assert bcrypt.checkpw(b"x", nobodys("bcrypt$04").encode()) is False
    assert hashing.argon.check_needs_rehash(nobodys(OF_OTHERS))
    hashing.close()


async def test_there_are_so_many_forms_at_most(rooms: Rooms) -> None:
    for number in range(MOST):
        await brought(rooms, f"user{number}", nobodys(f"argon2id$v=19$m={64 + number},t=1,p=1"))
    await brought(rooms, "again", nobodys("argon2id$v=19$m=64,t=1,p=1"))
    with pytest.raises(Invalid, match="costs one of each"):
        await brought(rooms, "one-too-many", bcrypted())


async def test_the_revision_tells_the_forms_of_hashes_that_were_there(rooms: Rooms) -> None:
    secrets = [
        bcrypted(4),
        bcrypted(5, "2y"),
        nobodys(OF_OTHERS),
        nobodys("argon2i$v=19$m=1024,t=20,p=16"),
        nobodys(OWN),
    ]
    for number, secret in enumerate(secrets):
        await brought(rooms, f"user{number}", secret)
    revision: Any = importlib.import_module("mainstay.identity.migrations.versions.0008_forms_of_hashes")

    def run(connection: Connection) -> list[tuple[str, str | None]]:
        connection.execute(text("UPDATE mainstay_credentials SET form = NULL"))
        in_postgresql = connection.dialect.name == "postgresql"
        connection.exec_driver_sql(revision.IN_POSTGRESQL if in_postgresql else revision.IN_SQLITE)
        connection.exec_driver_sql(revision.BCRYPT)
        return [(row[0], row[1]) for row in connection.execute(text("SELECT secret, form FROM mainstay_credentials"))]

    found = await rooms.database.administer(run, changes=False)
    assert sorted(found) == sorted((secret, form_of(secret)) for secret in secrets)
