"""What every flow of this area works with."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import bindparam, select

from mainstay.base.errors import NotFound
from mainstay.base.secret import MasterKey
from mainstay.identity.accounts.find_user import get_user
from mainstay.identity.accounts.user import User
from mainstay.identity.authenticators.tables import TOTP_LABEL, TOTP_PREFIX, passkeys, totp
from mainstay.identity.options import FactorOptions
from mainstay.identity.room import Room
from mainstay.storage.sealing import Seal

APP = select(totp.c.sealed, totp.c.last_step, totp.c.created_at, totp.c.confirmed_at).where(
    totp.c.user_id == bindparam("user")
)
KNOWN = (
    select(passkeys.c.credential_id, passkeys.c.transports)
    .where(passkeys.c.user_id == bindparam("user"))
    .order_by(passkeys.c.created_at)
)


@dataclass(frozen=True, slots=True)
class Desk:
    """The room, what is set, and the seal under which authenticator apps' secrets are kept."""

    room: Room
    options: FactorOptions
    seal: Seal

    def close(self, user_id: UUID, secret: str) -> str:
        return self.seal.close(secret.encode(), TOTP_PREFIX + str(user_id).encode())

    def open(self, user_id: UUID, sealed: str) -> str | None:
        """None for what another master key sealed, or for another user."""
        plain = self.seal.open(sealed, TOTP_PREFIX + str(user_id).encode())
        return None if plain is None else plain.decode()

    async def user(self, user_id: UUID) -> User:
        """Raises NotFound."""
        found = await get_user(self.room, user_id)
        if found is None:
            raise NotFound("There is no such user.")
        return found

    async def known(self, user_id: UUID) -> list[tuple[str, list[str]]]:
        """The user's passkeys, as their ids and how they are reached."""
        return [(row[0], row[1]) for row in await self.room.control.fetch(KNOWN, user=user_id)]


def desk_of(room: Room, master: MasterKey) -> Desk:
    return Desk(room, room.options.factors, Seal(master, TOTP_LABEL))
