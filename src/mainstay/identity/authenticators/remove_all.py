"""Take every factor from an account: its user has lost them, or they were somebody else's."""

from uuid import UUID

from sqlalchemy import bindparam, delete

from mainstay.identity.authenticators.recovery_codes import drop_codes
from mainstay.identity.authenticators.tables import passkeys, totp
from mainstay.identity.authenticators.ticket import void_tickets
from mainstay.identity.ports import Step
from mainstay.identity.room import Room

APP = delete(totp).where(totp.c.user_id == bindparam("user"))
PASSKEYS = delete(passkeys).where(passkeys.c.user_id == bindparam("user"))


def remove_all(room: Room, user_id: UUID) -> list[Step]:
    """The steps after which there is no factor, no recovery code, and nothing begun."""
    return [
        room.control.step(APP, user=user_id),
        room.control.step(PASSKEYS, user=user_id),
        drop_codes(room, user_id),
        void_tickets(room, user_id),
    ]
