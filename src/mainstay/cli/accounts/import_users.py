"""`mainstay users import`: accounts from elsewhere, with the hashes of their passwords."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mainstay.assembly import Mainstay
from mainstay.base.errors import ConfigurationError, Rejected
from mainstay.base.tenant import DEFAULT_TENANT
from mainstay.cli.accounts.users_file import read_users
from mainstay.cli.frame.ending import Refused


async def import_users(app: Mainstay, file: Path, roles: Sequence[str], tenant: str | None) -> dict[str, Any]:
    """How many were made, how many were there already, and which lines are refused, with the reason."""
    place = await app.rooms.tenancy.get(tenant or DEFAULT_TENANT)
    if place is None:
        raise Refused(f"there is no tenant {tenant}.", fix="mainstay tenants list shows which there are.")
    told: dict[str, Any] = {"created": 0, "known": 0, "refused": []}
    for line, row in read_users(file):
        try:
            made = await app.rooms.identity.accounts.import_user(row, tuple(roles) or ("user",), place.id)
        except Rejected as refused:
            column = ".".join(str(part) for error in refused.errors[:1] for part in error.loc if part != "body")
            told["refused"].append({"line": line, "column": column or None, "reason": str(refused)})
            continue
        except ConfigurationError as error:
            raise Refused(str(error.what), fix=error.fix) from None
        told["created" if made else "known"] += 1
    return told
