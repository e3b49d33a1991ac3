"""Remember which devices a user signs in with, and write to them about one that was not seen before."""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from mainstay.identity.room import Room
from mainstay.identity.sessions.device import device_of
from mainstay.identity.sessions.session import Session
from mainstay.identity.sessions.tables import devices
from mainstay.identity.tables import users
from mainstay.storage.control import in_turn

LIST = select(devices.c.device, devices.c.last_seen_at).where(devices.c.user_id == bindparam("user"))
ADDRESSEE = select(users.c.email, users.c.display_name, users.c.language).where(users.c.id == bindparam("user"))
# Whoever may call themselves anything cannot fill the table.
MOST = 100
# When a device was last seen is told to the hour.
AN_HOUR = timedelta(hours=1)


def note_device(room: Room, session: Session) -> Any:
    """The steps within the transaction that starts the session. The first device of all is nobody's surprise."""
    # What an administrator does as somebody else is told elsewhere.
    if session.impersonator_id is not None:
        return
    device = device_of(session.user_agent)
    known: dict[str, datetime] = dict(room.control.read(LIST, (yield room.control.step(LIST, user=session.user_id))))
    now = session.created_at
    if device in known and now - known[device] < AN_HOUR:
        return
    if device in known or len(known) < MOST:
        seen = _seen(room.control.dialect.name)
        yield room.control.step(seen, user_id=session.user_id, device=device, first_seen_at=now, last_seen_at=now)
    if device in known or not known:
        return
    found = room.control.read(ADDRESSEE, (yield room.control.step(ADDRESSEE, user=session.user_id)))
    if found:
        email, name, language = found[0]
        told: dict[str, Any] = {"name": name, "email": email, "device": device, "at": f"{now:%Y-%m-%d %H:%M} UTC"}
        if session.address is not None:
            place = room.places(session.address)
            told["address"] = session.address if place is None else f"{session.address} ({place})"
        yield from in_turn(room.letters.letter("new-device", email, told, language))


@lru_cache
def _seen(dialect: str) -> Any:
    make: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    add = make(devices).values({c.name: bindparam(c.name) for c in devices.c})
    return add.on_conflict_do_update(
        index_elements=["user_id", "device"], set_={"last_seen_at": add.excluded.last_seen_at}
    )
