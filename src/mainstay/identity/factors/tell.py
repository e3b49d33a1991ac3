"""What a user is told, and auditors, when their factors change."""

from collections.abc import Iterator
from typing import Any

from mainstay.identity.accounts.by_mail.write_letter import write_letter
from mainstay.identity.accounts.user import User
from mainstay.identity.events import Fact
from mainstay.identity.ports import Step
from mainstay.identity.room import Room

APP = "an authenticator app"


def passkey_named(name: str) -> str:
    return f"the passkey {name}"


def tell(room: Room, letter: str, fact: str, user: User, factor: str, **details: Any) -> Iterator[Step]:
    """The steps that queue a letter and note a fact, in the transaction of what happened."""
    told = {"name": user.display_name, "email": user.email, "factor": factor, "at": f"{room.now():%Y-%m-%d %H:%M} UTC"}
    yield from write_letter(room, letter, user.email, {**told, **details}, user.language)
    yield from room.journal.steps(Fact(fact, user.id, details={"factor": factor, **details}))
