"""Which second factors an account has."""

from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, select

from mainstay.identity.authenticators.tables import passkeys, recovery_codes, totp
from mainstay.identity.ports import Step
from mainstay.identity.room import Room
from mainstay.identity.tables import users
from mainstay.storage.statement import Rows

_user: Any = bindparam("user")
HELD = select(
    users.c.deletion_at,
    select(func.count())
    .select_from(totp)
    .where(totp.c.user_id == _user, totp.c.confirmed_at.is_not(None))
    .scalar_subquery(),
    select(func.count()).select_from(passkeys).where(passkeys.c.user_id == _user).scalar_subquery(),
    select(func.count())
    .select_from(recovery_codes)
    .where(recovery_codes.c.user_id == _user, recovery_codes.c.used_at.is_(None))
    .scalar_subquery(),
).where(users.c.id == _user)


@dataclass(frozen=True, slots=True)
class Held:
    """How many of each. Recovery codes alone are no factor: they stand in for one."""

    totp: bool = False
    passkeys: int = 0
    codes_left: int = 0
    deletion_at: datetime | None = None

    @property
    def any(self) -> bool:
        return self.totp or self.passkeys > 0

    @property
    def methods(self) -> list[str]:
        """What a second step may be done with."""
        found = [name for name, there in (("totp", self.totp), ("passkey", self.passkeys > 0)) if there]
        return [*found, "recovery_code"] if self.any and self.codes_left else found


def held_steps(room: Room, user_id: UUID) -> Generator[Step, Rows, Held]:
    """The same within a transaction."""
    return _held(room.control.read(HELD, (yield room.control.step(HELD, user=user_id))))


async def held_by(room: Room, user_id: UUID) -> Held:
    return _held(await room.control.fetch(HELD, user=user_id))


def _held(rows: Any) -> Held:
    if not rows:
        return Held()
    deletion_at, apps, keys, codes = rows[0]
    return Held(bool(apps), int(keys), int(codes), deletion_at)
