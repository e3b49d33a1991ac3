"""Identity meets the audit: its facts are noted in their own transactions, and it says who may read the entries."""

from collections.abc import Callable, Sequence
from typing import Annotated
from uuid import UUID

from fastapi import Security

from mainstay.base.errors import BadRequest, Forbidden
from mainstay.base.tenant import DEFAULT_TENANT
from mainstay.identity import CurrentUser, current_user
from mainstay.identity.ports import Fact, Step
from mainstay.telemetry.audit import SYSTEM_CHAIN, Audit, Deed

ADMIN_READ = "admin:read"
SYSTEM_READ = "system:read"


class AuditJournal:
    """What identity wants of a journal, kept by the audit."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    def steps(self, fact: Fact) -> Sequence[Step]:
        return (self._audit.note(self._deed(fact)),)

    async def tell(self, fact: Fact) -> None:
        self._audit.tell(self._deed(fact))

    def _deed(self, fact: Fact) -> Deed:
        return self._audit.now(
            fact.name,
            tenant_id=fact.tenant_id,
            user_id=fact.user_id,
            session_id=fact.session_id,
            details=fact.details,
        )


async def readable_chain(
    user: Annotated[CurrentUser, Security(current_user, scopes=[ADMIN_READ])],
) -> Callable[[str], UUID]:
    """The chain a caller may read: administrators their tenant's, operators the system's too.

    Raises SignInRequired, Forbidden, or BadRequest where no tenant is named.
    """

    def chain_of(named: str) -> UUID:
        if named == "system":
            if user.tenant_id != DEFAULT_TENANT:
                raise Forbidden("This is for administrators of the default tenant.", code="not_an_operator")
            if SYSTEM_READ not in user.scopes:
                raise Forbidden.missing_scopes(SYSTEM_READ)
            return SYSTEM_CHAIN
        if user.tenant_id is None:
            raise BadRequest("This request names no tenant.", code="tenant_required")
        return user.tenant_id

    return chain_of
