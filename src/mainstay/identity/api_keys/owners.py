"""Who holds a key: a user, or a service account, that stands at this moment."""

from collections.abc import Generator
from uuid import UUID

from sqlalchemy import bindparam, true, update

from mainstay.base.errors import NotFound
from mainstay.identity.api_keys.tables import service_accounts
from mainstay.identity.ports import Step
from mainstay.identity.room import Room
from mainstay.identity.tables import users
from mainstay.storage.statement import Rows

# They change nothing: on PostgreSQL the row stays locked, so that of two that count the keys one waits for the other.
HOLD_USER = (
    update(users)
    .where(users.c.id == bindparam("owner"), users.c.active == true())
    .values(active=users.c.active)
    .returning(users.c.id)
)
HOLD_ACCOUNT = (
    update(service_accounts)
    .where(
        service_accounts.c.id == bindparam("owner"),
        service_accounts.c.tenant_id == bindparam("tenant"),
        service_accounts.c.active == true(),
    )
    .values(active=service_accounts.c.active)
    .returning(service_accounts.c.id)
)


def hold_owner(room: Room, owner: UUID, tenant: UUID) -> Generator[Step, Rows, None]:
    """Keep the owner as they are until this script ends. Raises NotFound for one that is shut or does not exist."""
    if (yield room.control.step(HOLD_USER, owner=owner)):
        return
    if not (yield room.control.step(HOLD_ACCOUNT, owner=owner, tenant=tenant)):
        raise NotFound("There is no such account.")
